"""The white-box stage: read a sample of rows through a model, compare, and say what has moved."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from holdtrue.audit.rows import Rows
from holdtrue.audit.white_box.compare import ReadSample, compare
from holdtrue.audit.white_box.log import Side, open_log, read_all
from holdtrue.audit.white_box.reading import PROMPT_CHARACTERS, REPLY_TOKENS, RowReader
from holdtrue.audit.white_box.sample import draw
from holdtrue.audit.white_box.shift import Shift
from holdtrue.audit.white_box.swapped import swapped_runs
from holdtrue.audit.white_box.table import write_table
from holdtrue.audit.white_box.telling import findings_of, not_testable, notes_of
from holdtrue.axis import Axis, load_axis
from holdtrue.errors import EvidenceError, SettingError
from holdtrue.models import ChatModel, load
from holdtrue.progress import Report
from holdtrue.records.audit import CleanRun, Dose, Finding
from holdtrue.records.audit_reading import ReadingPlan
from holdtrue.stats import Estimate

__all__ = ["WhiteBoxResult", "read_rows", "white_box"]


@final
@dataclass(frozen=True)
class WhiteBoxResult:
    """What the readings say."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    not_testable: tuple[str, ...]
    shifts: tuple[Shift, ...]
    """All comparisons that were made, corrected for each other."""
    mean_z: Estimate
    """Of the suspect's uniform sample, in standard deviations of the axis's benign talk."""
    clean_runs: tuple[CleanRun, ...]
    doses: tuple[Dose, ...]
    n_read: int
    """Rows of both sides with a reading."""
    n_unread: int
    table: Path
    """Parquet, a line a reading: side, row, family, of_interest, z, projection, log_likelihood, n_tokens, cut, unread,
    partner."""


def white_box(
    rows: Rows,
    model_name: str,
    axis_dir: Path,
    out: Path,
    *,
    control: Rows | None = None,
    of_interest: Iterable[int] = (),
    limit: int = 1000,
    seed: int,
    alpha: float,
    device: str = "auto",
    dtype: str = "auto",
    progress: Report | None = None,
) -> WhiteBoxResult:
    """Read a sample of rows with a model on its assistant axis.

    Args:
        rows: the suspect dataset.
        model_name: the axis's own model, as `holdtrue.models.load` takes it.
        axis_dir: folder of the axis.
        out: folder for the readings; a run that was killed goes on there.
        control: the same prompts answered by someone trusted.
        of_interest: rows of findings, to be compared with the others.
        limit: readings of both sides together; a CPU makes two to eight a second.
        seed: of the draws.
        alpha: for findings, after correction.
        device: for the model.
        dtype: for the weights; best the axis's own.
        progress: told after each row.

    Raises:
        EvidenceError: labelled texts, which have no replies, or an axis without calibration.
        WrongModel: the axis belongs to another model.
        RunError: the folder holds readings of other data, or of another model or axis.
        SettingError: an impossible limit, alpha or row.
    """
    _check(rows, control, alpha)
    axis = load_axis(axis_dir)
    model = load(model_name, device=device, dtype=dtype)
    return read_rows(
        rows, model, axis, out,
        control=control, of_interest=of_interest, limit=limit, seed=seed, alpha=alpha, progress=progress,
    )  # fmt: skip


def read_rows(
    rows: Rows,
    model: ChatModel,
    axis: Axis,
    out: Path,
    *,
    control: Rows | None = None,
    of_interest: Iterable[int] = (),
    limit: int = 1000,
    seed: int,
    alpha: float,
    progress: Report | None = None,
) -> WhiteBoxResult:
    """As `white_box`, with a model and an axis that are loaded already."""
    _check(rows, control, alpha)
    rng = np.random.default_rng(seed)
    chosen = frozenset(of_interest)
    sample = draw(rows, control, chosen, limit, rng)
    reader = RowReader(model, axis)
    plan = ReadingPlan(
        dataset_digest=rows.card.data_digest,
        control_digest=None if control is None else control.card.data_digest,
        model=model.name,
        weights_digest=model.weights_digest,
        axis_digest=axis.card.digest,
        layer=axis.layer,
        dtype=str(model.dtype).removeprefix("torch."),
        prompt_characters=PROMPT_CHARACTERS,
        reply_tokens=REPLY_TOKENS,
    )
    log = open_log(out, plan)
    wanted: list[tuple[Side, Rows, list[int]]] = [("suspect", rows, sorted({*sample.uniform, *sample.interest}))]
    if control is not None:
        wanted.append(("control", control, sorted(sample.control)))
    found = read_all(reader, log, wanted, progress)
    read = ReadSample(rows, control, axis, sample, chosen, found["suspect"], found.get("control", {}))
    compared = compare(read, alpha, rng)
    readings = [*read.suspect.values(), *read.theirs.values()]
    clean = swapped_runs(read, alpha, rng)
    n_unread = sum(reading.projection is None for reading in readings)
    return WhiteBoxResult(
        findings=findings_of(read, compared, alpha),
        notes=notes_of(read, compared, alpha),
        not_testable=not_testable(read),
        shifts=compared.shifts,
        mean_z=compared.mean_z,
        clean_runs=() if clean is None else (clean,),
        doses=() if compared.dose is None else (compared.dose,),
        n_read=len(readings) - n_unread,
        n_unread=n_unread,
        table=write_table(out, read),
    )


def _check(rows: Rows, control: Rows | None, alpha: float) -> None:
    if not 0 < alpha < 1:
        message = f"alpha={alpha!r}: a level is between 0 and 1, such as 0.01"
        raise SettingError(message)
    for side in (rows, control):
        if side is not None and side.card.kind == "label":
            message = (
                f"{side.card.dataset}: labelled texts have no replies for a model to read; leave --model and --axis out"
            )
            raise EvidenceError(message)
        if side is not None and not len(side):
            message = f"{side.card.dataset}: no rows to read; every one was quarantined"
            raise EvidenceError(message)
