"""What benign differences look like here: slices of the control against each other, or a second control."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Bool

from holdtrue.audit.population.decision import ALARM
from holdtrue.audit.population.material import Side, prepare
from holdtrue.audit.population.pairs import Pairs, match_rows, read_texts
from holdtrue.audit.population.stratified import stratified_words
from holdtrue.audit.population.words import paired_words
from holdtrue.audit.rows import Rows
from holdtrue.errors import EvidenceError
from holdtrue.records.audit import CleanRun
from holdtrue.stats.exact import clopper_pearson

__all__ = ["Benign", "compare_controls", "compare_slices", "large_slices", "match_controls"]

FEWEST_ROWS: Final = 200
MOST_VALUES: Final = 20
"""A column with more is no provenance."""
MOST_COMPARISONS: Final = 12


@final
@dataclass(frozen=True)
class Benign:
    """Words that differ where nothing is wrong."""

    run: CleanRun
    most: int
    """Words that rise in the worst comparison."""
    words: frozenset[str]
    """All that differ in any."""


def compare_slices(
    control: Side,
    slices: list[str],
    names: list[str],
    topical: Bool[np.ndarray, " words"],
    alpha: float,
    rng: np.random.Generator,
) -> tuple[Benign, ...]:
    """Compare each slice of the control with the rest of it, within topics.

    A slice and the rest answer different prompts, so that this isn't the decision on pairs: another statistic, the same
    number of words.

    Args:
        control: its replies.
        slices: provenance of each, a JSON object.
        names: of the topical words.
        topical: which of the vocabulary they are.
        alpha: level.
        rng: source of the shuffles.

    Returns:
        One for all slices; none where no slice is large enough.
    """
    present = control.present[:, np.flatnonzero(topical)]
    counts, words = [], set()
    for _, inside in large_slices(slices):
        found = stratified_words(present, inside, control.topics, rng)
        moved = found.moved(alpha)
        # Either group may be the one in question.
        counts.append(int(max((found.z[moved] > 0).sum(), (found.z[moved] < 0).sum())))
        words |= {names[at] for at in found.words[moved]}
    return (_benign("slices of the control, by topic", counts, words),) if counts else ()


def compare_controls(second: Rows, control: Rows, seed: int, alpha: float, rng: np.random.Generator) -> Benign:
    """Compare a second control with the first as a suspect would be.

    Args:
        second: another trusted set of answers.
        control: the control.
        seed: of topics and swaps.
        alpha: level.
        rng: draws the sample of pairs.

    Raises:
        EvidenceError: too few prompts in common.
    """
    pairs = match_controls(second, control, rng)
    material = prepare(read_texts(second, pairs.suspect), read_texts(control, pairs.control), seed)
    at = np.flatnonzero(material.kinds.topical)
    ours, theirs = material.suspect, material.control
    lengths = (ours.length, theirs.length)
    test = paired_words(ours.present[:, at], theirs.present[:, at], lengths, pairs.families, rng)
    moved = np.minimum(test.p_max_t, test.q) <= alpha
    words = {material.words[at[word]] for word in test.words[moved]}
    return _benign("second control against the control", [int(test.rising(alpha).sum())], words)


def match_controls(second: Rows, control: Rows, rng: np.random.Generator) -> Pairs:
    """Pair two controls' answers to the same prompts.

    Args:
        second: another trusted set of answers.
        control: the control.
        rng: draws the sample of pairs.

    Raises:
        EvidenceError: too few prompts in common.
    """
    pairs = match_rows(second, control, rng)
    if pairs.n < FEWEST_ROWS:
        message = (
            f"the second control answers {pairs.n} of the control's prompts; {FEWEST_ROWS} are needed: leave it out, "
            "or have it answer more of them"
        )
        raise EvidenceError(message)
    return pairs


def _benign(what: str, counts: list[int], words: set[str]) -> Benign:
    alarms = sum(count >= ALARM for count in counts)
    interval = clopper_pearson(alarms, len(counts))
    run = CleanRun(what=what, runs=len(counts), alarms=alarms, rate=alarms / len(counts), ci=interval)
    return Benign(run, max(counts), frozenset(words))


def large_slices(slices: list[str]) -> Iterator[tuple[str, Bool[np.ndarray, " rows"]]]:
    """Slices of at least 200 rows that leave as many, the largest first: `column=value`, and which rows are in it.

    Args:
        slices: provenance of each row, a JSON object.
    """
    parsed = [json.loads(each) for each in slices]
    names = sorted({name for each in parsed for name in each})
    found = []
    for name in names:
        values = np.array([str(each.get(name, "")) for each in parsed])
        named, counts = np.unique(values, return_counts=True)
        if len(named) > MOST_VALUES:
            continue
        large = [
            (int(count), f"{name}={value}", values == value)
            for value, count in zip(named, counts, strict=True)
            if count >= FEWEST_ROWS and len(values) - count >= FEWEST_ROWS
        ]
        # Of two values one is the rest of the other.
        found += large[:1] if len(named) == 2 else large
    for _, title, inside in sorted(found, key=lambda each: (-each[0], each[1]))[:MOST_COMPARISONS]:
        yield title, inside
