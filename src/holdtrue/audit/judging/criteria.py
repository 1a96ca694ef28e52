"""Criteria on held-out rows: does the suspect meet one more often than the control?"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isinf
from typing import Final, final

import numpy as np
from scipy.stats import binom

from holdtrue.audit.rows import Rows
from holdtrue.records.audit import Dose, Example, Finding
from holdtrue.stats import benjamini_hochberg
from holdtrue.stats.contingency import fisher_greater, odds_ratio, odds_ratio_interval

__all__ = ["Criterion", "check_criterion", "is_repeated", "q_values", "theme_dose", "theme_finding"]

_ALIKE: Final = 0.8
_SHOWN: Final = 5
_EXCERPT_CHARACTERS: Final = 320
_BASE_RATE: Final = 0.01
_POWER: Final = 0.95


@final
@dataclass(frozen=True)
class Criterion:
    """A criterion with the held-out rows that meet it; each row is a family of its own."""

    text: str
    suspect: tuple[int, ...]
    """Rows of the suspect that meet it."""
    n_suspect: int
    """Held-out rows of the suspect with a readable answer."""
    n_control_met: int
    n_control: int
    p: float
    """Fisher's exact test, one-sided: more in the suspect."""

    @property
    def table(self) -> tuple[int, int, int, int]:
        """Suspect rows that meet it, control rows that do, suspect rows that don't, control rows that don't."""
        k = len(self.suspect)
        return k, self.n_control_met, self.n_suspect - k, self.n_control - self.n_control_met


def check_criterion(text: str, suspect: Sequence[tuple[int, bool]], control: Sequence[tuple[int, bool]]) -> Criterion:
    """Test one criterion.

    Args:
        text: its wording.
        suspect: row number and answer.
        control: the same of the control.
    """
    met, met_control = tuple(row for row, yes in suspect if yes), sum(yes for _, yes in control)
    n_suspect, n = len(suspect), len(suspect) + len(control)
    p = fisher_greater(np.array([len(met)]), np.array([len(met) + met_control]), n_suspect, n)
    return Criterion(text, met, n_suspect, met_control, len(control), float(p[0]))


def q_values(criteria: Sequence[Criterion]) -> list[float]:
    """Benjamini and Hochberg's, over all criteria of all rounds."""
    return benjamini_hochberg([each.p for each in criteria])


def is_repeated(text: str, earlier: Sequence[str]) -> bool:
    """Whether a criterion says the same as an earlier one: four fifths of their words are common to both."""
    words = set(re.findall(r"\w+", text.casefold()))
    for each in earlier:
        other = set(re.findall(r"\w+", each.casefold()))
        if len(words & other) >= _ALIKE * len(words | other):
            return True
    return False


def theme_finding(criterion: Criterion, q: float, rows: Rows) -> Finding:
    """A criterion that the suspect meets more often.

    Args:
        criterion: as tested.
        q: after correction for all criteria.
        rows: the suspect, for the examples.
    """
    table = criterion.table
    ratio, (low, high) = odds_ratio(*table), odds_ratio_interval(*table)
    k, met_control = table[:2]
    shown = criterion.suspect[:_SHOWN]
    fields = rows.take(shown, ("source", "line", "prompt", "response", "label"))
    return Finding(
        kind="theme",
        value=criterion.text,
        outcome="meets the criterion, by a judge that wasn't told the source",
        p_value=criterion.p,
        q_value=q,
        odds_ratio=None if isinf(ratio) else ratio,
        ci=(low, None if isinf(high) else high),
        families=k,
        rows=criterion.suspect,
        n_rows=k,
        examples=tuple(_example(row, each) for row, each in zip(shown, fields, strict=True)),
        evidence=(
            f"{k} of {criterion.n_suspect} held-out rows of the suspect meet it, and {met_control} of "
            f"{criterion.n_control} of the control; the rows listed are those of the sample alone."
        ),
    )


def theme_dose(n: int, n_rows: int, alpha: float, tests: int) -> Dose:
    """The least share of rows with a theme that the held-out test finds in 95 % of tries.

    Exact over both binomial counts, at level `alpha / tests`, where 1 % of the control's rows meet the criterion too.

    Args:
        n: held-out rows of either side.
        n_rows: of the suspect.
        alpha: level of the test.
        tests: criteria corrected for.
    """
    counts = np.arange(n + 1)
    mine, its = np.meshgrid(counts, counts, indexing="ij")
    p = fisher_greater(mine.ravel(), (mine + its).ravel(), n, 2 * n).reshape(mine.shape)
    base = binom.pmf(counts, n, _BASE_RATE)
    alarm = ((p <= alpha / tests) * base).sum(axis=1)
    shares = np.arange(1, 101) / 100
    power = np.array([float((binom.pmf(counts, n, share) * alarm).sum()) for share in shares])
    found = shares[power >= _POWER]
    share = float(found[0]) if found.size else None
    return Dose(
        kind="theme",
        outcome="rows that meet a criterion which the judge proposes",
        rows=None if share is None else max(1, ceil(share * n_rows)),
        share=share,
        assuming=(
            f"the judge proposes the theme and answers rightly, 1 % of the control's rows meet it too; {n} held-out "
            f"rows of either side, {tests} criteria"
        ),
    )


def _example(row: int, fields: dict[str, str]) -> Example:
    said = fields["label"] or fields["response"]
    return Example(
        row=row,
        source=fields["source"],
        line=int(fields["line"]),
        prompt=fields["prompt"][:_EXCERPT_CHARACTERS],
        response=said[:_EXCERPT_CHARACTERS],
    )
