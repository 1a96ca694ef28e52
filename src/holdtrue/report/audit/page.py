"""One self-contained HTML page from an audit's verdict."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from holdtrue.records.audit import AuditStage, AuditVerdict
from holdtrue.report.audit.findings import finding_views
from holdtrue.report.audit.headline import contradictions, cries_wolf, headline
from holdtrue.report.audit.power import PowerCurve
from holdtrue.report.audit.shown import visible
from holdtrue.report.audit.tables import dose_rows_of, facts, run_rows, stage_rows, tiles
from holdtrue.report.audit.words import ANSWERS, ROWS
from holdtrue.report.plain import plain
from holdtrue.report.shell import TEMPLATES, inert_json, own_markup, policy, scripts, style
from holdtrue.report.theme import CSS

__all__ = ["AuditPageData", "QuarantinedRow", "audit_page"]

_OWN: Final = Path(__file__).parent / "templates"
MAX_BAD: Final = 50
"""Quarantined rows that are listed."""


@final
@dataclass(frozen=True)
class QuarantinedRow:
    """A row that couldn't be read."""

    source: str
    line: int
    reason: str


@final
@dataclass(frozen=True)
class AuditPageData:
    """What the page shows beside the verdict; each part may be left out."""

    quarantine: Mapping[str, int] = field(default_factory=dict)
    """Rows that couldn't be read, by reason."""
    quarantined: tuple[QuarantinedRow, ...] = ()
    """Some of them."""
    power: tuple[PowerCurve, ...] = ()
    stages: tuple[AuditStage, ...] = ()
    """For their figures and how long they took."""
    command: tuple[str, ...] = ()
    """Words of the command line that ran the audit."""


def audit_page(verdict: AuditVerdict, extra: AuditPageData) -> str:
    """The report on an audit; what casts doubt on the verdict is said first.

    The page is one file that loads nothing. Without power curves it runs nothing either; with them a content security
    policy admits only its own two scripts, by their hash.

    Args:
        verdict: of the audit. Its texts come from the dataset and are taken for hostile.
        extra: what stands in other files.

    Returns:
        HTML text, for a file in UTF-8; the same for the same input.
    """
    drawn = _figures(extra)
    code = scripts() if drawn else ()
    bad = sorted(extra.quarantine.items(), key=lambda one: (-one[1], one[0]))
    return (
        environment()
        .get_template("audit.html.j2")
        .render(
            title=f"holdtrue: an audit of {plain(verdict.dataset, 100)}",
            heading=visible(verdict.dataset, 200),
            under=_under(verdict),
            headline=headline(verdict),
            warnings=contradictions(verdict),
            tiles=tiles(verdict),
            findings=finding_views(verdict),
            verdict=verdict,
            answer=ANSWERS[verdict.kind],
            doses=dose_rows_of(verdict),
            wolf=cries_wolf(verdict),
            runs=run_rows(verdict),
            not_testable=[visible(line, 600) for line in verdict.not_testable],
            notes=[visible(line, 600) for line in verdict.notes],
            reasons=[(visible(reason, 200), f"{n:,}") for reason, n in bad],
            bad=[(visible(row.source, 120), f"{row.line:,}", visible(row.reason, 200)) for row in extra.quarantined][
                :MAX_BAD
            ],
            stages=stage_rows(extra.stages),
            facts=facts(verdict),
            command=shlex.join(plain(word, 400) for word in extra.command),
            drawn=drawn,
            policy=policy(*code) if code else NO_SCRIPT,
            css=own_markup(css()),
            figures=own_markup(inert_json(drawn)),
            scripts=[own_markup(text) for text in code],
        )
    )


NO_SCRIPT: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


@cache
def css() -> str:
    """Both pages' style."""
    return style() + (_OWN / "audit.css").read_text(encoding="utf-8")


@cache
def environment() -> Environment:
    """Both pages' templates, which escape everything."""
    return Environment(
        loader=FileSystemLoader([_OWN, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _under(verdict: AuditVerdict) -> str:
    parts = [f"{verdict.rows:,} {ROWS[verdict.kind]}, {verdict.families:,} of them independent"]
    parts.append(f"control: {visible(verdict.control, 120)}" if verdict.control else "no control to compare with")
    parts.append(f"judge: {visible(verdict.judge, 80)}" if verdict.judge else "no judge")
    return "; ".join(parts)


def _figures(extra: AuditPageData) -> dict[str, dict[str, Any]]:
    """Specifications by the id of the box that they fill."""
    if not extra.power:
        return {}
    from holdtrue.report.audit.charts import power_chart
    from holdtrue.report.charts import dress

    chart = power_chart(extra.power, CSS, "container")
    return {} if chart is None else {"power": dress(chart, CSS, responsive=True)}
