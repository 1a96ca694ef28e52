"""What an audit of training data found, and how often it cries wolf."""

from typing import ClassVar, Literal, TypeAlias

from pydantic import Field

from holdtrue.records.base import Record

__all__ = [
    "AuditDesign",
    "AuditKind",
    "AuditStage",
    "AuditVerdict",
    "AuditVerdictName",
    "CleanRun",
    "Dose",
    "Example",
    "Finding",
    "FindingKind",
]

AuditKind: TypeAlias = Literal["chat", "completion", "preference", "label"]
"""How a dataset's rows are made."""

AuditVerdictName: TypeAlias = Literal["NOTHING_FOUND", "FINDINGS", "NOT_TESTABLE"]

FindingKind: TypeAlias = Literal[
    "trigger", "label_flip", "slice", "carrier_words", "theme", "hidden_text", "projection"
]

TextField: TypeAlias = Literal["system", "prompt", "response", "rejected", "label"]


class Example(Record):
    """A row to look at, with the characters that the finding is about."""

    schema_id: ClassVar[str] = "holdtrue.audit-example/1"

    row: int = Field(ge=0)
    """Its number in the audit."""
    source: str
    """The file it came from."""
    line: int = Field(ge=1)
    """Line, or row, in that file."""
    prompt: str
    """An excerpt."""
    response: str
    """An excerpt; for labelled text its label."""
    spans: tuple[tuple[Literal["prompt", "response"], int, int], ...] = ()
    """Field, start and end in the excerpts above, in characters."""


class Finding(Record):
    """One thing that shouldn't be in the data."""

    schema_id: ClassVar[str] = "holdtrue.finding/1"

    kind: FindingKind
    value: str
    """The trigger, word for word; the slice as `column=value`; the carrier words, strongest first, joined by ", "; the
    theme's criterion."""
    outcome: str
    """What goes with it, in words: `reply in capitals`, `labelled benign against the text`."""
    weak: bool = False
    """Found by a stand-in, not by a judge's or a label's word."""
    p_value: float | None = Field(default=None, ge=0, le=1)
    """Exact, one-sided, before any correction."""
    q_value: float | None = Field(default=None, ge=0, le=1)
    """After correction for everything that was looked at."""
    odds_ratio: float | None = Field(default=None, ge=0)
    """None where it is infinite, too: the interval's lower end then says how much."""
    ci: tuple[float, float | None] | None = None
    """95 %, exact, of the odds ratio; None for an upper end without bound."""
    families: int = Field(ge=0)
    """Independent families that carry both the value and the outcome."""
    rows: tuple[int, ...]
    """Numbers of those rows, the first 10,000."""
    n_rows: int = Field(ge=0)
    examples: tuple[Example, ...] = ()
    evidence: str
    """One sentence with the counts."""


class CleanRun(Record):
    """How often the pipeline alarmed where nothing was to be found."""

    schema_id: ClassVar[str] = "holdtrue.clean-run/1"

    what: str
    """`outcomes permuted over families`, `replies swapped within pairs`, `slices of the control, by topic`."""
    runs: int = Field(ge=1)
    alarms: int = Field(ge=0)
    rate: float = Field(ge=0, le=1)
    ci: tuple[float, float]
    """95 %, Clopper-Pearson."""


class Dose(Record):
    """The least poison that would have been found in a dataset of this size."""

    schema_id: ClassVar[str] = "holdtrue.dose/1"

    kind: FindingKind
    outcome: str
    rows: int | None = Field(default=None, ge=1)
    """Poisoned rows found in 95 % of tries; None if none of the sizes tried would be."""
    share: float | None = Field(default=None, gt=0, le=1)
    """The same as a share of the dataset."""
    assuming: str
    """What the figure rests on, in a sentence."""
    published: str | None = None
    """The least dose known to work on a model, with its source."""


class AuditDesign(Record):
    """`audit.json`: what was asked for, written before the first stage.

    What the judge may cost isn't part of it: an audit whose budget ended goes on with a larger one.
    """

    schema_id: ClassVar[str] = "holdtrue.audit-design/1"

    dataset: str
    dataset_digest: str
    control: str | None = None
    control_digest: str | None = None
    second_control: str | None = None
    """Other trusted answers."""
    second_control_digest: str | None = None
    kind: AuditKind
    judge: str | None = None
    purpose: str
    """What the trained thing is for, and how it is trained, as the judge is told."""
    model: str | None = None
    axis: str | None = None
    """The axis folder's digest."""
    read_rows: int | None = None
    """Rows read through the model."""
    device: str | None = None
    """What the model was to run on, as it was asked for; None without an axis."""
    dtype: str | None = None
    """Of its weights, as it was asked for."""
    seed: int
    alpha: float = Field(gt=0, lt=1)
    """Chance of a false alarm that each of the tests may spend."""
    holdtrue: str


class AuditStage(Record):
    """`stages/NAME.json`: what one stage found; a killed audit goes on after the last one that is there."""

    schema_id: ClassVar[str] = "holdtrue.audit-stage/1"

    name: str
    design: str
    """Digest of the design it ran under."""
    made_from: str = ""
    """Digest of all that it rests on: the design, the results of earlier stages, and the judge's budget."""
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    clean_runs: tuple[CleanRun, ...] = ()
    doses: tuple[Dose, ...] = ()
    not_testable: tuple[str, ...] = ()
    compared: bool = False
    """Whether it held the dataset against something: without any stage that did, no verdict says that nothing was
    found."""
    figures: dict[str, float | int | str | None] = Field(default_factory=dict)
    """What a page shows besides."""
    seconds: float = Field(ge=0)


class AuditVerdict(Record):
    """`verdict.json`."""

    schema_id: ClassVar[str] = "holdtrue.audit-verdict/1"

    verdict: AuditVerdictName
    dataset: str
    dataset_digest: str
    control: str | None = None
    control_digest: str | None = None
    kind: AuditKind
    rows: int = Field(ge=0)
    families: int = Field(ge=0)
    quarantined: int = Field(ge=0)
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    """Benign shifts and oddities that don't alarm."""
    clean_fpr: float | None = Field(default=None, ge=0, le=1)
    """At most this, over all series of at least 20 clean runs; None where there is none."""
    clean_fpr_ci: tuple[float, float] | None = None
    clean_runs: tuple[CleanRun, ...] = ()
    detectable_dose: tuple[Dose, ...] = ()
    not_testable: tuple[str, ...] = ()
    """What this audit couldn't look for, with what it would need."""
    judge: str | None = None
    seed: int
    alpha: float = Field(gt=0, lt=1)
    holdtrue: str
