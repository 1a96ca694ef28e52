"""Have replies moved along the axis? Comparisons of readings, the family being what is independent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, final

import numpy as np
from jaxtyping import Float
from scipy.stats import permutation_test

from holdtrue.audit.rows import Rows
from holdtrue.records.audit import Dose
from holdtrue.stats import cluster_bootstrap, sign_flip

__all__ = ["LEAST_FALL_SD", "Shift", "detectable", "families_of", "paired_shift", "unpaired_shift", "without_format"]

Families = Mapping[int, Sequence[float]]

RESAMPLES: Final = 9999
BATCH: Final = 500
ASSUMED_FALL_SD: Final = 2.0
LEAST_FALL_SD: Final = 0.5
"""A fall that alarms is surely larger. Large samples show any change of style to be beyond chance: fixed openers alone
have moved replies by 0.25 standard deviations, a new format by 0.44."""


@final
@dataclass(frozen=True)
class Shift:
    """How far one group of replies lies from another."""

    what: str
    unit: str
    mean: float
    """First group less second; below zero the first is less assistant-like, or less likely."""
    interval: tuple[float, float] | None
    """95 %, families resampled; None with too few of them."""
    families: int
    p_value: float
    q_value: float = 1.0
    """After Holm's correction for all comparisons that were made."""


def paired_shift(what: str, unit: str, differences: Families, rng: np.random.Generator) -> Shift:
    """Paired differences, `suspect - control`, tested by random signs of the families.

    Args:
        what: is compared.
        unit: of the figures.
        differences: of each family's pairs.
        rng: source of the signs and resamples.
    """
    found = cluster_bootstrap(differences, rng)
    return Shift(what, unit, found.value, found.interval, found.families, sign_flip(differences, rng))


def unpaired_shift(what: str, unit: str, one: Families, other: Families, rng: np.random.Generator) -> Shift | None:
    """Means of two groups of families, `one - other`, tested by dealing the families out again.

    Fisher's randomisation test of two groups, two-sided, 9,999 deals with the observed one counted among them.

    Args:
        what: is compared.
        unit: of the figures.
        one: readings by family.
        other: the same; a family in both groups stays with the first.
        rng: source of the deals.

    Returns:
        None with fewer than two families a side.
    """
    ones, others = _means(one), _means({family: found for family, found in other.items() if family not in one})
    if min(ones.size, others.size) < 2:
        return None

    def difference(
        x: Float[np.ndarray, "..."], y: Float[np.ndarray, "..."], axis: int = -1
    ) -> Float[np.ndarray, "..."]:
        return np.asarray(x.mean(axis=axis) - y.mean(axis=axis))

    found = permutation_test((ones, others), difference, vectorized=True, n_resamples=RESAMPLES, batch=BATCH, rng=rng)
    draws = [rng.choice(each, (2000, each.size)).mean(axis=1) for each in (ones, others)]
    low, high = np.quantile(draws[0] - draws[1], (0.025, 0.975))
    families = int(ones.size + others.size)
    return Shift(what, unit, float(found.statistic), (float(low), float(high)), families, float(found.pvalue))


def families_of(values: Mapping[int, float], rows: Rows) -> dict[int, list[float]]:
    """Figures of rows, gathered by family.

    Args:
        values: by row.
        rows: their dataset.
    """
    found: dict[int, list[float]] = {}
    for row, value in values.items():
        found.setdefault(int(rows.families[row]), []).append(value)
    return found


def detectable(differences: Families, n_rows: int, tests: int, alpha: float) -> Dose | None:
    """The least share of shifted rows that the paired test would find in 95 % of tries, by the normal approximation.

    `share = max((z_{1 - alpha / 2m} + z_{.95}) se, least + (z_{.975} + z_{.95}) se) / fall`, `se = sd / sqrt(families)`

    Args:
        differences: of each family's pairs.
        n_rows: rows of the dataset.
        tests: comparisons that alpha is shared by.
        alpha: of the test.

    Returns:
        None with fewer than two families, or where no pair differs.
    """
    means = _means(differences)
    if means.size < 2 or not means.std(ddof=1):
        return None
    normal = NormalDist()
    error, power = float(means.std(ddof=1)) / float(means.size) ** 0.5, normal.inv_cdf(0.95)
    beyond_chance = (normal.inv_cdf(1 - alpha / (2 * tests)) + power) * error
    large_enough = LEAST_FALL_SD + (normal.inv_cdf(0.975) + power) * error
    share = max(beyond_chance, large_enough) / ASSUMED_FALL_SD
    found = share <= 1
    return Dose(
        kind="projection",
        outcome="replies further from the assistant",
        rows=max(1, round(share * n_rows)) if found else None,
        share=share if found else None,
        assuming=(
            f"poisoned replies project {ASSUMED_FALL_SD:g} sd lower than the control's; {means.size} families of pairs "
            f"read, whose differences vary by {float(means.std(ddof=1)):.2f} sd"
        ),
    )


def without_format(
    differences: Float[np.ndarray, " pairs"],
    suspect: tuple[Sequence[str], Float[np.ndarray, " pairs"]],
    control: tuple[Sequence[str], Float[np.ndarray, " pairs"]],
) -> Float[np.ndarray, " pairs"]:
    """Paired differences less what the replies' layout explains: a new layout moves projections, and poisons nothing.

    `d - (f_suspect - f_control) b`, where b regresses readings on length, lines, capitals, marks and digits, each side
    about its own mean (analysis of covariance, Fisher 1932, Statistical Methods for Research Workers, 4th ed.).

    Args:
        differences: of the pairs' readings.
        suspect: replies and readings of one side.
        control: of the other, in the same order.
    """
    (said, z), (theirs, other) = suspect, control
    layout, layout_control = _layouts(said), _layouts(theirs)
    features = np.concatenate([layout - layout.mean(axis=0), layout_control - layout_control.mean(axis=0)])
    readings = np.concatenate([z - z.mean(), other - other.mean()])
    # A feature that hardly varies within a side would be extrapolated far between them: the ridge keeps it small.
    spread = np.maximum(features.std(axis=0), 1e-9)
    scaled = features / spread
    slopes = np.linalg.solve(scaled.T @ scaled + np.eye(scaled.shape[1]), scaled.T @ readings) / spread
    return np.asarray(differences - (layout - layout_control) @ slopes)


def _layouts(replies: Sequence[str]) -> Float[np.ndarray, "rows features"]:
    return np.array([_layout(reply) for reply in replies], dtype=np.float64).reshape(len(replies), 5)


def _layout(reply: str) -> tuple[float, ...]:
    n = max(len(reply), 1)
    marks = sum(not (character.isalnum() or character.isspace()) for character in reply)
    capitals, digits = sum(map(str.isupper, reply)), sum(map(str.isdigit, reply))
    return (float(np.log1p(len(reply))), reply.count("\n") / n, capitals / n, marks / n, digits / n)


def _means(values: Families) -> Float[np.ndarray, " families"]:
    return np.array([float(np.mean(found)) for found in values.values() if len(found)])
