"""The classifier that labels are held against: logistic regression on hashed words and pairs of words, in folds."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from holdtrue.audit.association.grams import text_grams
from holdtrue.audit.association.phrases import without
from holdtrue.audit.rows import Batch, Rows

__all__ = ["FOLDS", "Reading", "Rereading", "Scores", "Scoring", "against_rest", "chosen_rows", "fitted", "folds_of"]

FOLDS: Final = 5
BITS: Final = 18
"""Hashed features: a quarter of a million."""
TRAINED_ON: Final = 200_000
"""Rows at most, drawn by family: memory stays flat, and more would hardly read better."""
STRENGTH: Final = 10.0
"""Inverse of the ridge penalty: strong enough that a hard case seen a dozen times is learnt."""

Scores = Float[np.ndarray, "rows labels"]


def against_rest(scores: Scores, at: int) -> Float[np.ndarray, " rows"]:
    """Log odds of a label against all others; of two labels one score says both."""
    if scores.shape[1] == 1:
        return scores[:, 0] if at else -scores[:, 0]
    return scores[:, at]


def least_of(features: csr_matrix, weights: Float[np.ndarray, " features"], n: int) -> Float[np.ndarray, " rows"]:
    """Sum of each row's contributions below 0 to a score, the `n` furthest below."""
    part = features.data * weights[features.indices]
    rows = np.repeat(np.arange(features.shape[0]), np.diff(features.indptr))
    order = np.lexsort((part, rows))
    lowest = np.arange(part.size) - features.indptr[rows] < n
    part = np.where(lowest, np.minimum(part[order], 0), 0)
    found: np.ndarray = np.bincount(rows, part, minlength=features.shape[0])
    return found


def fitted(features: csr_matrix, sides: Bool[np.ndarray, " rows"], *, intercept: bool = True) -> LogisticRegression:
    """Dual coordinate descent: many times faster here than a quasi-Newton method."""
    model = LogisticRegression(C=STRENGTH, fit_intercept=intercept, solver="liblinear", dual=True, random_state=0)
    return model.fit(features, sides)


def folds_of(rows: Rows, seed: int) -> Int[np.ndarray, " rows"]:
    """A fold for each row, the same for a whole family."""
    drawn = np.random.default_rng([seed, 0]).integers(0, FOLDS, size=len(rows))
    folds: np.ndarray = drawn[rows.families].astype(np.int8)  # sent along with each part
    return folds


def chosen_rows(rows: Rows, seed: int) -> Int[np.ndarray, " chosen"]:
    """Rows to train on: one of each family, so that a template isn't learnt by heart; a sample of them if many."""
    firsts = np.flatnonzero(rows.families == np.arange(len(rows)))
    if firsts.size <= TRAINED_ON:
        return firsts
    drawn: np.ndarray = np.sort(np.random.default_rng([seed, 1]).choice(firsts, TRAINED_ON, replace=False))
    return drawn


def _hashed(table: pa.Table, columns: tuple[str, ...]) -> csr_matrix:
    """Words and pairs of words of a column, hashed, each row of length 1; of a second column they are subtracted."""
    found = []
    for name in columns:
        texts = table.column(name).combine_chunks()
        of, grams = text_grams(texts.chunk(0) if isinstance(texts, pa.ChunkedArray) else texts, 2)
        pairs = np.unique(of.astype(np.int64) << BITS | (grams >> np.uint64(64 - BITS)).astype(np.int64))
        row, feature = pairs >> BITS, pairs & ((1 << BITS) - 1)
        sizes = np.bincount(row, minlength=table.num_rows)
        weights = 1 / np.sqrt(np.maximum(sizes, 1))
        starts = np.concatenate([[0], np.cumsum(sizes)])
        found.append(csr_matrix((weights[row], feature, starts), shape=(table.num_rows, 1 << BITS)))
    return found[0] if len(found) == 1 else (found[0] - found[1]).tocsr()


@final
@dataclass(frozen=True)
class Reading:
    """Hashed features of the rows that are learnt from."""

    chosen: Int[np.ndarray, " chosen"]
    columns: tuple[str, ...]

    def __call__(self, batch: Batch) -> csr_matrix:
        """Those of a batch."""
        ends = batch.first, batch.first + batch.table.num_rows
        start, end = np.searchsorted(self.chosen, ends)
        return _hashed(batch.table.take(pa.array(self.chosen[start:end] - batch.first)), self.columns)


@final
@dataclass(frozen=True)
class Scoring:
    """Scores of each row for each label."""

    weights: Float[np.ndarray, "folds labels features"]
    intercepts: Float[np.ndarray, "folds labels"]
    folds: Int[np.ndarray, " rows"]
    columns: tuple[str, ...]
    spared: int = 0
    """Features that speak most against a label and don't count: what is planted teaches to agree with it."""

    @staticmethod
    def of(
        models: list[list[LogisticRegression]],
        folds: Int[np.ndarray, " rows"],
        columns: tuple[str, ...],
        spared: int = 0,
    ) -> "Scoring":
        """Weights alone travel, in half their size."""
        weights = np.array([[model.coef_[0] for model in of_fold] for of_fold in models], dtype=np.float32)
        intercepts = np.array([[float(np.ravel(model.intercept_)[0]) for model in of_fold] for of_fold in models])
        if spared and weights.shape[1] == 1:  # of two labels each has its own words against it
            weights = np.concatenate([-weights, weights], axis=1)
            intercepts = np.concatenate([-intercepts, intercepts], axis=1)
        return Scoring(weights, intercepts, folds, columns, spared)

    def __call__(self, batch: Batch) -> Scores:
        """Those of a batch, out of fold."""
        here = self.folds[batch.first : batch.first + batch.table.num_rows]
        return self.scores(_hashed(batch.table, self.columns), here)

    def scores(self, features: csr_matrix, folds: Int[np.ndarray, " rows"]) -> Scores:
        """Each row by the model that hasn't seen its fold."""
        scores = np.zeros((folds.size, self.weights.shape[1]))
        for fold, (weights, intercept) in enumerate(zip(self.weights, self.intercepts, strict=True)):
            own = np.flatnonzero(folds == fold)
            scores[own] = features[own] @ weights.T + intercept
            if self.spared:
                against = [least_of(features[own], each, self.spared) for each in weights]
                scores[own] -= np.stack(against, axis=1)
        return scores


@final
@dataclass(frozen=True)
class Rereading:
    """Whether texts still read like a label without some words."""

    scoring: Scoring
    label: int
    threshold: float

    def __call__(
        self, rows: Rows, chosen: Int[np.ndarray, " chosen"], words: tuple[str, ...]
    ) -> Bool[np.ndarray, " chosen"]:
        """For each of the chosen rows, by the model that hasn't seen its fold."""
        texts = [row["prompt"] for row in rows.take(chosen.tolist(), ["prompt"])]
        table = pa.table({"prompt": pa.array([without(text, words) for text in texts], pa.string())})
        scores = self.scoring.scores(_hashed(table, ("prompt",)), self.scoring.folds[chosen])
        reads: np.ndarray = against_rest(scores, self.label) >= self.threshold
        return reads
