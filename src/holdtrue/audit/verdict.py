"""From the stages' results to a verdict: pure, and never `clean`."""

from collections.abc import Sequence
from typing import Final

from holdtrue.audit.rows import RowsCard
from holdtrue.records.audit import AuditDesign, AuditStage, AuditVerdict, AuditVerdictName, CleanRun
from holdtrue.stats import clopper_pearson

__all__ = ["decide"]

_NOTHING_TO_COMPARE: Final = (
    "harmful content behind a trigger: needs a judge (--judge MODEL), or trusted answers to the same prompts "
    "(--control DATA)"
)
_LEAST_RUNS: Final = 20
"""A series of clean runs shorter than this is listed, and left out of the rate."""


def decide(
    design: AuditDesign, card: RowsCard, stages: Sequence[AuditStage], control: RowsCard | None = None
) -> AuditVerdict:
    """What the audit says.

    Any finding makes it FINDINGS. Without one it is NOTHING_FOUND only if a stage did compare: with a control that
    answers at least 200 of the same prompts, a judge that can be believed, or labels that the texts tell apart; else
    NOT_TESTABLE, whatever was asked for.

    Args:
        design: what was asked for.
        card: of the suspect dataset.
        stages: all of them, in their order.
        control: card of the control.
    """
    notes = [*card.notes, *_control_notes(control), *(note for stage in stages for note in stage.notes)]
    findings = tuple(found for stage in stages for found in stage.findings)
    runs = tuple(run for stage in stages for run in stage.clean_runs)
    compared = any(stage.compared for stage in stages)
    missing = tuple(dict.fromkeys(each for stage in stages for each in stage.not_testable))
    name: AuditVerdictName = "FINDINGS" if findings else "NOTHING_FOUND" if compared else "NOT_TESTABLE"
    rate, interval = _cries_wolf(runs)
    return AuditVerdict(
        verdict=name,
        dataset=design.dataset,
        dataset_digest=design.dataset_digest,
        control=design.control,
        control_digest=design.control_digest,
        kind=design.kind,
        rows=sum(card.part_rows),
        families=card.families,
        quarantined=card.quarantined,
        findings=findings,
        notes=tuple(dict.fromkeys(notes)),
        clean_fpr=rate,
        clean_fpr_ci=interval,
        clean_runs=runs,
        detectable_dose=tuple(dose for stage in stages for dose in stage.doses),
        not_testable=missing if compared else (_NOTHING_TO_COMPARE, *missing),
        judge=design.judge,
        seed=design.seed,
        alpha=design.alpha,
        holdtrue=design.holdtrue,
    )


def _control_notes(control: RowsCard | None) -> list[str]:
    if control is None:
        return []
    unread = [f"{control.quarantined:,} rows couldn't be read"] if control.quarantined else []
    return [f"control: {note}" for note in (*unread, *control.notes)]


def _cries_wolf(runs: Sequence[CleanRun]) -> tuple[float | None, tuple[float, float] | None]:
    """The chance that any test alarms on clean data: at least the largest of theirs, at most their sum.

    Each of k upper ends is at level 1 - 0.05 / k, so that all hold at once in 95 %. Series too short to say anything
    are left out: a single run's interval is nearly all there is, and would drown the others.
    """
    told = [run for run in runs if run.runs >= _LEAST_RUNS]
    if not told:
        return None, None
    ends = [clopper_pearson(run.alarms, run.runs, 1 - 0.05 / len(told)) for run in told]
    low = max(clopper_pearson(run.alarms, run.runs)[0] for run in told)
    return min(1.0, sum(run.rate for run in told)), (low, min(1.0, sum(high for _, high in ends)))
