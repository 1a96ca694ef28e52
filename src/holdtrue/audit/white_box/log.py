"""Reading the sample, a durable line a row: killed at any time, the same command goes on."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

from holdtrue.audit.rows import Rows
from holdtrue.audit.white_box.reading import COLUMNS, RowReader
from holdtrue.errors import RunError
from holdtrue.progress import Report, Stage
from holdtrue.records import RecordLog, check_writable, read_capped, write_atomic
from holdtrue.records.audit_reading import AuditReading, ReadingPlan

__all__ = ["Readings", "Side", "open_log", "read_all"]

Side = Literal["suspect", "control"]
Readings = dict[int, AuditReading]
"""By row."""

PLAN_FILE: Final = "white_box.json"
LOG_FILE: Final = "white_box.jsonl"
TAKEN: Final = 200
"""Rows fetched at once: their texts are all that reading keeps in memory besides the model."""


def open_log(out: Path, plan: ReadingPlan) -> RecordLog[AuditReading]:
    """The log of a folder, for readings made by this plan.

    Raises:
        RunError: the folder holds another plan's readings, or a damaged log.
        StorageError: it can't be written.
    """
    path = out / PLAN_FILE
    if path.exists():
        there = ReadingPlan.from_json(read_capped(path, "a reading plan"), str(path))
        changed = [name for name in ReadingPlan.model_fields if getattr(there, name) != getattr(plan, name)]
        if changed:
            name = changed[0]
            message = (
                f"{path}: readings of another {name} are here ({getattr(there, name)!r}, now {getattr(plan, name)!r}); "
                "go on with that, or choose another --out"
            )
            raise RunError(message)
    else:
        check_writable(path)
        write_atomic(path, plan.to_json() + "\n")
    return RecordLog(out / LOG_FILE, AuditReading)


def read_all(
    reader: RowReader,
    log: RecordLog[AuditReading],
    wanted: Sequence[tuple[Side, Rows, Sequence[int]]],
    report: Report | None,
) -> dict[Side, Readings]:
    """Read what isn't in the log yet.

    Args:
        reader: the model and its axis.
        log: what is finished; each reading is on the disk before the next begins.
        wanted: side, its dataset and the rows to read.
        report: told after each row.

    Returns:
        The readings asked for, by side and row.
    """
    total = sum(len(rows) for _, _, rows in wanted)
    missing = [(side, data, [row for row in rows if (side, row) not in log.keys]) for side, data, rows in wanted]
    done = total - sum(len(rows) for _, _, rows in missing)
    stage = None if report is None else Stage("rows through the model", report, "rows")
    for side, data, rows in missing:
        for row, fields in _texts(data, rows):
            if stage is not None:
                stage(done, total)
            log.append(reader.read(side, row, fields))
            done += 1
    if stage is not None:
        stage(done, total)
    found: dict[tuple[str, int], AuditReading] = {reading.key: reading for reading in log.records}
    return {side: {row: found[side, row] for row in rows} for side, _, rows in wanted}


def _texts(data: Rows, rows: Sequence[int]) -> Iterator[tuple[int, dict[str, str]]]:
    for at in range(0, len(rows), TAKEN):
        piece = rows[at : at + TAKEN]
        yield from zip(piece, data.take(piece, COLUMNS), strict=True)
