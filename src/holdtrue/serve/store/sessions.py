"""What the store keeps: sessions, and their turns."""

from dataclasses import dataclass, field
from typing import TypedDict, final

from holdtrue.records import HoldSpec

__all__ = ["Session", "StoredToken", "StoredTurn"]


@final
class StoredToken(TypedDict):
    """One answer token's reading, as it goes over the wire."""

    text: str
    """Empty when the store keeps no text."""
    projection: float | None
    """At the read layer, after the cap."""
    before: float | None
    """Before it."""
    fired: float | None
    """Share of the held blocks whose floor it was under."""


@final
@dataclass(frozen=True)
class Session:
    """A conversation, and where its persona stands."""

    id: str
    created: float
    """Unix seconds, like every time in the store."""
    updated: float
    model: str
    reader: str | None
    """The model that reads the text, when it isn't the one that writes it."""
    owner: str
    """Id of the API key that began it; empty when the server has no keys."""
    hold: HoldSpec
    history_digest: str | None = None
    """Of the messages up to the last answer, by which a client that resends them is recognised."""
    n_turns: int = 0
    z: float | None = None
    """Of the last answer."""
    fired: float | None = None
    """Of the last answer."""
    alarm: bool = False
    """Whether it stands now."""
    alarm_turn: int | None = None
    """The first turn that rang it."""
    title: str | None = None
    """Start of the first user text; None when text isn't kept."""
    detector: dict[str, float] = field(default_factory=dict)
    """State of the drift detector, which the store doesn't look into."""

    def summary(self) -> dict[str, object]:
        """JSON-ready, as lists of sessions show it."""
        return {
            "id": self.id,
            "created": self.created,
            "updated": self.updated,
            "model": self.model,
            "reader": self.reader,
            "hold": self.hold.name,
            "hold_digest": self.hold.digest,
            "n_turns": self.n_turns,
            "z": self.z,
            "fired": self.fired,
            "alarm": self.alarm,
            "alarm_turn": self.alarm_turn,
            "title": self.title,
        }


@final
@dataclass(frozen=True)
class StoredTurn:
    """A user's text and the answer to it, with what was read."""

    session: str
    """Id."""
    turn: int = 0
    """1 is the first; 0, in a turn to be recorded, takes the next number."""
    user: str | None = None
    """None when text isn't kept."""
    answer: str | None = None
    projection: float | None = None
    """Mean over answer tokens; None when nothing was measured."""
    z: float | None = None
    fired: float | None = None
    alarm: bool = False
    """Whether it stood after this answer."""
    hold: str = "free"
    """Name of the hold that answered."""
    hold_digest: str = ""
    thinking_projection: float | None = None
    finish_reason: str = "stop"
    created: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    tokens: tuple[StoredToken, ...] = ()

    def as_json(self) -> dict[str, object]:
        """JSON-ready, as one element of a session's `turns`."""
        return {
            "turn": self.turn,
            "user": self.user,
            "answer": self.answer,
            "projection": self.projection,
            "z": self.z,
            "fired": self.fired,
            "alarm": self.alarm,
            "hold": self.hold,
            "hold_digest": self.hold_digest,
            "thinking_projection": self.thinking_projection,
            "finish_reason": self.finish_reason,
            "created": self.created,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "tokens": [dict(token) for token in self.tokens],
        }
