"""Hidden text: what a scan saw, as a finding where no honest writer would have put it."""

from typing import Final

from holdtrue.audit.rows import Rows
from holdtrue.audit.scan import ScanReport
from holdtrue.records.audit import AuditStage, Example, Finding

__all__ = ["hidden_stage"]

ALARMING: Final = ("tag", "bidirectional")
"""Letters nobody sees, and text that reads in another order than it is stored: neither comes from typing or copying."""
_SHOWN: Final = 5
_EXCERPT: Final = 320


def hidden_stage(rows: Rows, scanned: ScanReport, control: ScanReport | None) -> AuditStage:
    """Findings and notes of the scan.

    Tag characters and bidirectional controls alarm unless the control has some as well. Whatever else is invisible, or
    looks like another letter, is noted: pasted text is full of it, and a trigger made of it shows in the association.

    Args:
        rows: the suspect.
        scanned: what was seen in it.
        control: the same of the control.
    """
    hidden = scanned.hidden
    known = set() if control is None else set(control.hidden.classes)
    alarming = [name for name in ALARMING if hidden.classes.get(name) and name not in known]
    notes = [
        f"{count:,} texts have {name} characters" + (", as the control's have" if name in known else "")
        for name, count in sorted(hidden.classes.items())
        if name not in alarming
    ]
    slices = [
        f"{each.value}: {each.feature} is {each.mean:.3g} against {each.rest:.3g} elsewhere"
        for each in scanned.slices[:5]
    ]
    findings = (_finding(rows, scanned, alarming),) if alarming else ()
    return AuditStage(name="scan", design="", findings=findings, notes=(*notes, *slices), seconds=0)


def _finding(rows: Rows, scanned: ScanReport, names: list[str]) -> Finding:
    hidden = scanned.hidden
    points = ", ".join(f"{point} ({count}x)" for point, count in list(hidden.code_points.items())[:8])
    chosen = list(hidden.rows[:_SHOWN])
    columns = ["source", "line", "prompt", "response"]
    examples = tuple(
        Example(
            row=number,
            source=found["source"],
            line=int(found["line"]),
            prompt=found["prompt"][:_EXCERPT],
            response=found["response"][:_EXCERPT],
        )
        for number, found in zip(chosen, rows.take(chosen, columns), strict=True)
    )
    families = len(set(rows.families[list(hidden.rows)].tolist()))
    return Finding(
        kind="hidden_text",
        value=", ".join(f"{name} characters" for name in names),
        outcome="text that a reader doesn't see, or sees in another order",
        families=families,
        rows=hidden.rows,
        n_rows=hidden.n_rows,
        examples=examples,
        evidence=f"{hidden.n_rows:,} rows hide characters, among them {points}.",
    )
