"""Labels against texts, without a judge: rows whose label, or preferred reply, isn't what the text reads like.

A classifier is trained on the labels themselves and asked about rows it hasn't seen (five folds, families kept
together). Where it is nearly always right, a label that contradicts it is noise, or planted: noise doesn't go with a
phrase. The classifier is a logistic regression on hashed words and pairs of words; it learns what most rows say, and a
few planted ones don't change that.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias, final

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Int
from scipy.sparse import vstack

from holdtrue.audit.association.outcome import Outcome
from holdtrue.audit.label_model import (
    FOLDS,
    Reading,
    Rereading,
    Scores,
    Scoring,
    against_rest,
    chosen_rows,
    fitted,
    folds_of,
)
from holdtrue.audit.maps.base import Maps
from holdtrue.audit.row_set import RowSet
from holdtrue.audit.rows import Rows
from holdtrue.errors import SettingError
from holdtrue.progress import Report, Stage
from holdtrue.stats import auroc

__all__ = ["Disagreement", "disagreement"]

LABELS: Final = 10
"""More values than this are no label set."""
SLACK: Final = 0.01
"""A text reads like a label where the score is right nearly as often as at its best: this much less."""
SUREST: Final = 0.1
"""Share of a label's rows, the surest, over which `at its best` is measured."""
FEWEST: Final = 50
"""Rows of a label, and rows that read like it."""
LEAST: Final = 5
"""Flagged families that a phrase needs: hard cases come in threes and fours."""
SPARED: Final = 8
"""Words and pairs of words: a phrase of four has seven."""
LEAST_SPARED: Final = 20
"""The same where a text's own words are left out: more honest texts then read wrongly, in tens."""
TELLS: Final = 0.7
"""AUROC below which texts don't tell labels apart, so that no contradiction means anything."""


Codes: TypeAlias = Int[np.ndarray, " rows"]


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
    folds, chosen = folds_of(learnt, seed), chosen_rows(learnt, seed)
    stage = Stage("disagreement", progress, "folds")
    stage(0, FOLDS)
    features = vstack(list(maps.over(Reading(chosen, ("prompt",)), learnt, ["prompt"])))
    targets = [told[chosen] == at for at in (range(len(names)) if len(names) > 2 else [1])]
    models = []
    for fold in range(FOLDS):
        kept = np.flatnonzero(folds[chosen] != fold)
        models.append([fitted(features[kept], target[kept]) for target in targets])
        stage(fold + 1, FOLDS)
    scoring = Scoring.of(models, folds_of(rows, seed), ("prompt",))
    scores = np.concatenate(list(maps.over(scoring, rows, ["prompt"])))
    if learnt is not rows:
        # How well texts tell, and from which score on, is read off the data that was learnt from, out of fold.
        known = np.concatenate(list(maps.over(Scoring.of(models, folds, ("prompt",)), learnt, ["prompt"])))
        return _told(names, codes, enough, told, [_Read(scoring, scores, known)])
    # What is planted often enough teaches the classifier to agree with it: read again without what speaks against.
    wary = Scoring.of(models, folds_of(rows, seed), ("prompt",), SPARED)
    again = np.concatenate(list(maps.over(wary, rows, ["prompt"])))
    return _told(names, codes, enough, told, [_Read(scoring, scores, scores), _Read(wary, again, again)])


@final
@dataclass(frozen=True)
class _Read:
    """One way to read texts: the scores of the rows, and of those that were learnt from."""

    scoring: Scoring
    scores: Scores
    known: Scores


def _told(names: list[str], codes: Codes, enough: list[int], told: Codes, readings: list[_Read]) -> Disagreement:
    """An outcome for each label and way to read, where texts tell."""
    outcomes: list[Outcome] = []
    aurocs: dict[str, float] = {}
    untested: list[str] = []
    for at in enough:
        name, own, right = names[at], codes == at, told == at
        other = names[1 - at] if len(names) == 2 else "otherwise"
        again = None
        for read, how, least in zip(
            readings, ("it reads", "the rest of it reads"), (LEAST, LEAST_SPARED), strict=False
        ):
            score, sure = against_rest(read.scores, at), against_rest(read.known, at)
            area, threshold = auroc(sure[right], sure[~right]), _threshold(sure, right)
            aurocs.setdefault(name, area)
            reads = score >= threshold
            if area < TELLS or reads.sum() < FEWEST:
                if again is None:
                    why = f"the texts don't tell it from the rest (AUROC {area:.2f})"
                    untested.append(f"label flips of {name!r}: {why}")
                break
            # Whatever is left out to find a phrase: without it the whole of the text has to contradict the label.
            again = again or Rereading(read.scoring, at, threshold)
            title = f"labelled {other} though {how} {name}"
            population, others = RowSet.of(reads), RowSet.of(~own)
            flipped = population & others
            outcomes.append(
                Outcome(title, "label_flip", flipped, population, least=least, alike=others, still_reads=again)
            )
    return Disagreement(tuple(outcomes), aurocs, tuple(untested))


def _preferences(rows: Rows, maps: Maps, seed: int, progress: Report) -> Disagreement:
    folds, chosen = folds_of(rows, seed), chosen_rows(rows, seed)
    columns = ("response", "rejected")
    stage = Stage("disagreement", progress, "folds")
    stage(0, FOLDS)
    features = vstack(list(maps.over(Reading(chosen, columns), rows, columns)))
    models = []
    for fold in range(FOLDS):
        kept = features[folds[chosen] != fold]
        sides = np.repeat([True, False], kept.shape[0])
        models.append([fitted(vstack([kept, -kept]).tocsr(), sides, intercept=False)])
        stage(fold + 1, FOLDS)
    score = np.concatenate(list(maps.over(Scoring.of(models, folds, columns), rows, columns)))[:, 0]
    right = float((score > 0).mean())
    sure = np.abs(score) >= _threshold(np.abs(score), score > 0)
    if right < TELLS or sure.sum() < FEWEST:
        why = f"preference flips: replies don't tell which was preferred ({right:.0%} right)"
        return Disagreement((), {"chosen": right}, (why,))
    flipped, population = RowSet.of(sure & (score < 0)), RowSet.of(sure)
    outcome = Outcome("the rejected reply reads better", "label_flip", flipped, population, least=LEAST)
    return Disagreement((outcome,), {"chosen": right}, ())


def _label_codes(rows: Rows) -> tuple[list[str], Int[np.ndarray, " rows"]]:
    """The label values, sorted, and each row's."""
    columns = [batch.table.column("label").combine_chunks() for batch in rows.batches(["label"])]
    coded = pa.chunked_array(columns, pa.string()).combine_chunks().dictionary_encode()
    found = np.array(coded.dictionary.to_pylist(), dtype=str)
    rank = np.empty(found.size, dtype=np.int64)
    rank[np.argsort(found)] = np.arange(found.size)
    return sorted(found.tolist()), rank[coded.indices.to_numpy()]


def _threshold(score: Float[np.ndarray, " rows"], right: Bool[np.ndarray, " rows"]) -> float:
    """The lowest score from which on the label is right about as often as among the surest rows."""
    order = np.argsort(-score, kind="stable")
    precision = np.cumsum(right[order]) / np.arange(1, order.size + 1)
    surest = max(FEWEST, int(SUREST * right.sum()))
    if order.size < surest:
        return float("inf")
    best = float(precision[surest - 1 :].max())
    return float(score[order[np.flatnonzero(precision >= best - SLACK)[-1]]])
