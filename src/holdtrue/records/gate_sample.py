"""What a model answered to a gate's item: a line of `samples.jsonl`."""

from typing import Any, ClassVar, Literal, TypeAlias

from pydantic import Field

from holdtrue.records.base import Record
from holdtrue.records.gate_item import FailureClass

__all__ = ["GateSample", "Outcome", "Phase", "SampleCall", "SampleMessage", "SampleProbe"]

Outcome: TypeAlias = Literal["pass", "fail", "undetermined"]
Phase: TypeAlias = Literal["eligibility", "release", "control"]


class SampleCall(Record):
    """A tool call; one whose arguments weren't to be read has none."""

    schema_id: ClassVar[str] = "holdtrue.sample-call/1"

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class SampleMessage(Record):
    """A message of the transcript."""

    schema_id: ClassVar[str] = "holdtrue.sample-message/1"

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    reasoning: str | None = None
    calls: tuple[SampleCall, ...] = ()
    stop: str | None = None
    """Why an answer ended: `stop`, `max_tokens`, `tool_calls`, …"""


class SampleProbe(Record):
    """What the probe gave."""

    schema_id: ClassVar[str] = "holdtrue.sample-probe/1"

    after_turn: int
    """0 before anything was said."""
    margin: float | None
    """Log-probability of the wanted answer's letter less that of the other, nats; None where the model gives none."""
    said: str
    """The letter it answered."""
    wanted: bool | None
    """Whether the wanted answer was the likelier; None if neither can be read off."""


class GateSample(Record):
    """One item, answered once."""

    schema_id: ClassVar[str] = "holdtrue.gate-sample/1"

    item: str
    """Digest of the item."""
    failure_class: FailureClass
    family: str
    variant: int = 0
    twin: bool = False
    phase: Phase
    policy: str
    """Who answered: `target`, `free` (the target without its hold), or the name of a control."""
    attempt: int = Field(ge=1)
    seed: int
    """Of its draws."""
    epoch: int = 0
    """Eligibility plays a twin several times."""
    messages: tuple[SampleMessage, ...] = ()
    probes: tuple[SampleProbe, ...] = ()
    cut_reasoning: str | None = None
    """The final answer given from the first half of the reasoning alone; None where it wasn't asked."""
    status: Literal["ok", "timeout", "error", "truncated", "empty"] = "ok"
    error: str | None = None
    outcome: Outcome = "undetermined"
    reason: str = ""
    """Why, in a few words."""
    signature: str = ""
    """Kind of failure, equal for failures alike; empty for a pass."""
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0

    @property
    def key(self) -> tuple[str, str, str, str, int, bool, int, int]:
        """What makes it one sample of a run."""
        return (
            self.phase,
            self.policy,
            self.failure_class,
            self.family,
            self.variant,
            self.twin,
            self.epoch,
            self.attempt,
        )
