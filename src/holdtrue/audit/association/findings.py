"""From associations to findings, with rows that show them."""

from math import isinf
from typing import Final, Literal

from holdtrue.audit.association.growing import Association
from holdtrue.audit.association.phrases import spans_of
from holdtrue.audit.rows import Rows
from holdtrue.records.audit import Example, Finding
from holdtrue.stats.contingency import odds_ratio, odds_ratio_interval

__all__ = ["counted", "finding", "quoted"]

Spans = tuple[tuple[Literal["prompt", "response"], int, int], ...]

LISTED: Final = 10_000
SHOWN: Final = 5
AROUND: Final = 160
"""Characters of a prompt shown on either side."""
REPLY: Final = 320


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
        evidence=f"{quoted(association)} goes with {outcome.name}: {counted(association)}.",
    )


def counted(association: Association) -> str:
    """An association's table in words."""
    a, b, c, d = association.table
    return f"{a:,} of {a + b:,} families with it against {c:,} of {c + d:,} without"


def quoted(association: Association) -> str:
    """A phrase between quotation marks, another predictor as it is."""
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
