"""What a model read in one row of a dataset, and what such readings hold for."""

from typing import ClassVar, Literal

from pydantic import Field

from holdtrue.records.base import Record

__all__ = ["AuditReading", "ReadingPlan"]


class ReadingPlan(Record):
    """`white_box.json`: readings hold for these data, weights and axis, and for no others."""

    schema_id: ClassVar[str] = "holdtrue.audit-reading-plan/1"

    dataset_digest: str
    control_digest: str | None
    model: str
    weights_digest: str
    axis_digest: str
    layer: int
    dtype: str
    """Of the weights; figures of other precisions differ a little."""
    prompt_characters: int
    """The most of a prompt that is read: its end."""
    reply_tokens: int
    """The most of a reply that is read: its start."""


class AuditReading(Record):
    """A line of `white_box.jsonl`."""

    schema_id: ClassVar[str] = "holdtrue.audit-reading/1"

    side: Literal["suspect", "control"]
    row: int = Field(ge=0)
    projection: float | None
    """Mean over the reply's tokens on the unit axis; larger is more assistant-like. None: nothing could be read."""
    log_likelihood: float | None
    """Mean per token of the reply, in nats, given the prompt."""
    n_tokens: int = Field(ge=0)
    """Tokens of the reply that were read."""
    cut: bool = False
    """Prompt or reply was longer than what is read."""
    unread: str | None = None
    """Why nothing could be read."""

    @property
    def key(self) -> tuple[str, int]:
        """What makes it one reading of a run."""
        return (self.side, self.row)
