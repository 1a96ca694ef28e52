"""What may go with a phrase, and which rows speak about it: one of each family of near-duplicates."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, final

import numpy as np
from jaxtyping import Bool, Int, UInt8

from holdtrue.audit.rows import Rows
from holdtrue.errors import SettingError
from holdtrue.records.audit import FindingKind

__all__ = ["LEAST", "Outcome", "StillReads", "Units", "alike_units", "units"]

StillReads: TypeAlias = Callable[[Rows, Int[np.ndarray, " chosen"], tuple[str, ...]], Bool[np.ndarray, " chosen"]]
"""Whether some rows still read against their label when a phrase is taken out of them."""


LEAST: Final = 3
_AT_ONCE: Final = 2**20
"""Rows whose numbers are held at once."""


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
    """An outcome by family: a bit for each row, so that a dozen outcomes of ten million rows are small."""

    speaks: UInt8[np.ndarray, " bytes"]
    """Whether the row speaks for its family."""
    flags: UInt8[np.ndarray, " bytes"]
    """Whether it speaks, and has the outcome."""
    n: int
    """Families."""
    positive: int
    """Families with the outcome."""

    @property
    def rows(self) -> Int[np.ndarray, " families"]:
        """The row that speaks for each family, ascending."""
        return np.flatnonzero(np.unpackbits(self.speaks))

    @property
    def flagged(self) -> Int[np.ndarray, " positive"]:
        """Those with the outcome."""
        return np.flatnonzero(np.unpackbits(self.flags))

    def counted(self, rows: Int[np.ndarray, " some"]) -> tuple[int, int]:
        """Families with the outcome, and families, that are spoken for by some rows, each named once."""
        byte, bit = rows >> 3, 7 - (rows & 7)
        return int(((self.flags[byte] >> bit) & 1).sum()), int(((self.speaks[byte] >> bit) & 1).sum())

    def among(self, rows: Int[np.ndarray, " some"]) -> "Units":
        """Those that are spoken for by some rows."""
        taken = np.zeros(8 * self.speaks.size, dtype=bool)
        taken[rows] = True
        bits = np.packbits(taken)
        positive, n = self.counted(np.flatnonzero(taken))
        return Units(self.speaks & bits, self.flags & bits, n, positive)

    def without(self, rows: Int[np.ndarray, " some"]) -> "Units":
        """Those that aren't."""
        gone = self.among(rows)
        return Units(
            self.speaks & ~gone.speaks, self.flags & ~gone.flags, self.n - gone.n, self.positive - gone.positive
        )


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
    speaker: Int[np.ndarray, " rows"] = np.full(n, -1, dtype=np.int32 if n < 2**31 else np.int64)
    # Of values written to the same place the last one stays: backwards, so the first row does, and flags after all.
    for mask in (outcome.population, flagged):
        for start in range(0, n, _AT_ONCE)[::-1]:
            rows = start + np.flatnonzero(mask[start : start + _AT_ONCE])[::-1]
            speaker[families[rows]] = rows
    speaks = np.zeros(n, dtype=bool)
    speaks[speaker[speaker >= 0]] = True
    flagged &= speaks
    counts = int(np.count_nonzero(speaks)), int(np.count_nonzero(flagged))
    return Units(np.packbits(speaks), np.packbits(flagged), *counts)
