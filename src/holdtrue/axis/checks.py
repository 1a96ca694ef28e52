"""Is the axis real? Held-out separation, split-half reliability, random directions, and the default's rank.

Nothing here looks at the axis that ships: each figure comes from axes fitted on part of the design and scored on roles
and questions they never saw.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int

from holdtrue.axis.cells import CellSums
from holdtrue.errors import EvidenceError
from holdtrue.stats import auroc_by_group, contrast_weights, d_prime, halvings

__all__ = ["Rank", "Reliability", "Separation", "default_rank", "reliability", "separation"]

POINT_HALVINGS, BOOTSTRAP_HALVINGS = 100, 400
FOLD_HALVINGS, ROLE_BOOTSTRAPS, RANDOM_DIRECTIONS = 8, 1000, 100


@final
@dataclass(frozen=True)
class Reliability:
    """Split-half cosine of one layer's axis, with its 95 % interval."""

    cosine: float
    ci: tuple[float, float]


@final
@dataclass(frozen=True)
class Separation:
    """Held-out, question-centred separation of default from role responses at one layer."""

    auroc: float
    ci: tuple[float, float]
    d_prime: float
    random_auroc: float
    default_mean: float
    role_mean: float


def reliability(cells: CellSums, layers: list[int], rng: np.random.Generator) -> list[Reliability]:
    """Split-half cosine per layer, from axes with disjoint roles and disjoint questions.

    Args:
        cells: the accumulated design.
        layers: which layers to judge.
        rng: source of the halvings; the same halvings serve every layer.

    Raises:
        EvidenceError: too few roles or question groups to halve.
    """
    counts = cells.counts.numpy()
    point = halvings(counts, POINT_HALVINGS, rng, resample=False)
    resampled = halvings(counts, BOOTSTRAP_HALVINGS, rng, resample=True)
    found = []
    for layer in layers:
        flat = cells.sums[:, :, layer].flatten(0, 1).double().numpy()
        gram = flat @ flat.T
        cosine = float(np.nanmean(_cosines(gram, *point)))
        # Resampling with replacement leaves fewer distinct roles in a half, so its cosines are biased downwards: the
        # interval is the bootstrap's spread around the point estimate, on Fisher's scale so that it stays inside ±1.
        spread = np.arctanh(np.clip(_cosines(gram, *resampled), -1 + 1e-9, 1 - 1e-9))
        centre = np.arctanh(np.clip(cosine, -1 + 1e-9, 1 - 1e-9))
        low, high = np.tanh(centre + np.nanpercentile(spread - np.nanmean(spread), [2.5, 97.5]))
        found.append(Reliability(cosine, (float(low), float(high))))
    return found


def _cosines(
    gram: Float[np.ndarray, "cells cells"],
    first: Float[np.ndarray, "draws cells"],
    second: Float[np.ndarray, "draws cells"],
) -> Float[np.ndarray, " draws"]:
    one, two = first @ gram, second @ gram
    lengths = np.sqrt((one * first).sum(axis=1) * (two * second).sum(axis=1))
    return np.asarray((one * second).sum(axis=1) / lengths)


def separation(cells: CellSums, layers: list[int], rng: np.random.Generator) -> list[Separation]:
    """Held-out AUROC and d' per layer.

    An axis is fitted on half the roles and half the question groups and scores the reserve's rollouts of the other
    roles on the other questions, each score less its question's mean: question effects are larger than a small axis.
    The interval resamples roles; the control is the 95th percentile over random directions, either sign.

    Raises:
        EvidenceError: too little design to hold out, or a reserve without both kinds of rollout.
    """
    rows, questions = cells.reserve_rows.numpy(), cells.reserve_questions.numpy()
    counts = cells.counts.numpy()
    first, second = halvings(counts, FOLD_HALVINGS, rng, resample=False)
    # Each half fits an axis that is tested on the other half.
    weights, others = np.concatenate([first, second]), np.concatenate([second, first])
    shape = (len(others), *counts.shape)
    tested = others.reshape(shape)[:, rows, questions % cells.n_groups] != 0
    random = rng.standard_normal((RANDOM_DIRECTIONS, cells.reserve.shape[2]))
    draws = rng.multinomial(len(counts) - 1, np.full(len(counts) - 1, 1 / (len(counts) - 1)), ROLE_BOOTSTRAPS)
    return [_separate(cells, layer, weights, tested, rows, questions, random, draws) for layer in layers]


def _separate(
    cells: CellSums,
    layer: int,
    weights: Float[np.ndarray, "folds cells"],
    tested: np.ndarray,
    rows: Int[np.ndarray, " kept"],
    questions: Int[np.ndarray, " kept"],
    random: Float[np.ndarray, "random d_model"],
    draws: Int[np.ndarray, "draws roles"],
) -> Separation:
    kept = cells.reserve[:, layer].double().numpy()
    axes = weights @ cells.sums[:, :, layer].flatten(0, 1).double().numpy()
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    raw = axes @ kept.T
    wins, seen = np.zeros(draws.shape[1]), np.zeros(draws.shape[1])
    pooled, primes, sides = [], [], []
    for scores, use in zip(raw, tested, strict=True):
        positive, negative = use & (rows == 0), use & (rows > 0)
        if positive.sum() < 2 or negative.sum() < 2:
            continue
        centred = _centre(scores[None], questions, use)[0]
        share = auroc_by_group(centred[None, positive], centred[None, negative])[0]
        np.add.at(wins, rows[negative] - 1, share)
        np.add.at(seen, rows[negative] - 1, 1)
        pooled.append(share.mean())
        primes.append(d_prime(centred[positive], centred[negative]))
        sides.append((scores[positive].mean(), scores[negative].mean()))
    if not pooled:
        message = (
            "held-out separation needs default and role rollouts on both halves of the questions; use a larger preset"
        )
        raise EvidenceError(message)
    with np.errstate(invalid="ignore"):
        low, high = np.nanpercentile((draws @ wins) / (draws @ seen), [2.5, 97.5])
    everyone = np.ones(len(rows), dtype=bool)
    chance = _centre(random @ kept.T, questions, everyone)
    control = auroc_by_group(chance[:, rows == 0], chance[:, rows > 0]).mean(axis=1)
    default_mean, role_mean = np.mean(sides, axis=0)
    return Separation(
        auroc=float(np.mean(pooled)),
        ci=(float(low), float(high)),
        d_prime=float(np.mean(primes)),
        random_auroc=float(np.percentile(np.maximum(control, 1 - control), 95)),
        default_mean=float(default_mean),
        role_mean=float(role_mean),
    )


def _centre(
    scores: Float[np.ndarray, "axes kept"], questions: Int[np.ndarray, " kept"], use: np.ndarray
) -> Float[np.ndarray, "axes kept"]:
    """Scores less their question's mean over the rollouts in use; the label plays no part."""
    centred = scores.copy()
    for question in np.unique(questions[use]):
        here = use & (questions == question)
        centred[:, here] -= scores[:, here].mean(axis=1, keepdims=True)
    return centred


@final
@dataclass(frozen=True)
class Rank:
    """The default's place among the roles that could be compared."""

    place: int
    n_compared: int


def default_rank(cells: CellSums, layer: int) -> Rank:
    """Where the default stands among the roles: 1 when no role projects above it.

    The role is left out of the axis it is compared on, and axis and projections come from different questions;
    otherwise a default in many dimensions would always look extreme.

    Raises:
        EvidenceError: fewer than two question groups or three roles.
    """
    counts = cells.counts.numpy()
    used = np.flatnonzero(counts.sum(axis=0) > 0)
    n_roles = counts.shape[0] - 1
    if len(used) < 2 or n_roles < 3:
        message = f"the default's rank needs 2 question groups and 3 roles; got {len(used)} and {n_roles}"
        raise EvidenceError(message)
    sums = cells.sums[:, :, layer].double()
    gap = np.zeros(n_roles)
    for fold in (0, 1):
        groups = np.zeros((n_roles, counts.shape[1]))
        groups[:, used[fold::2]] = 1
        axes = contrast_weights(counts, 1 - np.eye(n_roles), groups) @ sums.flatten(0, 1).numpy()
        held = used[1 - fold :: 2]
        total = torch.from_numpy(counts[:, held].sum(axis=1))
        means = (sums[:, held].sum(dim=1) / total[:, None]).numpy()
        axes /= np.linalg.norm(axes, axis=1, keepdims=True)
        gap += ((means[1:] - means[0]) * axes).sum(axis=1)
    compared = np.isfinite(gap)
    if compared.sum() < 3:
        message = f"the default's rank needs 3 roles accepted on both halves of the questions; got {compared.sum()}"
        raise EvidenceError(message)
    return Rank(1 + int((gap[compared] > 0).sum()), int(compared.sum()))
