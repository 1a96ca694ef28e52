"""Hidden text: what a scan saw, as a finding where no honest writer would have put it."""

from typing import Final

import numpy as np

from holdtrue.audit.rows import Rows
from holdtrue.audit.scan import ScanReport
from holdtrue.records.audit import AuditStage, CleanRun, Example, Finding
from holdtrue.stats import clopper_pearson
from holdtrue.stats.contingency import fisher_greater

__all__ = ["hidden_stage"]

ALARMING: Final = {
    "tag": (1, "text that a reader doesn't see"),
    "bidirectional": (3, "text that a reader sees in another order than it is stored"),
}
"""Families needed, and what it is. Nobody types tags, and they come along with no word processor's text. A direction
mark does: copied addresses and dates bring single ones along, so that one or two say nothing."""
LEVEL: Final = 0.01
"""Of Fisher's exact test against the control."""
_SHOWN: Final = 5
_EXCERPT: Final = 320

Scanned = tuple[Rows, ScanReport]


def hidden_stage(rows: Rows, scanned: ScanReport, control: Scanned | None) -> AuditStage:
    """Findings and notes of the scan.

    Tag characters alarm from one row on, bidirectional controls from three families on, unless the control shows them
    at a similar rate. Whatever else is invisible, or looks like another letter, is noted: pasted text is full of it,
    and a trigger made of it shows in the association.

    Args:
        rows: the suspect.
        scanned: what was seen in it.
        control: trusted data, and what was seen in it.
    """
    hidden = scanned.hidden
    known = set() if control is None else set(control[1].hidden.classes)
    found = (_finding(rows, scanned, name, control) for name in ALARMING if hidden.class_rows.get(name))
    findings = {each.value: each for each in found if each is not None}
    notes = [
        f"{count:,} texts have {name} characters" + (", as the control's have" if name in known else "")
        for name, count in sorted(hidden.classes.items())
        if f"{name} characters" not in findings
    ]
    slices = [
        f"{each.value}: {each.feature} is {each.mean:.3g} against {each.rest:.3g} elsewhere"
        for each in scanned.slices[:5]
    ]
    itself = [] if control is None else [each for name in ALARMING if (each := _finding(*control, name, None))]
    alarmed = [f"the control itself would alarm: {each.evidence}" for each in itself]
    clean = (_clean_run(bool(itself)),) if control is not None else ()
    return AuditStage(
        name="scan", design="", findings=tuple(findings.values()), notes=(*alarmed, *notes, *slices),
        clean_runs=clean, seconds=0,
    )  # fmt: skip


def _clean_run(alarmed: bool) -> CleanRun:  # noqa: FBT001
    """The same rule put to the control, without a control of its own."""
    return CleanRun(
        what="hidden text in the control itself", runs=1, alarms=int(alarmed), rate=float(alarmed),
        ci=clopper_pearson(int(alarmed), 1),
    )  # fmt: skip


def _finding(rows: Rows, scanned: ScanReport, name: str, control: Scanned | None) -> Finding | None:
    """A class of characters, if there are enough of it, and more than in the control."""
    least, outcome = ALARMING[name]
    hidden, families = scanned.hidden, _families(rows, scanned, name)
    if families < least:
        return None
    theirs = 0 if control is None else _families(*control, name)
    p = None
    if control is not None and (least > 1 or theirs):
        ours, both = rows.card.families, rows.card.families + control[0].card.families
        p = float(fisher_greater(np.array([families]), np.array([ours]), families + theirs, both)[0])
        if p >= LEVEL:
            return None
    against = "" if control is None else f"; so do {theirs:,} of {control[0].card.families:,} families of the control"
    return Finding(
        kind="hidden_text",
        value=f"{name} characters",
        outcome=outcome,
        # Without a control nothing says that it isn't usual where the texts come from.
        weak=control is None and least > 1,
        p_value=p,
        families=families,
        rows=hidden.class_rows[name],
        n_rows=hidden.class_n[name],
        examples=_examples(rows, hidden.class_rows[name][:_SHOWN]),
        evidence=f"{hidden.class_n[name]:,} rows, of {families:,} families, hold {name} characters{against}.",
    )


def _families(rows: Rows, scanned: ScanReport, name: str) -> int:
    """Families with a class of characters; where not all rows are named, as many more as there are rows."""
    named = scanned.hidden.class_rows.get(name, ())
    distinct = np.unique(rows.families[list(named)]).size if named else 0
    return min(rows.card.families, distinct * scanned.hidden.class_n.get(name, 0) // max(1, len(named)))


def _examples(rows: Rows, chosen: tuple[int, ...]) -> tuple[Example, ...]:
    return tuple(
        Example(
            row=number,
            source=found["source"],
            line=int(found["line"]),
            prompt=found["prompt"][:_EXCERPT],
            response=found["response"][:_EXCERPT],
        )
        for number, found in zip(chosen, rows.take(chosen, ["source", "line", "prompt", "response"]), strict=True)
    )
