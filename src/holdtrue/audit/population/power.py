"""The clean runs of the population test, and the least share of tilted replies that it would see."""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float
from scipy.sparse import csr_matrix, vstack

from holdtrue.audit.population.decision import ALARM
from holdtrue.audit.population.material import Material
from holdtrue.audit.population.pairs import Pairs
from holdtrue.audit.population.words import STRICTER, WordTest, residuals, scaled_sums, sums_by_family
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
    # A word past the stricter level is counted whatever its odds, so that the rate is rather too high.
    alone = _threshold(null, alpha / STRICTER)
    for found in z:
        rising = _rising(found, least, pooled, alpha)
        alarms += int(rising.sum()) >= ALARM or bool((rising & (found > alone)).any())
    return CleanRun(
        what="replies swapped within pairs", runs=len(z), alarms=alarms, rate=alarms / len(z),
        ci=clopper_pearson(alarms, len(z)),
    )  # fmt: skip


def detectable_dose(
    material: Material, topical: Bool[np.ndarray, " words"], test: WordTest, alpha: float, rng: np.random.Generator,
    *, pairs: Pairs, rows: int, unusual: Bool[np.ndarray, " tested"], most: int,
) -> Dose:  # fmt: skip
    """Least share of tilted replies that raises an alarm in 95 % of 40 simulated datasets.

    Each starts from replies swapped within pairs, so that nothing is tilted. Ten of the topical words, those whose
    presence is nearest to 1 %, are then added to a random share of the replies, each with a chance of 5 %. All words
    are then put to the statistics and the thresholds of the decision; its stricter level for one or two isn't tried.

    Args:
        material: both sides.
        topical: words that count.
        test: their test, for the thresholds.
        alpha: level of the decision.
        rng: source of the swaps, rows and gains.
        pairs: those compared.
        rows: of the whole dataset.
        unusual: words that no benign comparison moves.
        most: words that rise in the worst benign comparison.
    """
    columns = np.flatnonzero(topical)[test.words]
    sides = material.suspect.present[:, columns], material.control.present[:, columns]
    lengths = np.stack([material.suspect.length, material.control.length])
    base = np.asarray(sides[1].mean(axis=0)).ravel()
    carriers = np.argsort(np.abs(np.log(np.maximum(base, 1e-9) / BASE)), kind="stable")[:CARRIERS]
    both, n, at = vstack(sides).tocsr(), pairs.n, np.arange(pairs.n)
    least, pooled = _threshold(test.null, alpha), np.sort(test.null, axis=None)

    def found(share: float) -> bool:
        missed = 0
        for _ in range(TRIES):
            swap = (random_signs(pairs.families, 1, rng)[:, 0] < 0).astype(int)
            gained = (rng.random((n, len(carriers))) < GAIN) & (rng.random(n) < share)[:, None]
            row, word = np.nonzero(gained)
            added = csr_matrix((np.ones(len(row), dtype=np.float32), (row, carriers[word])), shape=sides[0].shape)
            ours, theirs = both[at + n * swap].maximum(added), both[at + n * (1 - swap)]
            beyond, _ = residuals(ours, theirs, lengths[swap, at], lengths[1 - swap, at])
            by_family, scale = sums_by_family(beyond, pairs.families)
            z = scaled_sums(np.asarray(by_family.sum(axis=1), dtype=float), scale)[:, 0]
            missed += int((_rising(z, least, pooled, alpha) & unusual).sum()) < max(ALARM, most + 1)
            if missed > (1 - POWER) * TRIES + 1e-9:
                return False
        return True

    low, high = -1, len(SHARES) - 1
    seen = len(carriers) >= ALARM and found(SHARES[high])
    while seen and high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if found(SHARES[middle]) else (middle, high)
    share = SHARES[high] if seen else None
    return Dose(
        kind="carrier_words", outcome=OUTCOME, rows=max(1, round(share * rows)) if share else None, share=share,
        assuming=(
            f"{len(carriers)} words of the replies' topics, each in about {float(np.median(base[carriers])):.1%} of "
            f"replies, are added to a tilted reply with a chance of {GAIN:.0%} each; length and layout stay; tried on "
            f"{n:,} pairs, rows being the same share of all {rows:,}"
        ),
    )  # fmt: skip


def _rising(
    z: Float[np.ndarray, " words"], least: float, pooled: Float[np.ndarray, " pooled"], alpha: float
) -> Bool[np.ndarray, " words"]:
    """Words that rise significantly: by max-T, or by Benjamini and Hochberg's step-up."""
    p_value = (1 + len(pooled) - np.searchsorted(pooled, np.abs(z) - 1e-6)) / (1 + len(pooled))
    order = np.sort(p_value)
    passing = np.flatnonzero(order <= alpha * np.arange(1, len(order) + 1) / len(order))
    step_up = order[passing[-1]] if len(passing) else -1.0
    return np.asarray((z > 0) & ((p_value <= step_up) | (np.abs(z) >= least)))


def _threshold(null: Float[np.ndarray, "flips words"], alpha: float) -> float:
    """|z| at which the single-step max-T p-value is alpha."""
    return float(np.quantile(null.max(axis=1), 1 - alpha)) if null.shape[1] else float("inf")
