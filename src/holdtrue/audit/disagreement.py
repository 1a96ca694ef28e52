"""Labels against texts, without a judge: rows whose label, or preferred reply, isn't what the text reads like.

A classifier is trained on the labels themselves and asked about rows it hasn't seen (five folds, families kept
together). Where it is nearly always right, a label that contradicts it is noise, or planted: noise doesn't go with a
phrase. The classifier is a logistic regression on hashed words and pairs of words; it learns what most rows say, and a
few planted ones don't change that.
"""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_matrix, vstack
from sklearn.linear_model import LogisticRegression

from holdtrue.audit.association.grams import text_grams
from holdtrue.audit.association.outcome import Outcome
from holdtrue.audit.association.phrases import without
from holdtrue.audit.maps.base import Maps
from holdtrue.audit.rows import Batch, Rows
from holdtrue.errors import SettingError
from holdtrue.progress import Report, Stage
from holdtrue.stats import auroc

__all__ = ["Disagreement", "disagreement"]

FOLDS: Final = 5
BITS: Final = 18
"""Hashed features: a quarter of a million."""
TRAINED_ON: Final = 200_000
"""Rows at most, drawn by family: memory stays flat, and more would hardly read better."""
LABELS: Final = 10
"""More values than this are no label set."""
STRENGTH: Final = 10.0
"""Inverse of the ridge penalty: strong enough that a hard case seen a dozen times is learnt."""
SLACK: Final = 0.01
"""A text reads like a label where the score is right nearly as often as at its best: this much less."""
SUREST: Final = 0.1
"""Share of a label's rows, the surest, over which `at its best` is measured."""
FEWEST: Final = 50
"""Rows of a label, and rows that read like it."""
LEAST: Final = 5
"""Flagged families that a phrase needs: hard cases come in threes and fours."""
TELLS: Final = 0.7
"""AUROC below which texts don't tell labels apart, so that no contradiction means anything."""

Scores = Float[np.ndarray, "rows labels"]


@final
@dataclass(frozen=True)
class Disagreement:
    """Outcomes for the association test, and how well the texts tell."""

    outcomes: tuple[Outcome, ...]
    auroc: dict[str, float]
    """Out of fold, for each label against the rest."""
    untested: tuple[str, ...]
    """What couldn't be tested and why, in a sentence each."""


def disagreement(
    rows: Rows,
    maps: Maps,
    *,
    seed: int,
    trusted: Rows | None = None,
    progress: Report = lambda progress: None,
) -> Disagreement:
    """Outcomes `labelled B though it reads A`, for every label A, or `the rejected reply reads better`.

    Args:
        rows: of kind `label` or `preference`.
        maps: what runs it.
        seed: of folds and of the sample trained on.
        trusted: data of the same labels to learn from in place of `rows`: a phrase that flips many labels would teach
            the classifier to agree with it.
        progress: told after every fold.

    Raises:
        SettingError: rows of another kind.
    """
    if rows.card.kind == "label":
        return _labels(rows, maps, seed, trusted, progress)
    if rows.card.kind == "preference":
        return _preferences(rows, maps, seed, progress)
    message = f"rows of kind {rows.card.kind!r} have no label to disagree with; give kind 'label' or 'preference'"
    raise SettingError(message)


def _labels(rows: Rows, maps: Maps, seed: int, trusted: Rows | None, progress: Report) -> Disagreement:
    names, codes = _label_codes(rows)
    learnt, told = rows, codes
    if trusted is not None:
        known_names, known_codes = _label_codes(trusted)
        if known_names == names:  # other labels teach nothing about these
            learnt, told = trusted, known_codes
    enough = [at for at, size in enumerate(np.bincount(codes, minlength=len(names))) if size >= FEWEST]
    if len(names) > LABELS or len(enough) < 2:
        shown = f"{len(names)} label values, {len(enough)} of them in at least {FEWEST} rows"
        return Disagreement((), {}, (f"label flips: {shown}; 2 to {LABELS} are needed",))
    folds, chosen = _folds(learnt, seed), _chosen(learnt, seed)
    stage = Stage("disagreement", progress, "folds")
    stage(0, FOLDS)
    features = vstack(list(maps.over(_Reading(chosen, ("prompt",)), learnt, ["prompt"])))
    targets = [told[chosen] == at for at in (range(len(names)) if len(names) > 2 else [1])]
    models = []
    for fold in range(FOLDS):
        kept = np.flatnonzero(folds[chosen] != fold)
        models.append([_fitted(features[kept], target[kept]) for target in targets])
        stage(fold + 1, FOLDS)
    scoring = _Scoring.of(models, _folds(rows, seed), ("prompt",))
    scores = np.concatenate(list(maps.over(scoring, rows, ["prompt"])))
    # How well texts tell, and from which score on, is read off the data that was learnt from, out of fold.
    known = scores
    if learnt is not rows:
        known = np.concatenate(list(maps.over(_Scoring.of(models, folds, ("prompt",)), learnt, ["prompt"])))
    outcomes, aurocs, untested = [], {}, []
    for at in enough:
        name, own, score = names[at], codes == at, _against_rest(scores, at)
        right, sure = told == at, _against_rest(known, at)
        aurocs[name] = auroc(sure[right], sure[~right])
        threshold = _threshold(sure, right)
        reads = score >= threshold
        if aurocs[name] < TELLS or reads.sum() < FEWEST:
            untested.append(
                f"label flips of {name!r}: the texts don't tell it from the rest (AUROC {aurocs[name]:.2f})"
            )
            continue
        other = names[1 - at] if len(names) == 2 else "otherwise"
        title = f"labelled {other} though it reads {name}"
        again = _Rereading(scoring, at, threshold)
        outcomes.append(
            Outcome(title, "label_flip", ~own & reads, reads, weak=True, least=LEAST, alike=~own, still_reads=again)
        )
    return Disagreement(tuple(outcomes), aurocs, tuple(untested))


def _preferences(rows: Rows, maps: Maps, seed: int, progress: Report) -> Disagreement:
    folds, chosen = _folds(rows, seed), _chosen(rows, seed)
    columns = ("response", "rejected")
    stage = Stage("disagreement", progress, "folds")
    stage(0, FOLDS)
    features = vstack(list(maps.over(_Reading(chosen, columns), rows, columns)))
    models = []
    for fold in range(FOLDS):
        kept = features[folds[chosen] != fold]
        sides = np.repeat([True, False], kept.shape[0])
        models.append([_fitted(vstack([kept, -kept]).tocsr(), sides, intercept=False)])
        stage(fold + 1, FOLDS)
    score = np.concatenate(list(maps.over(_Scoring.of(models, folds, columns), rows, columns)))[:, 0]
    right = float((score > 0).mean())
    sure = np.abs(score) >= _threshold(np.abs(score), score > 0)
    if right < TELLS or sure.sum() < FEWEST:
        why = f"preference flips: replies don't tell which was preferred ({right:.0%} right)"
        return Disagreement((), {"chosen": right}, (why,))
    outcome = Outcome("the rejected reply reads better", "label_flip", sure & (score < 0), sure, weak=True, least=LEAST)
    return Disagreement((outcome,), {"chosen": right}, ())


def _label_codes(rows: Rows) -> tuple[list[str], Int[np.ndarray, " rows"]]:
    """The label values, sorted, and each row's."""
    columns = [batch.table.column("label").combine_chunks() for batch in rows.batches(["label"])]
    coded = pa.chunked_array(columns, pa.string()).combine_chunks().dictionary_encode()
    found = np.array(coded.dictionary.to_pylist(), dtype=str)
    rank = np.empty(found.size, dtype=np.int64)
    rank[np.argsort(found)] = np.arange(found.size)
    return sorted(found.tolist()), rank[coded.indices.to_numpy()]


def _against_rest(scores: Scores, at: int) -> Float[np.ndarray, " rows"]:
    """Log odds of a label against all others; of two labels one score says both."""
    if scores.shape[1] == 1:
        return scores[:, 0] if at else -scores[:, 0]
    return scores[:, at]


def _fitted(features: csr_matrix, sides: Bool[np.ndarray, " rows"], *, intercept: bool = True) -> LogisticRegression:
    """Dual coordinate descent: many times faster here than a quasi-Newton method."""
    model = LogisticRegression(C=STRENGTH, fit_intercept=intercept, solver="liblinear", dual=True, random_state=0)
    return model.fit(features, sides)


def _folds(rows: Rows, seed: int) -> Int[np.ndarray, " rows"]:
    """A fold for each row, the same for a whole family."""
    drawn = np.random.default_rng([seed, 0]).integers(0, FOLDS, size=len(rows))
    folds: np.ndarray = drawn[rows.families]
    return folds


def _chosen(rows: Rows, seed: int) -> Int[np.ndarray, " chosen"]:
    """Rows to train on: one of each family, so that a template isn't learnt by heart; a sample of them if many."""
    firsts = np.flatnonzero(rows.families == np.arange(len(rows)))
    if firsts.size <= TRAINED_ON:
        return firsts
    drawn: np.ndarray = np.sort(np.random.default_rng([seed, 1]).choice(firsts, TRAINED_ON, replace=False))
    return drawn


def _threshold(score: Float[np.ndarray, " rows"], right: Bool[np.ndarray, " rows"]) -> float:
    """The lowest score from which on the label is right about as often as among the surest rows."""
    order = np.argsort(-score, kind="stable")
    precision = np.cumsum(right[order]) / np.arange(1, order.size + 1)
    surest = max(FEWEST, int(SUREST * right.sum()))
    if order.size < surest:
        return float("inf")
    best = float(precision[surest - 1 :].max())
    return float(score[order[np.flatnonzero(precision >= best - SLACK)[-1]]])


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
class _Reading:
    chosen: Int[np.ndarray, " chosen"]
    columns: tuple[str, ...]

    def __call__(self, batch: Batch) -> csr_matrix:
        ends = batch.first, batch.first + batch.table.num_rows
        start, end = np.searchsorted(self.chosen, ends)
        return _hashed(batch.table.take(pa.array(self.chosen[start:end] - batch.first)), self.columns)


@final
@dataclass(frozen=True)
class _Scoring:
    weights: Float[np.ndarray, "folds labels features"]
    intercepts: Float[np.ndarray, "folds labels"]
    folds: Int[np.ndarray, " rows"]
    columns: tuple[str, ...]

    @staticmethod
    def of(
        models: list[list[LogisticRegression]], folds: Int[np.ndarray, " rows"], columns: tuple[str, ...]
    ) -> "_Scoring":
        """Weights alone travel, in half their size."""
        weights = np.array([[model.coef_[0] for model in of_fold] for of_fold in models], dtype=np.float32)
        intercepts = np.array([[float(np.ravel(model.intercept_)[0]) for model in of_fold] for of_fold in models])
        return _Scoring(weights, intercepts, folds, columns)

    def __call__(self, batch: Batch) -> Scores:
        here = self.folds[batch.first : batch.first + batch.table.num_rows]
        return self.scores(_hashed(batch.table, self.columns), here)

    def scores(self, features: csr_matrix, folds: Int[np.ndarray, " rows"]) -> Scores:
        """Each row by the model that hasn't seen its fold."""
        scores = np.zeros((folds.size, self.weights.shape[1]))
        for fold, (weights, intercept) in enumerate(zip(self.weights, self.intercepts, strict=True)):
            own = np.flatnonzero(folds == fold)
            scores[own] = features[own] @ weights.T + intercept
        return scores


@final
@dataclass(frozen=True)
class _Rereading:
    scoring: _Scoring
    label: int
    threshold: float

    def __call__(
        self, rows: Rows, chosen: Int[np.ndarray, " chosen"], words: tuple[str, ...]
    ) -> Bool[np.ndarray, " chosen"]:
        texts = [row["prompt"] for row in rows.take(chosen.tolist(), ["prompt"])]
        table = pa.table({"prompt": pa.array([without(text, words) for text in texts], pa.string())})
        scores = self.scoring.scores(_hashed(table, ("prompt",)), self.scoring.folds[chosen])
        reads: np.ndarray = _against_rest(scores, self.label) >= self.threshold
        return reads
