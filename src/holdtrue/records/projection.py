"""What a reader saw in a conversation: projections per token and per turn."""

from typing import ClassVar

from holdtrue.records.base import Record

__all__ = ["Projection", "Reading", "TurnReading"]


class Projection(Record):
    """One token's projection onto the unit axis at the read layer."""

    schema_id: ClassVar[str] = "holdtrue.projection/1"

    text: str
    value: float


class TurnReading(Record):
    """One assistant turn."""

    schema_id: ClassVar[str] = "holdtrue.turn-reading/1"

    turn: int
    """1 for the first assistant turn."""
    message: int
    """Index into the transcript's messages."""
    n_tokens: int
    """Answer tokens; template tokens and thinking are not among them."""
    projection: float | None
    """Mean over answer tokens at the read layer; None for an empty turn."""
    z: float | None
    """Against benign response means: negative is less assistant-like."""
    thinking_projection: float | None
    """Mean over the thinking segment, where there is one."""
    by_layer: tuple[float, ...]
    """Mean projection at every layer; empty for an empty turn."""
    tokens: tuple[Projection, ...]
    excerpt: str


class Reading(Record):
    """A watched conversation."""

    schema_id: ClassVar[str] = "holdtrue.reading/1"

    title: str
    source: str
    speaker: str | None
    """The model that spoke, where the transcript says."""
    reader: str
    """The model whose activations were read: it saw only the text."""
    reader_is_speaker: bool
    axis_digest: str
    layer: int
    turns: tuple[TurnReading, ...]
    alarm_turn: int | None
    """The assistant turn at which the drift detector first rang; None if it never did."""
    onset_turn: int | None
    """Where the drift behind that alarm began: the turn after the last zero of the detector's chart that rang."""
    rule: str
    """The detector's parameters in words."""

    @property
    def caveat(self) -> str:
        """What kind of reading this is, in one sentence."""
        if self.reader_is_speaker:
            return f"{self.reader} reads its own words, teacher-forced from the text."
        speaker = self.speaker or "an unnamed speaker"
        return (
            f"{self.reader} reads text written by {speaker}: this measures how the text strikes the reader, "
            "not the speaker's own activations."
        )
