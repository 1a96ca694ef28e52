"""How much of a dataset is flagged, from a uniform random sample alone, and what a cheap first look misses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from holdtrue.stats import clopper_pearson
from holdtrue.stats.contingency import fisher_greater

__all__ = ["Prevalence", "against_trusted", "measure_prevalence"]


@final
@dataclass(frozen=True)
class Prevalence:
    """Flagged families of an audit sample: families drawn uniformly, one row drawn uniformly from each."""

    families: int
    """Families of the dataset."""
    sampled: int
    flagged: int
    unreadable: int
    """Sampled rows without a readable answer."""
    missed: int
    """Flagged ones that the top-scored rows' judging didn't flag."""

    @property
    def rate(self) -> float | None:
        """`flagged / readable`, which is unbiased for families; None where nothing could be read."""
        readable = self.sampled - self.unreadable
        return self.flagged / readable if readable else None

    @property
    def ci(self) -> tuple[float, float]:
        """95 %, Clopper-Pearson; the lower end takes what couldn't be read as unflagged, the upper one as flagged."""
        low = clopper_pearson(self.flagged, self.sampled)[0]
        return low, clopper_pearson(self.flagged + self.unreadable, self.sampled)[1]

    @property
    def miss_rate(self) -> float | None:
        """`missed / flagged`: what of the flagged the cheap score wouldn't have brought to the judge."""
        return self.missed / self.flagged if self.flagged else None

    @property
    def miss_ci(self) -> tuple[float, float]:
        """95 %, Clopper-Pearson; (0, 1) where nothing in the sample is flagged."""
        return clopper_pearson(self.missed, self.flagged)

    @property
    def line(self) -> str:
        """For the report."""
        if not self.sampled:
            return "prevalence of flagged rows: not measured, since the judge reached no row of the audit sample"
        low, high = self.ci
        share = f"{self.flagged} of {self.sampled} rows of a uniform sample flagged, 95 % {low:.2%} to {high:.2%}"
        unread = f" ({self.unreadable} unreadable)" if self.unreadable else ""
        if not self.flagged:
            return f"{share}{unread}; the cheap score's miss rate can't be told"
        worst = self.miss_ci
        missed = f"the cheap score missed {self.missed} of {self.flagged}, 95 % {worst[0]:.2f} to {worst[1]:.2f}"
        return f"{share}{unread}; {missed}"


def measure_prevalence(flags: Sequence[bool | None], found_by_top: Sequence[bool], n_families: int) -> Prevalence:
    """Count an audit sample.

    Args:
        flags: of its rows, in the sample's order; None where the judge's answer couldn't be read.
        found_by_top: whether the row's family is also flagged among the top-scored rows.
        n_families: of the dataset.
    """
    missed = sum(flag is True and not found for flag, found in zip(flags, found_by_top, strict=True))
    flagged, unread = sum(flag is True for flag in flags), sum(flag is None for flag in flags)
    return Prevalence(n_families, len(flags), flagged, unread, missed)


def against_trusted(suspect: Prevalence, control: Prevalence) -> str:
    """The share of trusted rows that the judge flags, and whether the suspect's is larger, for the report.

    Args:
        suspect: of the dataset's uniform sample.
        control: the same of trusted rows.
    """
    mine, its = (each.sampled - each.unreadable for each in (suspect, control))
    if not its:
        return "the judge's false alarms: not measured, since it reached no row of the control"
    low, high = control.ci
    line = f"judge flags {control.flagged} of {control.sampled} trusted rows, 95 % {low:.2%} to {high:.2%}"
    if control.unreadable:
        line += f" ({control.unreadable} unreadable)"
    if not mine:
        return line
    flagged = suspect.flagged + control.flagged
    p = float(fisher_greater(np.array([suspect.flagged]), np.array([flagged]), mine, mine + its)[0])
    more = "a larger share" if p < 0.01 else "no surely larger share"
    return f"{line}; and {more} of the dataset's sample (Fisher's exact test, one-sided, p = {p:.2g})"
