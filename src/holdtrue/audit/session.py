"""The whole audit, stage by stage; killed at any time, it goes on after the last finished one."""

from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np

from holdtrue.audit.ingest import ingest
from holdtrue.audit.ingest.sources import find_sources
from holdtrue.audit.judged import row_judge
from holdtrue.audit.options import AuditOptions
from holdtrue.audit.outputs import AUDIT_ROWS, write_flags
from holdtrue.audit.population.benign import match_controls
from holdtrue.audit.rows import Rows
from holdtrue.audit.stages import StageFolder
from holdtrue.audit.steps import Steps
from holdtrue.audit.verdict import decide
from holdtrue.errors import SettingError
from holdtrue.progress import Report
from holdtrue.records import check_writable, write_atomic
from holdtrue.records.audit import AuditDesign, AuditVerdict

__all__ = ["audit"]

_PAID: Final = ("judge", "themes")
"""Stages that a budget may cut short: with another budget they are worked out again, from the answers there are."""


def audit(options: AuditOptions, out: Path, report: Report) -> AuditVerdict:
    """Audit a dataset.

    Args:
        options: what was asked for.
        out: the audit's folder; one that was killed goes on from it.
        report: told of progress.

    Raises:
        HoldtrueError: anything that keeps it from going on; every finished stage is safe.
    """
    check_writable(out / "verdict.json")
    axis = _checked(options, out)
    read = options.ingest_options()
    suspect = ingest(options.dataset, out / AUDIT_ROWS / "suspect", read, report)
    control = None
    if options.control is not None:
        control = ingest(options.control, out / AUDIT_ROWS / "control", read, report)
        _check_kind(options.control, control, options, suspect)
    second = None
    if options.second_control is not None and control is not None:
        second = ingest(options.second_control, out / AUDIT_ROWS / "second_control", read, report)
        _check_kind(options.second_control, second, options, suspect)
        _check_second(options.second_control, second, control)
    design = _design(options, suspect, control, second, axis)
    folder = StageFolder(out, design)
    steps = Steps(options, suspect, control, out, report, second)
    money = repr((options.budget_usd, options.prices, options.max_calls))
    stages = [folder.stage(name, work, money if name in _PAID else "") for name, work in steps.planned()]
    verdict = decide(design, suspect.card, stages, None if control is None else control.card)
    write_flags(out, suspect, verdict)
    write_atomic(out / "verdict.json", verdict.to_json() + "\n")
    return verdict


def _check_kind(name: str, rows: Rows, options: AuditOptions, suspect: Rows) -> None:
    kinds = (suspect.card.kind, rows.card.kind)
    if kinds[0] != kinds[1]:
        message = f"{name} is of kind {kinds[1]}, {options.dataset} of kind {kinds[0]}; name --kind"
        raise SettingError(message)


def _check_second(name: str, second: Rows, control: Rows) -> None:
    """Refuse a second control that can't be compared, before the stages take their hours."""
    if second.card.kind == "label":
        message = f"--second-control {name}: replies are compared, and labelled texts have none; leave it out"
        raise SettingError(message)
    match_controls(second, control, np.random.default_rng(0))


def _checked(options: AuditOptions, out: Path) -> str | None:
    """Refuse what can't be before hours are spent on reading the dataset; the axis's digest."""
    for dataset in (options.dataset, options.control, options.second_control):
        if dataset is not None:
            find_sources(dataset)
    if options.judge is not None:
        row_judge(options, options.kind or "chat", out)
    if options.axis is None:
        return None
    from holdtrue.axis import load_axis  # with it comes torch

    return load_axis(options.axis).card.digest


def _design(
    options: AuditOptions, suspect: Rows, control: Rows | None, second: Rows | None, axis: str | None
) -> AuditDesign:
    return AuditDesign(
        dataset=options.dataset,
        dataset_digest=suspect.card.data_digest,
        control=options.control,
        control_digest=None if control is None else control.card.data_digest,
        second_control=options.second_control,
        second_control_digest=None if second is None else second.card.data_digest,
        kind=suspect.card.kind,
        judge=options.judge,
        purpose=options.purpose,
        model=options.model,
        axis=axis,
        read_rows=None if options.model is None else options.read_rows,
        device=None if options.model is None else options.device,
        dtype=None if options.model is None else options.dtype,
        seed=options.seed,
        alpha=options.alpha,
        holdtrue=version("holdtrue"),
    )
