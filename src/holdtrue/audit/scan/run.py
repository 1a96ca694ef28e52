"""Stage 1: a cheap look at every row."""

import hashlib
import json
from pathlib import Path
from typing import Final

from holdtrue.audit.maps.base import Maps
from holdtrue.audit.rows import Rows
from holdtrue.audit.scan.features import FEATURES
from holdtrue.audit.scan.habits import learn_habits
from holdtrue.audit.scan.part import COLUMNS, PartScan
from holdtrue.audit.scan.peculiar import OUTCOMES
from holdtrue.audit.scan.report import ScanReport
from holdtrue.audit.scan.totals import Totals
from holdtrue.progress import Report, Stage
from holdtrue.records import check_writable, write_atomic

__all__ = ["scan"]

VERSION: Final = 3
"""Of the features: raised when their meaning changes, so that older files are made again."""


def scan(rows: Rows, maps: Maps, out: Path, progress: Report = lambda progress: None) -> ScanReport:
    """Look at every row once: features of its reply, hidden text, templates, slices.

    Writes `features-NNNNN.parquet` for each part and `scan.json` when all are there. A part whose file is there, whole
    and made from the same dataset isn't scanned again.

    Args:
        rows: the dataset.
        maps: what it runs on.
        out: the folder for the files.
        progress: told after every part.

    Returns:
        What was found, as in `scan.json`.

    Raises:
        StorageError: the folder can't be written.
    """
    check_writable(out / "scan.json")
    reply = "prompt" if rows.card.kind == "label" else "response"
    habits = learn_habits(rows, reply)
    asked_for = [(outcome.name, outcome.asked_for) for outcome in OUTCOMES]
    made_from = json.dumps([VERSION, rows.card.to_json(), habits.digest, list(FEATURES), asked_for])
    work = PartScan(out, reply, habits, hashlib.sha256(made_from.encode()).hexdigest())
    total = Totals()
    stage = Stage("scan", progress, "rows")
    stage(0, len(rows))
    for counts in maps.over(work, rows, COLUMNS):
        total.add(counts)
        stage(total.rows, len(rows))
    report = total.report()
    write_atomic(out / "scan.json", report.to_json())
    return report
