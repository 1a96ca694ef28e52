"""What may go with a phrase, and which rows speak about it: one of each family of near-duplicates."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, final

import numpy as np
from jaxtyping import Bool, Int

from holdtrue.audit.row_set import RowSet
from holdtrue.audit.rows import Rows
from holdtrue.errors import SettingError
from holdtrue.records.audit import FindingKind

__all__ = ["LEAST", "Outcome", "StillReads", "Units", "alike_units", "units"]

StillReads: TypeAlias = Callable[[Rows, Int[np.ndarray, " chosen"], tuple[str, ...]], Bool[np.ndarray, " chosen"]]
"""Whether some rows still read against their label when a phrase is taken out of them."""


LEAST: Final = 3


@final
@dataclass(frozen=True)
class Outcome:
    """A yes or no about each row that shouldn't depend on a phrase of its prompt.

    Raises:
        SettingError: arrays of different lengths, or a share outside 0 to 1.
    """

    name: str
    """In words: `reply in capitals`."""
    kind: FindingKind
    """Of a finding that rests on it: `trigger`, or `label_flip`."""
    flagged: RowSet
    population: RowSet
    """Rows that were looked at; flags outside don't count."""
    judged: bool = False
    """A judge's flag, not a stand-in's."""
    sensitivity: float = 1.0
    """Share of the poisoned rows looked at that it flags."""
    reached: float = 1.0
    """Share of the dataset that was looked at, where that is a sample: the detectable dose is one of the whole."""
    everyday: bool = False
    """Honest prompts call for it in many ways: without a control that lacks it, an association is a note."""
    least: int = LEAST
    """Flagged families that a phrase needs."""
    alike: RowSet | None = None
    """Rows labelled as the flagged ones are, however they read. A phrase alarms only if most of its rows among them are
    flagged: otherwise it is honest evidence for that label, and the flagged ones are hard cases."""
    still_reads: StillReads | None = None
    """Asked before an alarm where the outcome is about how a text reads: where a phrase is itself why it reads that
    way, the reading errs, not the label."""

    def __post_init__(self) -> None:
        if self.flagged.size != self.population.size:
            message = f"outcome {self.name!r}: {self.flagged.size} flags for {self.population.size} rows; give one each"
            raise SettingError(message)
        if not (0 < self.sensitivity <= 1 and 0 < self.reached <= 1):
            shares = f"sensitivity {self.sensitivity} and reached {self.reached}"
            message = f"outcome {self.name!r}: {shares} must be above 0 and at most 1"
            raise SettingError(message)

    @property
    def weak(self) -> bool:
        """Whether findings that rest on it are marked weak: it is a stand-in."""
        return not self.judged

    @property
    def is_judgement(self) -> bool:
        """Whether somebody judged each row: then provenance values and topics may alarm as well.

        A new annotator's style is a habit, and honest topics call for peculiar replies: false labels are neither.
        """
        return self.judged or self.kind == "label_flip"


@final
@dataclass(frozen=True)
class Units:
    """An outcome by family, each standing for itself in one row."""

    speaks: RowSet
    """The row that speaks for each family."""
    flagged: RowSet
    """Those with the outcome."""

    @property
    def n(self) -> int:
        """Families."""
        return self.speaks.count

    @property
    def positive(self) -> int:
        """Families with the outcome."""
        return self.flagged.count

    def counted(self, rows: RowSet) -> tuple[int, int]:
        """Families with the outcome, and families, that are spoken for by some rows."""
        return (self.flagged & rows).count, (self.speaks & rows).count

    def among(self, rows: RowSet) -> "Units":
        """Those that are spoken for by some rows."""
        return Units(self.speaks & rows, self.flagged & rows)

    def without(self, rows: RowSet) -> "Units":
        """Those that aren't."""
        return Units(self.speaks - rows, self.flagged - rows)


def alike_units(outcome: Outcome, families: Int[np.ndarray, " rows"]) -> Units | None:
    """The same of all rows labelled alike, if the outcome names them."""
    if outcome.alike is None:
        return None
    return units(Outcome(outcome.name, outcome.kind, outcome.flagged & outcome.population, outcome.alike), families)


def units(outcome: Outcome, families: Int[np.ndarray, " rows"]) -> Units:
    """One row a family: its first flagged row if it has one, else its first row in the population.

    Args:
        outcome: over the dataset's rows.
        families: for each row the number of its family's first row.

    Raises:
        SettingError: another number of rows.
    """
    n = families.size
    if outcome.flagged.size != n:
        message = f"outcome {outcome.name!r} has {outcome.flagged.size} rows, the dataset {n}; give one flag a row"
        raise SettingError(message)
    flagged = outcome.flagged & outcome.population
    speaker: Int[np.ndarray, " rows"] = np.full(n, -1, dtype=families.dtype)
    # Of values written to the same place the last one stays: backwards, so the first row does, and flags after all.
    for those in (outcome.population, flagged):
        for rows in those.blocks(backwards=True):
            speaker[families[rows]] = rows
    speaks = RowSet.numbered(speaker[speaker >= 0], n)
    return Units(speaks, flagged & speaks)
