"""An audit for a terminal: plain text, at most 100 columns."""

import textwrap
from typing import Final

from holdtrue.records.audit import AuditVerdict
from holdtrue.report.audit.headline import alarms, contradictions, cries_wolf, finding_line, headline
from holdtrue.report.audit.shown import visible
from holdtrue.report.audit.words import KINDS, ROWS, dose_rows
from holdtrue.report.gate.words import counted
from holdtrue.report.plain import columns

__all__ = ["audit_lines", "power_lines"]

WIDTH: Final = 100
MAX_FINDINGS: Final = 40
MAX_NOTES: Final = 8
_MARKS: Final = {"FINDINGS": "✗", "NOTHING_FOUND": "?", "NOT_TESTABLE": "?"}


def audit_lines(verdict: AuditVerdict) -> list[str]:
    """Verdict, a line for each finding, false alarms, doses, and what couldn't be tested."""
    found = headline(verdict)
    what = f"{visible(verdict.dataset, 120)}: {verdict.rows:,} {ROWS[verdict.kind]}"
    lines = _wrapped(f"{what}, {counted(verdict.families, 'family', 'families')}", "")
    lines += _wrapped(f"{_MARKS[verdict.verdict]} {verdict.verdict}: {found.line}.", "", "  ")
    if verdict.verdict != "FINDINGS":
        lines += _wrapped(found.why, "  ")
    for warning in contradictions(verdict):
        lines += _wrapped(warning, "  !! ", "     ")
    for number, finding in enumerate(verdict.findings[:MAX_FINDINGS], start=1):
        lines += _wrapped(f"{number}. {finding_line(finding)}", "  ", "     ")
    if len(verdict.findings) > MAX_FINDINGS:
        lines.append(f"  and {counted(len(verdict.findings) - MAX_FINDINGS, 'finding')} more, in verdict.json")
    lines += ["", *power_lines(verdict)]
    if verdict.not_testable:
        lines += ["", "Not testable:"]
        for line in verdict.not_testable:
            lines += _wrapped(visible(line, 400), "  ", "    ")
    if verdict.notes:
        lines += ["", "Odd, and taken for harmless:"]
        for note in verdict.notes[:MAX_NOTES]:
            lines += _wrapped(visible(note, 400), "  ", "    ")
        if len(verdict.notes) > MAX_NOTES:
            lines.append(f"  and {len(verdict.notes) - MAX_NOTES} more, in verdict.json")
    if verdict.quarantined:
        lines += ["", f"Couldn't be read, and not looked at: {counted(verdict.quarantined, 'row')}"]
    return lines


def power_lines(verdict: AuditVerdict) -> list[str]:
    """How often the audit alarms where nothing is, and the least poison it would find, equal doses together."""
    lines = _wrapped(cries_wolf(verdict), "")
    for run in verdict.clean_runs:
        lines += _wrapped(f"{visible(run.what, 120)}: {alarms(run)}", "  ", "    ")
    lines += ["", "It would have found, in 95 of 100 tries:" if verdict.detectable_dose else "Doses: not measured"]
    alike: dict[tuple[str, str, str], list[str]] = {}
    for dose in verdict.detectable_dose:
        least = dose_rows(dose) if dose.rows is None else f"from {dose_rows(dose)}"
        known = f"; known to work: {visible(dose.published, 160)}" if dose.published else ""
        alike.setdefault((KINDS[dose.kind][0], least, known), []).append(visible(dose.outcome, 80))
    for (kind, least, known), outcomes in alike.items():
        lines += _wrapped(f"{kind}, {least}: {'; '.join(outcomes)}{known}", "  ", "    ")
    return lines


def _wrapped(text: str, indent: str, further: str | None = None) -> list[str]:
    # Wide characters take two columns: half of them are counted on then.
    width = WIDTH if columns(text) == len(text) else WIDTH // 2
    later = indent if further is None else further
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=later)
