"""How often the reading alarms where pairs change sides at random, so that nothing is to be found."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float

from holdtrue.audit.white_box.compare import PROJECTION, SD, ReadSample, pair_sides
from holdtrue.audit.white_box.shift import families_of, paired_shift, without_format
from holdtrue.audit.white_box.telling import fell
from holdtrue.records.audit import CleanRun
from holdtrue.stats import clopper_pearson
from holdtrue.stats.permutation import random_signs

__all__ = ["swapped_runs"]

RUNS: Final = 100


def swapped_runs(read: ReadSample, alpha: float, rng: np.random.Generator) -> CleanRun | None:
    """Put the decision to the same pairs, of which each family's may have changed sides.

    Layouts change sides with their replies. The correction for other comparisons is left out, so that this alarms
    rather more often than the audit does.

    Args:
        read: the readings.
        alpha: for the p-values.
        rng: source of the swaps.

    Returns:
        None without pairs: then nothing here can alarm.
    """
    if read.control is None or not read.pairs:
        return None
    rows = [row for row, _ in read.pairs]
    (said, z), (other, z_control) = pair_sides(read, read.control)

    def alarms(differences: Float[np.ndarray, " pairs"]) -> bool:
        by_family = families_of(dict(zip(rows, differences.tolist(), strict=True)), read.rows)
        return fell(paired_shift(PROJECTION, SD, by_family, rng), alpha)

    found = 0
    for signs in random_signs(read.rows.families[rows], RUNS, rng).T:
        stays = signs > 0
        one = _chosen(stays, said, other), np.where(stays, z, z_control)
        two = _chosen(stays, other, said), np.where(stays, z_control, z)
        fallen = one[1] - two[1]
        # Most swaps are settled by the first test, and the second is the dear one.
        found += alarms(fallen) and alarms(without_format(fallen, one, two))
    return CleanRun(
        what="readings swapped within pairs",
        runs=RUNS,
        alarms=found,
        rate=found / RUNS,
        ci=clopper_pearson(found, RUNS),
    )


def _chosen(stays: np.ndarray, here: Sequence[str], there: Sequence[str]) -> list[str]:
    return [a if keep else b for keep, a, b in zip(stays.tolist(), here, there, strict=True)]
