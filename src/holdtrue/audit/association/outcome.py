"""What may go with a phrase, and which rows speak about it: one of each family of near-duplicates."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, final

import numpy as np
from jaxtyping import Bool, Int

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
    flagged: Bool[np.ndarray, " rows"]
    population: Bool[np.ndarray, " _"]
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
    alike: Bool[np.ndarray, " rows"] | None = None
    """Rows labelled as the flagged ones are, however they read. A phrase alarms only if most of its rows among them are
    flagged: otherwise it is honest evidence for that label, and the flagged ones are hard cases."""
    still_reads: StillReads | None = None
    """Asked before an alarm where the outcome is about how a text reads: where a phrase is itself why it reads that
    way, the reading errs, not the label."""

    def __post_init__(self) -> None:
        if self.flagged.shape != self.population.shape:
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
    """An outcome by family."""

    rows: Int[np.ndarray, " families"]
    """The row that speaks for each family, ascending."""
    flagged: Bool[np.ndarray, " families"]

    @property
    def n(self) -> int:
        """Families."""
        return int(self.rows.size)

    @property
    def positive(self) -> int:
        """Families with the outcome."""
        return int(self.flagged.sum())

    def without(self, rows: Int[np.ndarray, " taken"]) -> "Units":
        """Those that aren't spoken for by some rows."""
        keep = ~np.isin(self.rows, rows)
        return Units(self.rows[keep], self.flagged[keep])


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
    inside = np.flatnonzero(outcome.population)
    flagged = inside[outcome.flagged[inside]]
    speaker = np.full(n, -1, dtype=np.int64)
    # Of values written to the same place the last one stays: backwards, so the first row does, and flags after all.
    for rows in (inside, flagged):
        speaker[families[rows][::-1]] = rows[::-1]
    chosen = np.sort(speaker[speaker >= 0])
    return Units(chosen, outcome.flagged[chosen])
