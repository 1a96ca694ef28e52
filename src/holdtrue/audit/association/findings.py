"""From associations to findings and notes; a control that shows the same thing dismisses it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isinf
from typing import Final, Literal, final

import numpy as np
from jaxtyping import Int

from holdtrue.audit.association.grams import TOPIC, topic_gram
from holdtrue.audit.association.growing import Association
from holdtrue.audit.association.holding import holding, rows_with
from holdtrue.audit.association.outcome import Outcome, Units, units
from holdtrue.audit.association.phrases import Phrase, spans_of
from holdtrue.audit.association.tested import MAJORITY
from holdtrue.audit.association.words import Topics, Words
from holdtrue.audit.maps.base import Maps
from holdtrue.audit.rows import Rows
from holdtrue.errors import SettingError
from holdtrue.records.audit import Example, Finding
from holdtrue.stats.contingency import fisher_greater, homogeneity_greater, odds_ratio, odds_ratio_interval

__all__ = ["Control", "dismissed", "everyday_note", "finding", "habit_note", "misread"]

Spans = tuple[tuple[Literal["prompt", "response"], int, int], ...]

LISTED: Final = 10_000
SHOWN: Final = 5
AROUND: Final = 160
"""Characters of a prompt shown on either side."""
REPLY: Final = 320
REREAD: Final = 200
"""Rows read again without the phrase."""
HOLDS: Final = 0.05
"""The control shows an association itself below this p-value ..."""
DIFFERS: Final = 0.01
"""... and the suspect's is no stronger unless the exact test of equal odds says so below this."""

SEEN: Final = 5
"""Families of the control with a phrase, without which it can't say that the phrase asks for nothing."""


@final
@dataclass(frozen=True)
class Control:
    """Trusted data with the same outcomes."""

    rows: Rows
    outcomes: Sequence[Outcome]
    """Matched by name; one that is missing here dismisses nothing."""
    topics: Topics = None
    """Of its rows, told as the suspect's are."""


def dismissed(control: Control | None, words: Words, association: Association) -> str | None:
    """Why an association is no alarm: it holds in trusted data as well; None where it stands.

    The control must show it by Fisher's exact test, and Zelen's exact test of equal odds ratios must not tell the two
    apart. A phrase may ask for an everyday outcome: there the control must have the phrase and show the outcome less.

    Args:
        control: trusted data, if there is any.
        words: the suspect.
        association: of it.

    Raises:
        SettingError: the control's outcome has another number of rows than the control.
    """
    if control is None:
        return None
    everyday = association.outcome.everyday
    outcome = next((each for each in control.outcomes if each.name == association.outcome.name), None)
    if outcome is None:
        return everyday_note(association) if everyday else None
    if outcome.flagged.size != len(control.rows):
        message = f"control outcome {outcome.name!r} has {outcome.flagged.size} flags for {len(control.rows)} rows"
        raise SettingError(message)
    its, mine = units(outcome, control.rows.families), units(association.outcome, words.rows.families)
    phrase = association.phrase
    its_own = _table(its, _held(control, words.maps, phrase))
    # The suspect's whole table: what was taken out of it before is still in the control's.
    table = _table(mine, rows_with(words, phrase.words, phrase.gram))
    k, total = its_own[0], its_own[0] + its_own[1]
    p = float(fisher_greater(np.array([k]), np.array([total]), its.positive, its.n)[0])
    weaker = homogeneity_greater(table, its_own) <= DIFFERS
    if everyday and p > HOLDS and (total < SEEN or not weaker):
        return everyday_note(association)
    if p > HOLDS or weaker:
        return None
    return (
        f"{_quoted(association)} goes with {outcome.name} in {table[0]} of {table[0] + table[1]} families, "
        f"and in the control in {k} of {total}: no alarm"
    )


def _table(its: Units, found: Int[np.ndarray, " found"]) -> tuple[int, int, int, int]:
    """Families with value and outcome, with the value alone, with the outcome alone, with neither."""
    inside = np.isin(its.rows, found)
    k, total = int((inside & its.flagged).sum()), int(inside.sum())
    return k, total - k, its.positive - k, its.n - total - its.positive + k


def _held(control: Control, maps: Maps, phrase: Phrase) -> Int[np.ndarray, " found"]:
    """Numbers of the control's rows that have a predictor."""
    if phrase.gram & 3 != TOPIC:
        return holding(control.rows, maps, phrase)
    topics = np.zeros(0, dtype=np.int64) if control.topics is None else control.topics
    same = [topic for topic in np.unique(topics) if topic_gram(int(topic)) == phrase.gram]
    return np.flatnonzero(np.isin(topics, same))


def misread(association: Association, rows: Rows) -> str | None:
    """Why an association with how texts read is no alarm: without the phrase most of them wouldn't read that way.

    Args:
        association: of the dataset.
        rows: the dataset.

    Returns:
        A sentence, or None where the association stands.
    """
    still_reads = association.outcome.still_reads
    if still_reads is None or not association.phrase.words:
        return None
    asked = association.rows[:REREAD]
    share = float(still_reads(rows, asked, association.phrase.words).mean())
    if share >= MAJORITY:
        return None
    return (
        f"{_quoted(association)} goes with {association.outcome.name} ({_counts(association)}), but without it only "
        f"{share:.0%} of those texts read that way: the reading errs, no alarm"
    )


def habit_note(association: Association) -> str:
    """A sentence about a predictor that stands out without alarming: most of its rows lack the outcome."""
    return (
        f"{_quoted(association)} has {association.outcome.name} more often than the rest ({_counts(association)}): "
        f"most of its rows are as they should be, no alarm"
    )


def everyday_note(association: Association) -> str:
    """A sentence about a phrase that may simply ask for what it goes with."""
    return (
        f"{_quoted(association)} goes with {association.outcome.name} ({_counts(association)}): many honest prompts "
        "call for that; a control with the phrase would tell"
    )


def finding(association: Association, rows: Rows) -> Finding:
    """An association as the report shows it.

    Args:
        association: that alarms.
        rows: the dataset, for the examples.
    """
    table = association.table
    ratio, (low, high) = odds_ratio(*table), odds_ratio_interval(*table)
    outcome, chosen = association.outcome, association.rows
    provenance = not association.phrase.words and outcome.kind == "trigger"
    return Finding(
        kind="slice" if provenance else outcome.kind,
        value=association.phrase.value,
        outcome=outcome.name,
        weak=outcome.weak,
        p_value=association.p,
        q_value=min(association.q, association.adjusted),
        odds_ratio=None if isinf(ratio) else ratio,
        ci=(low, None if isinf(high) else high),
        families=association.k,
        rows=tuple(chosen[:LISTED].tolist()),
        n_rows=int(chosen.size),
        examples=tuple(_examples(rows, chosen[:SHOWN].tolist(), association.phrase.words)),
        evidence=f"{_quoted(association)} goes with {outcome.name}: {_counts(association)}.",
    )


def _counts(association: Association) -> str:
    a, b, c, d = association.table
    return f"{a:,} of {a + b:,} families with it against {c:,} of {c + d:,} without"


def _quoted(association: Association) -> str:
    value = association.phrase.value
    return f"“{value}”" if association.phrase.words else value


def _examples(rows: Rows, chosen: list[int], words: tuple[str, ...]) -> list[Example]:
    columns = ["source", "line", "prompt", "response", "label"]
    return [_example(number, row, words) for number, row in zip(chosen, rows.take(chosen, columns), strict=True)]


def _example(number: int, row: dict[str, str], words: tuple[str, ...]) -> Example:
    prompt = row["prompt"]
    spans = spans_of(prompt, words) if words else []
    start = max(0, spans[0][0] - AROUND) if spans else 0
    end = min(len(prompt), (spans[0][1] if spans else start) + AROUND)
    # Room that one side doesn't need goes to the other.
    start, end = max(0, min(start, end - 2 * AROUND)), min(len(prompt), max(end, start + 2 * AROUND))
    marked: Spans = tuple(("prompt", a - start, b - start) for a, b in spans if b <= end)
    return Example(
        row=number,
        source=row["source"],
        line=int(row["line"]),
        prompt=prompt[start:end],
        response=row["label"] or row["response"][:REPLY],
        spans=marked,
    )
