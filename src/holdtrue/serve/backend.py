"""The seam between the server and whatever answers: a model in this process, or somebody's API with a reader beside."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar, final, runtime_checkable

from holdtrue.records import HoldSpec

__all__ = ["Backend", "Finish", "Outcome", "Piece", "TokenChoice", "TokenReading", "TurnRequest", "closed"]

Finish = Literal["stop", "length", "content_filter", "tool_calls"]


T = TypeVar("T")


@asynccontextmanager
async def closed(items: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Closes an iteration at once, rather than when it is collected, so that its place is free."""
    try:
        yield items
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()


@final
@dataclass(frozen=True)
class TurnRequest:
    """One answer to draw."""

    messages: tuple[dict[str, str], ...]
    """`role` and `content`, as the context policy left them."""
    hold: HoldSpec
    drifting: bool
    """Whether the conversation's alarm stands, for caps that wait for drift."""
    session: str
    """Lets a reader keep what it has read."""
    seed: int
    max_tokens: int | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    top_logprobs: int | None = None
    """None: no log-probabilities; 0 to 20: the drawn token's and this many alternatives'."""
    limit_seconds: float = math.inf
    """The longest the turn may take: an answer in hand isn't put at risk by asking again."""


@final
@dataclass(frozen=True)
class TokenChoice:
    """A drawn token and its log-probability under the held model, before temperature and top-p."""

    text: str
    log_prob: float
    top: tuple[tuple[str, float], ...] = ()
    raw: bytes = b""
    """Its bytes: a token may be part of a character."""


@final
@dataclass(frozen=True)
class TokenReading:
    """A token's projection at the read layer; known one step after the token itself."""

    text: str
    before: float
    """Before the cap."""
    after: float
    fired: float
    """Share of the held blocks whose floor it was under; 0 where nothing is held."""
    thinking: bool = False


@final
@dataclass(frozen=True)
class Piece:
    """What one step adds to an answer."""

    text: str = ""
    choices: tuple[TokenChoice, ...] = ()
    readings: tuple[TokenReading, ...] = ()


@final
@dataclass(frozen=True)
class Outcome:
    """How an answer ended; always the last thing a backend yields."""

    finish_reason: Finish
    prompt_tokens: int
    completion_tokens: int
    projection: float | None
    """Mean over answer tokens at the read layer, after the cap; None when nothing was measured."""
    z: float | None
    """Of the mean before the cap at the read layer, against benign answers: a hold there doesn't hide the drift that it
    works against. Blocks below, where they are held, still do in part."""
    fired: float | None
    """Share of (answer token, held block) pairs under the floor; None from outside."""
    redraws: int = 0
    """Answers drawn and put aside."""
    extra_tokens: int = 0
    """Completion tokens of those."""
    thinking_projection: float | None = None
    """Mean over the thinking segment, where there is one."""
    note: str | None = None
    """Why nothing was measured, where nothing was."""


@runtime_checkable
class Backend(Protocol):
    """Answers turns. Cancelling the iteration frees the turn's place within one step."""

    model: str
    """As `/v1/models` names it."""
    reader: str | None
    """The model that reads the text, when it isn't the one that writes it."""
    layer: int
    """The read layer, for labels."""

    def answer(self, turn: TurnRequest) -> AsyncIterator[Piece | Outcome]:
        """Draw one answer: pieces as they come, then the outcome.

        Raises:
            ApiError: the turn can't be answered, with the status to pass on.
        """

    @property
    def ready(self) -> bool:
        """Whether turns can be answered."""

    @property
    def load(self) -> tuple[int, int]:
        """Turns running, and turns waiting."""

    def check_hold(self, hold: HoldSpec) -> None:
        """Refuse a hold that can't be had here.

        Raises:
            HoldtrueError: it needs weights, a calibration or blocks that aren't there.
        """

    def count_tokens(self, messages: tuple[dict[str, str], ...]) -> int:
        """Prompt tokens of a conversation, for budgets; an estimate where the tokenizer isn't ours."""

    async def close(self) -> None:
        """Let running turns go and free what is held."""
