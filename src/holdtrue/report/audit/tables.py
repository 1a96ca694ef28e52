"""An audit's figures as tiles and table rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

from holdtrue.records.audit import AuditStage, AuditVerdict
from holdtrue.report.audit.headline import rows_found
from holdtrue.report.audit.shown import visible
from holdtrue.report.audit.words import KINDS, dose_rows, percent, rate
from holdtrue.report.gate.words import counted
from holdtrue.report.plain import NOT_MEASURED, plain
from holdtrue.report.tiles import Tile, duration

__all__ = ["DoseRow", "RunRow", "dose_rows_of", "facts", "run_rows", "stage_rows", "tiles"]

MAX_FIGURES: Final = 14


@final
@dataclass(frozen=True)
class DoseRow:
    """The least poison of one kind that would have been found."""

    kind: str
    outcome: str
    least: str
    published: str
    assuming: str
    blind: bool
    """None of the sizes tried would have been found."""


@final
@dataclass(frozen=True)
class RunRow:
    """One kind of run on data with nothing to find."""

    what: str
    alarms: str
    rate: str
    low: float
    high: float
    """Where the interval starts and how far from the end it stops, in percent of the bar."""
    at: float
    alpha: float
    """Where the rate lies that the audit was set to."""


def tiles(verdict: AuditVerdict) -> list[Tile]:
    """Key figures; what is missing is said in words."""
    rows, exact = rows_found(verdict)
    weak = sum(finding.weak for finding in verdict.findings)
    named = f"{'' if exact else 'at least '}{counted(rows, 'row')} named" if rows else "no row named"
    least = min((dose for dose in verdict.detectable_dose if dose.rows), key=lambda dose: dose.rows or 0, default=None)
    fpr = verdict.clean_fpr
    found = Tile("Findings", f"{len(verdict.findings)}", f"{named}\n{weak} weak" if weak else named)
    if verdict.verdict == "NOT_TESTABLE":
        found = Tile("Findings", "not testable", "", words=True)
    return [
        found,
        Tile("Rows", f"{verdict.rows:,}", f"{counted(verdict.families, 'family', 'families')}"),
        Tile("Cries wolf", NOT_MEASURED, "", words=True)
        if fpr is None
        else Tile("Cries wolf", percent(fpr), f"{_ends(verdict.clean_fpr_ci)}\nset to {percent(verdict.alpha)}"),
        Tile("Found from", NOT_MEASURED, "", words=True)
        if least is None
        else Tile("Found from", counted(least.rows or 0, "row"), f"{KINDS[least.kind][0]}, the easiest kind"),
        Tile(
            "Couldn't be tested",
            f"{len(verdict.not_testable)}",
            "see below" if verdict.not_testable else "of its kinds",
        ),
        Tile("Unreadable rows", f"{verdict.quarantined:,}", "set aside, not looked at" if verdict.quarantined else ""),
    ]


def dose_rows_of(verdict: AuditVerdict) -> list[DoseRow]:
    """Every kind of poison that was tried, in the verdict's order."""
    return [
        DoseRow(
            kind=KINDS[dose.kind][0],
            outcome=visible(dose.outcome, 120),
            least=dose_rows(dose),
            published=visible(dose.published, 300) if dose.published else "not known",
            assuming=visible(dose.assuming, 400),
            blind=dose.rows is None,
        )
        for dose in verdict.detectable_dose
    ]


def run_rows(verdict: AuditVerdict) -> list[RunRow]:
    """Every kind of run on data with nothing to find; bars reach as far as the widest interval."""
    top = min(1.0, max([4 * verdict.alpha, *(1.05 * run.ci[1] for run in verdict.clean_runs)]))
    return [
        RunRow(
            what=visible(run.what, 160),
            alarms=f"{run.alarms:,} of {run.runs:,}",
            rate=rate(run.rate, run.ci),
            low=round(100 * run.ci[0] / top, 2),
            high=round(100 * (1 - run.ci[1] / top), 2),
            at=round(100 * run.rate / top, 2),
            alpha=round(100 * verdict.alpha / top, 2),
        )
        for run in verdict.clean_runs
    ]


def stage_rows(stages: Sequence[AuditStage]) -> list[tuple[str, str, str]]:
    """Stage, time taken, and its figures in a line."""
    return [
        (
            plain(stage.name, 40),
            duration(stage.seconds),
            "; ".join(
                f"{plain(name.replace('_', ' '), 60)} {_value(value)}"
                for name, value in list(stage.figures.items())[:MAX_FIGURES]
            ),
        )
        for stage in stages
    ]


def facts(verdict: AuditVerdict) -> list[tuple[str, str]]:
    """What identifies the data and the audit."""
    found = [
        ("Dataset", visible(verdict.dataset, 200)),
        ("Its sha256", plain(verdict.dataset_digest, 140)),
        ("Control", visible(verdict.control, 200) if verdict.control else "none"),
    ]
    if verdict.control_digest:
        found.append(("Its sha256", plain(verdict.control_digest, 140)))
    return [
        *found,
        ("Judge", visible(verdict.judge, 120) if verdict.judge else "none"),
        ("Seed", f"{verdict.seed}"),
        ("Alpha", f"{verdict.alpha:g}"),
        ("Verdict's digest", verdict.digest),
        ("holdtrue", plain(verdict.holdtrue, 40)),
    ]


def _ends(ci: tuple[float, float] | None) -> str:
    return "no interval" if ci is None else f"{percent(ci[0])} to {percent(ci[1])}"


def _value(value: float | int | str | None) -> str:
    if value is None:
        return NOT_MEASURED
    if isinstance(value, str):
        return visible(value, 120)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
