"""What a judge said about one trial."""

from typing import ClassVar

from holdtrue.records.base import Record

__all__ = ["Judgement"]


class Judgement(Record):
    """A line of `judged.jsonl`."""

    schema_id: ClassVar[str] = "holdtrue.judgement/1"

    judge: str
    """The judge's model string."""
    rubric: str
    """Digest of what it was asked."""
    subject: tuple[str, str, str, int]
    """Arm, kind, family and variant of the trial; arm `calibration` for texts whose answer is known."""
    out_of_character: bool | None
    """Whether the assistant had left its character; None where the judge gave no readable answer."""
    known: bool | None = None
    """Calibration: the right answer."""

    @property
    def key(self) -> tuple[str, str, str, str, str, int]:
        """What makes it one judgement of a run."""
        return (self.judge, self.rubric, *self.subject)
