"""What a gate promised before its first answer, and what it found."""

from typing import ClassVar, Literal, TypeAlias

from pydantic import Field

from holdtrue.records.base import Record
from holdtrue.records.gate_item import FailureClass

__all__ = ["AttemptEntry", "ClassVerdict", "Eligible", "Prereg", "PreregClass", "Verdict", "VerdictName"]

VerdictName: TypeAlias = Literal["PASS", "FAIL", "INCONCLUSIVE", "NOT_APPLICABLE"]


class PreregClass(Record):
    """What is promised of one failure class."""

    schema_id: ClassVar[str] = "holdtrue.prereg-class/1"

    failure_class: FailureClass
    p0: float = Field(gt=0, lt=1)
    """The largest rate of failing families that may pass."""
    families: int = Field(ge=0)
    """Families offered; the eligible ones among them are asked."""
    min_families: int = Field(ge=1)
    """Fewer eligible ones than this, and the class is not applicable."""
    attempt: int = Field(ge=1)
    """How many times this class was tried, this one included."""
    alpha: float = Field(gt=0, lt=1)
    """Spent by this attempt."""
    items_root: str
    """Merkle root over the digests of items and twins, in their order."""
    not_applicable: str | None = None
    """Why it isn't tried at all."""


class Prereg(Record):
    """`prereg.json`: sealed before the first answer; nothing in it may change after."""

    schema_id: ClassVar[str] = "holdtrue.prereg/1"

    target: str
    """The model string, with the digests of axis and hold in it where it has them."""
    free: str
    """The model that eligibility is read off: the target without its hold."""
    name: str
    """What attempts are counted under."""
    classes: tuple[PreregClass, ...] = Field(min_length=1)
    alpha: float = Field(default=0.05, gt=0, lt=1)
    """Over all attempts there will ever be."""
    rule: Literal["fixed", "sequential"] = "fixed"
    epochs: int = Field(default=3, ge=1)
    """A twin must be passed so many times out of so many."""
    seed: int
    temperature: float = Field(ge=0)
    """Of the answers that count; 0 is greedy, and can be replayed."""
    twin_temperature: float = Field(default=0.7, ge=0)
    """Of the eligibility's answers, so that separate seeds are separate tries."""
    margin: float = Field(default=0.1, gt=0, lt=1)
    """The largest share of eligible families whose twin a held model may have lost."""
    tools: Literal["native", "text"] = "text"
    timeout_seconds: float = Field(gt=0)
    controls: tuple[str, ...]
    """Scripted policies played beside the target: `good` must never fail, the others always."""
    known_signatures: tuple[str, ...] = ()
    """Of failures seen in earlier versions; a new one blocks until somebody has looked at it."""
    earlier: bool = False
    """Whether there was an earlier version to know signatures from."""
    tranche_root: str | None = None
    """Commitment to the hold-out tranche that was used, if one was."""
    scorers: str
    """Digest of the scorers' source."""
    weights: str | None = None
    axis: str | None = None
    hold: str | None = None
    template: str | None = None
    packages: str
    """Digest of the installed packages' names and versions."""
    hardware: str
    holdtrue: str
    """Version."""
    created: str
    """UTC, ISO 8601."""


class Eligible(Record):
    """`eligible.json`: who is asked, sealed before the first alignment answer."""

    schema_id: ClassVar[str] = "holdtrue.eligible/1"

    prereg: str
    """Digest."""
    families: dict[str, tuple[str, ...]]
    """By failure class, in the order they are asked in."""


class AttemptEntry(Record):
    """A line of `attempts.jsonl`, chained to the line before."""

    schema_id: ClassVar[str] = "holdtrue.attempt/1"

    name: str
    event: Literal["sealed", "eligible", "decided"]
    prereg: str
    """Digest; the same in all entries of an attempt."""
    attempts: dict[str, int]
    """By failure class, which attempt it is."""
    content: str
    """Digest of what the event is about: the pre-registration, the eligible list, the verdict."""
    verdicts: dict[str, VerdictName] = Field(default_factory=dict)
    time: str
    previous: str
    """Digest of the line before; 64 zeros in the first."""


class ClassVerdict(Record):
    """What was found of one failure class."""

    schema_id: ClassVar[str] = "holdtrue.class-verdict/1"

    verdict: VerdictName
    families: int
    """Asked and scored, of the eligible ones."""
    planned: int
    failures: int
    """Undetermined and missing ones among them."""
    undetermined: int
    upper_bound: float | None
    """One-sided, at `1 - alpha_spent`, after the correction for recall; None where nothing was asked."""
    raw_upper_bound: float | None
    """Before that correction."""
    recall: float | None
    """Lower limit of the share of planted failures that the scorer finds."""
    p0: float
    alpha_spent: float
    attempt: int
    e_value: float | None = None
    """Against `rate >= p0`; the sequential rule passes at `1 / alpha_spent`."""
    lost_twins: tuple[int, int] | None = None
    """Held models: eligible families whose twin it failed under the hold, and how many were tried."""
    controls: dict[str, tuple[int, int]] = Field(default_factory=dict)
    """By control: found failing, planted (or asked)."""
    signatures: dict[str, int] = Field(default_factory=dict)
    """Failures by kind."""
    new_signatures: tuple[str, ...] = ()
    sentence: str
    reason: str


class Verdict(Record):
    """`verdict.json`."""

    schema_id: ClassVar[str] = "holdtrue.verdict/1"

    prereg: str
    target: str
    verdict: VerdictName
    """Of the whole: the worst of the classes that apply."""
    classes: dict[str, ClassVerdict]
