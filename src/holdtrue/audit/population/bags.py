"""Bags of replies: what no single reply shows, the mean score of many does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float

from holdtrue.audit.population.two_sample import Half
from holdtrue.stats.permutation import random_signs
from holdtrue.stats.separation import auroc_by_group

__all__ = ["SIZES", "Bag", "bag_scores"]

SIZES: Final = (16, 64, 256)
FLIPS: Final = 199
PARTITIONS: Final = 5
FEWEST: Final = 3
"""Bags a side; under this a size is left out."""


@final
@dataclass(frozen=True)
class Bag:
    """How well bags of one size are told apart."""

    size: int
    auroc: float
    """Chance that a bag of the suspect's replies scores above a bag of the control's."""
    p_value: float


def bag_scores(halves: Sequence[Half], rng: np.random.Generator, sizes: Sequence[int] = SIZES) -> tuple[Bag, ...]:
    """Separation of bags of K replies by their mean score, with permutation p-values.

    Bags are drawn for each side on its own, so that they don't share prompts, five times over; the null swaps replies
    within pairs before the bags are made.

    Args:
        halves: unseen pairs' scores.
        rng: source of the bags and the swaps.
        sizes: replies a bag.

    Returns:
        Those sizes of which there are three bags a side.
    """
    found = []
    for size in sizes:
        each = [_of_half(half, size, rng) for half in halves if len(half.suspect) >= FEWEST * size]
        if each:
            observed = float(np.mean([auroc for auroc, _ in each]))
            p_value = min(1.0, len(each) * min(p for _, p in each))
            found.append(Bag(size, observed, p_value))
    return tuple(found)


def _of_half(half: Half, size: int, rng: np.random.Generator) -> tuple[float, float]:
    signs = np.concatenate([np.ones((len(half.families), 1)), random_signs(half.families, FLIPS, rng)], axis=1)
    middle, apart = ((half.suspect + half.control) / 2)[:, None], ((half.suspect - half.control) / 2)[:, None]
    total = np.zeros(FLIPS + 1)
    for _ in range(PARTITIONS):
        ours, theirs = (_bag_means(middle + side * apart * signs, size, rng) for side in (1, -1))
        total += auroc_by_group(ours, theirs).mean(axis=1)
    share = total / PARTITIONS
    return float(share[0]), float((1 + (share[1:] >= share[0] - 1e-9).sum()) / (1 + FLIPS))


def _bag_means(
    scores: Float[np.ndarray, "pairs sets"], size: int, rng: np.random.Generator
) -> Float[np.ndarray, "sets bags"]:
    drawn = rng.permutation(len(scores))[: len(scores) // size * size]
    means: Float[np.ndarray, "sets bags"] = scores[drawn].reshape(-1, size, scores.shape[1]).mean(axis=1).T
    return means
