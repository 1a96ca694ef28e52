"""Split-half reliability of a contrast that is linear in cell means, by Gram matrix.

A crossed design has cells (row, group): a row is a role (row 0 the default), a group some of the questions. The axis
fitted on some roles and some groups is a weighted sum of cell sums, so with `K = S S'` (S the cell sums, one row per
cell) the cosine of two such axes is `w1' K w2` over their lengths: thousands of resampled axes cost a few small
matrix products, and no axis is ever formed.
"""

import numpy as np
from jaxtyping import Float, Int

from holdtrue.errors import EvidenceError

__all__ = ["contrast_weights", "halvings"]

Counts = Float[np.ndarray, "rows groups"]
Weights = Float[np.ndarray, "draws cells"]


def contrast_weights(
    counts: Counts, roles: Float[np.ndarray, "draws roles"], groups: Float[np.ndarray, "draws groups"]
) -> Weights:
    """Weights on cell sums that give `default mean - mean of role means`.

    Args:
        counts: rollouts in each cell; row 0 is the default.
        roles: how often each role (row 1 onwards) is drawn; 0 leaves it out.
        groups: how often each question group is drawn; 0 leaves it out.

    Returns:
        One row per draw, over cells in row-major order. A row is NaN where the draw has no default or no role left.
    """
    seen = groups @ counts.T
    with np.errstate(divide="ignore", invalid="ignore"):
        per_row = 1 / seen
        present = roles * (seen[:, 1:] > 0)
        share = -present / present.sum(axis=1, keepdims=True)
        row_weight = np.concatenate([np.ones((len(roles), 1)), share], axis=1) * per_row
    row_weight[:, 1:][present == 0] = 0
    row_weight[~np.isfinite(row_weight).all(axis=1)] = np.nan
    weights: Weights = (row_weight[:, :, None] * groups[:, None, :]).reshape(len(roles), -1)
    return weights


def halvings(counts: Counts, draws: int, rng: np.random.Generator, *, resample: bool) -> tuple[Weights, Weights]:
    """Axes from disjoint halves of the roles and of the question groups.

    Args:
        counts: rollouts in each cell; row 0 is the default. Groups without a rollout are not drawn.
        draws: number of random halvings.
        rng: source of the halvings.
        resample: draw with replacement within each half, for a bootstrap interval; the halves stay disjoint.

    Returns:
        Weights of the first and of the second half's axis, one row per draw, for `contrast_weights`' cells.

    Raises:
        EvidenceError: fewer than four roles or two question groups, so there are no halves to compare.
    """
    n_roles, used = counts.shape[0] - 1, np.flatnonzero(counts.sum(axis=0) > 0)
    if n_roles < 4 or len(used) < 2:
        message = f"split halves need 4 roles and 2 question groups; got {n_roles} roles and {len(used)} groups"
        raise EvidenceError(message)
    roles = _split(np.arange(n_roles), n_roles, draws, rng, resample=resample)
    groups = _split(used, counts.shape[1], draws, rng, resample=resample)
    return contrast_weights(counts, roles[0], groups[0]), contrast_weights(counts, roles[1], groups[1])


def _split(
    items: Int[np.ndarray, " n"], size: int, draws: int, rng: np.random.Generator, *, resample: bool
) -> Float[np.ndarray, "sides draws size"]:
    """Multiplicity of each item in each half, for every draw."""
    drawn = np.zeros((2, draws, size))
    middle = len(items) // 2
    for draw in range(draws):
        shuffled = rng.permutation(items)
        # With an odd number the larger half goes to either side by turns.
        cut = middle + (len(items) % 2) * (draw % 2)
        for side, half in enumerate((shuffled[:cut], shuffled[cut:])):
            chosen = rng.choice(half, len(half)) if resample else half
            np.add.at(drawn[side, draw], chosen, 1)
    return drawn
