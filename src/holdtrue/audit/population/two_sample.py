"""Can a classifier tell the suspect's replies from the control's?"""

from dataclasses import dataclass
from typing import Final, TypeAlias, final

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix, vstack
from scipy.stats import rankdata

from holdtrue.stats.permutation import random_signs

__all__ = ["Half", "TwoSample", "two_sample"]

FLIPS: Final = 999
MOST_PAIRS: Final = 20_000
"""A classifier learns no more from further ones that matters here."""

Features: TypeAlias = csr_matrix | np.ndarray


@final
@dataclass(frozen=True)
class Half:
    """Pairs scored by a classifier that was trained on the other half."""

    suspect: Float[np.ndarray, " pairs"]
    """Scores, higher for what looks like the suspect's."""
    control: Float[np.ndarray, " pairs"]
    families: Int[np.ndarray, " pairs"]


@final
@dataclass(frozen=True)
class TwoSample:
    """How far a channel tells the two sides apart, reply by reply."""

    auroc: float
    """Of unseen replies: 0.5 for no difference."""
    p_value: float
    halves: tuple[Half, ...]


def two_sample(
    suspect: Features, control: Features, families: Int[np.ndarray, " pairs"], rng: np.random.Generator
) -> TwoSample:
    """Cross-fitted classifier two-sample test with a permutation p-value within pairs.

    Lopez-Paz and Oquab 2017 (arXiv 1610.06545): logistic regression is trained on half of the families and its AUROC
    taken on the other half, both ways round. Each half's p-value swaps the replies of its own pairs, which is exact as
    the classifier never saw them; the two depend on each other, so twice the smaller one is reported.

    Args:
        suspect: features, pairs x features.
        control: the same features of the control's replies.
        families: each pair's, kept in one half.
        rng: source of the halves and the swaps.
    """
    named, at = np.unique(families, return_inverse=True)
    drawn = rng.permutation(len(named))
    drawn = drawn[:MOST_PAIRS]
    halves, aurocs, p_values = [], [], []
    for test, train in ((drawn[::2], drawn[1::2]), (drawn[1::2], drawn[::2])):
        fitted, held = np.flatnonzero(np.isin(at, train)), np.flatnonzero(np.isin(at, test))
        if not len(fitted) or not len(held):
            continue
        ours, theirs = _scores(suspect, control, fitted, held)
        ranks = rankdata(np.concatenate([ours, theirs]))
        gap = (ranks[: len(held)] - ranks[len(held) :]) / 2
        # Swapping a pair's replies swaps their ranks; AUROC is 1/2 + (sum of gaps) / n^2.
        null = gap @ random_signs(at[held], FLIPS, rng)
        aurocs.append(0.5 + float(gap.sum()) / len(held) ** 2)
        p_values.append((1 + int((null >= gap.sum() - 1e-6).sum())) / (1 + FLIPS))
        halves.append(Half(ours, theirs, at[held]))
    if not halves:
        return TwoSample(0.5, 1.0, ())
    return TwoSample(float(np.mean(aurocs)), min(1.0, len(halves) * min(p_values)), tuple(halves))


def _scores(
    suspect: Features, control: Features, fitted: Int[np.ndarray, " fitted"], held: Int[np.ndarray, " held"]
) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler, normalize

    def joined(rows: np.ndarray) -> Features:
        if isinstance(suspect, np.ndarray):
            return np.concatenate([suspect[rows], control[rows]])
        # Rows of one length: a longer reply is no other choice of words.
        return normalize(vstack([suspect[rows], control[rows]]).tocsr())

    train, test = joined(fitted), joined(held)
    if isinstance(train, np.ndarray):
        scaler = StandardScaler().fit(train)
        train, test = np.clip(scaler.transform(train), -5, 5), np.clip(scaler.transform(test), -5, 5)
    truth = np.repeat([1, 0], len(fitted))
    found = LogisticRegression(solver="liblinear", C=1.0, max_iter=200).fit(train, truth).decision_function(test)
    return found[: len(held)], found[len(held) :]
