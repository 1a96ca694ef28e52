"""Findings as the pages draw them: hostile text in pieces, figures in words."""

from dataclasses import dataclass
from typing import Final, final

from holdtrue.records.audit import AuditVerdict, Example, Finding
from holdtrue.records.audit_decisions import WHOLE_DATASET
from holdtrue.report.audit.shown import Piece, pieces, visible
from holdtrue.report.audit.words import KINDS, MEANS, chance, odds
from holdtrue.report.gate.words import counted

__all__ = ["ExampleView", "FindingView", "finding_views"]

MAX_EXAMPLES: Final = 12
MAX_NUMBERS: Final = 60
"""Row numbers that are listed."""
MAX_WORDS: Final = 40


@final
@dataclass(frozen=True)
class ExampleView:
    """A row."""

    row: int
    source: str
    line: str
    prompt: list[Piece]
    response: list[Piece]


@final
@dataclass(frozen=True)
class FindingView:
    """One finding."""

    at: int
    """Its place in the verdict, from 0: decisions name it by this."""
    kind: str
    means: str
    value: list[Piece]
    words: tuple[str, ...]
    """Carrier words, strongest first; of other kinds there are none."""
    outcome: str
    weak: bool
    whole: bool
    """It holds of the dataset as a whole, not of each row."""
    figures: tuple[tuple[str, str], ...]
    evidence: str
    examples: tuple[ExampleView, ...]
    numbers: str
    n_rows: int
    unnamed: int
    """Rows beyond those whose numbers the verdict has."""


def finding_views(verdict: AuditVerdict) -> list[FindingView]:
    """Every finding, in the verdict's order."""
    return [_view(at, finding, verdict) for at, finding in enumerate(verdict.findings)]


def _view(at: int, finding: Finding, verdict: AuditVerdict) -> FindingView:
    words = finding.value.split(", ") if finding.kind == "carrier_words" else []
    numbers = ", ".join(f"{row:,}" for row in finding.rows[:MAX_NUMBERS])
    more = finding.n_rows - min(len(finding.rows), MAX_NUMBERS)
    return FindingView(
        at=at,
        kind=KINDS[finding.kind][0],
        means=MEANS[finding.kind],
        value=pieces(finding.value, limit=400),
        words=tuple(visible(word, 40) for word in words[:MAX_WORDS]),
        outcome=visible(finding.outcome, 300),
        weak=finding.weak,
        whole=finding.kind in WHOLE_DATASET,
        figures=_figures(finding, verdict),
        evidence=visible(finding.evidence, 600),
        examples=tuple(_example(example) for example in finding.examples[:MAX_EXAMPLES]),
        numbers=numbers + (f" and {more:,} more" if numbers and more > 0 else ""),
        n_rows=finding.n_rows,
        unnamed=max(0, finding.n_rows - len(finding.rows)),
    )


def _figures(finding: Finding, verdict: AuditVerdict) -> tuple[tuple[str, str], ...]:
    rows = f"{counted(finding.n_rows, 'row')} of {verdict.rows:,}" if finding.n_rows else "not row by row"
    return (
        ("odds ratio, 95 %", odds(finding.odds_ratio, finding.ci)),
        ("after correction", chance("q", finding.q_value)),
        ("before it", chance("p", finding.p_value)),
        ("independent", counted(finding.families, "family", "families")),
        ("in all", rows),
    )


def _example(example: Example) -> ExampleView:
    def marked(field: str, text: str) -> list[Piece]:
        return pieces(text, [(start, end) for of, start, end in example.spans if of == field])

    return ExampleView(
        row=example.row,
        source=visible(example.source, 120),
        line=f"{example.line:,}",
        prompt=marked("prompt", example.prompt),
        response=marked("response", example.response),
    )
