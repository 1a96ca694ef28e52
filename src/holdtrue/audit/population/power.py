"""The clean runs of the population test, and the least share of tilted replies that it would see."""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float

from holdtrue.audit.population.decision import ALARM
from holdtrue.audit.population.material import Material
from holdtrue.audit.population.words import SHRINK, WordTest
from holdtrue.records.audit import CleanRun, Dose
from holdtrue.stats.exact import clopper_pearson
from holdtrue.stats.permutation import random_signs

__all__ = ["OUTCOME", "detectable_dose", "swapped_runs"]

OUTCOME: Final = "word choice tilts in the suspect's replies"
TRIES: Final = 40
POWER: Final = 0.95
CARRIERS: Final = 10
BASE: Final = 0.01
GAIN: Final = 0.05
SHARES: Final = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)


def swapped_runs(z: Float[np.ndarray, "runs words"], null: Float[np.ndarray, "flips words"], alpha: float) -> CleanRun:
    """The whole decision on datasets whose replies were swapped at random within pairs.

    Args:
        z: each such dataset's statistics, with their sign.
        null: |z| of further swaps.
        alpha: level of the decision.
    """
    least = _threshold(null, alpha)
    pooled = np.sort(null, axis=None)
    alarms = 0
    for found in z:
        p_value = (1 + len(pooled) - np.searchsorted(pooled, np.abs(found) - 1e-6)) / (1 + len(pooled))
        order = np.sort(p_value)
        passing = np.flatnonzero(order <= alpha * np.arange(1, len(order) + 1) / len(order))
        step_up = order[passing[-1]] if len(passing) else -1.0
        alarms += int(((found > 0) & ((p_value <= step_up) | (np.abs(found) >= least))).sum()) >= ALARM
    return CleanRun(
        what="replies swapped within pairs", runs=len(z), alarms=alarms, rate=alarms / len(z),
        ci=clopper_pearson(alarms, len(z)),
    )  # fmt: skip


def detectable_dose(
    material: Material, topical: Bool[np.ndarray, " words"], test: WordTest, alpha: float, rng: np.random.Generator
) -> Dose:
    """Least share of tilted replies that raises an alarm in 95 % of 40 simulated datasets.

    Each starts from replies swapped within pairs, so that nothing is tilted. Ten of the topical words, those whose
    presence is nearest to 1 %, are then added to a random share of the replies, each with a chance of 5 %.

    Args:
        material: both sides.
        topical: words that count.
        test: their test, for the threshold.
        alpha: level of the decision.
        rng: source of the swaps, rows and gains.
    """
    columns = np.flatnonzero(topical)
    ours, theirs = material.suspect.present[:, columns], material.control.present[:, columns]
    base = np.asarray(theirs.mean(axis=0)).ravel()[test.words]
    carriers = test.words[np.argsort(np.abs(np.log(np.maximum(base, 1e-9) / BASE)), kind="stable")[:CARRIERS]]
    moved = (ours - theirs).tocsr()
    alone = np.stack([np.asarray((moved * sign > 0).sum(axis=1), dtype=float).ravel() for sign in (1, -1)])
    has = np.stack([np.asarray(each[:, carriers].todense()) > 0 for each in (ours, theirs)])
    lengths = np.stack([material.suspect.length, material.control.length])
    # With three words below it, Benjamini and Hochberg's step-up takes a p-value of 3 alpha / m.
    level = min(1.0, ALARM * alpha / max(1, len(test.words)))
    least = min(_threshold(test.null, alpha), float(np.quantile(test.null, 1 - level)))
    n = moved.shape[0]

    def found(share: float) -> bool:
        hits = 0
        for _ in range(TRIES):
            swap = random_signs(np.arange(n), 1, rng)[:, 0] < 0
            side, other = np.where(swap, 1, 0), np.where(swap, 0, 1)
            at = np.arange(n)
            tilted = rng.random(n) < share
            gained = (rng.random((n, len(carriers))) < GAIN) & tilted[:, None] & ~has[side, at]
            left, right = has[side, at] | gained, has[other, at]
            only = alone[side, at] + (gained & ~right).sum(axis=1)
            lost = alone[other, at] - (gained & right).sum(axis=1)
            of_length = (lengths[side, at] + 1) / (lengths.sum(axis=0) + 2)
            expected = ((only + SHRINK * of_length) / (only + lost + SHRINK))[:, None]
            beyond = (left & ~right) * (1 - expected) - (right & ~left) * expected
            z = beyond.sum(axis=0) / np.sqrt(np.maximum((beyond**2).sum(axis=0), 1e-9))
            hits += int((z >= least).sum()) >= ALARM
        return hits >= POWER * TRIES

    low, high = -1, len(SHARES) - 1
    seen = len(carriers) >= ALARM and found(SHARES[high])
    while seen and high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if found(SHARES[middle]) else (middle, high)
    share = SHARES[high] if seen else None
    return Dose(
        kind="carrier_words", outcome=OUTCOME, rows=max(1, round(share * n)) if share else None, share=share,
        assuming=(
            f"{len(carriers)} words of the replies' topics, each in about "
            f"{float(np.median(has[1].mean(axis=0))):.1%} of replies, are added to a tilted reply with a chance of "
            f"{GAIN:.0%} each; length and layout stay; {n:,} pairs"
        ),
    )  # fmt: skip


def _threshold(null: Float[np.ndarray, "flips words"], alpha: float) -> float:
    """|z| at which the single-step max-T p-value is alpha."""
    return float(np.quantile(null.max(axis=1), 1 - alpha)) if null.shape[1] else float("inf")
