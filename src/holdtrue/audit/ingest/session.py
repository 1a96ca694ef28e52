"""A whole ingest: find, recognise, read in blocks, group, finish; killed at any time, it goes on where it was."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from holdtrue.audit.ingest.bad_rows import BadRow
from holdtrue.audit.ingest.block_log import BlockLog
from holdtrue.audit.ingest.finish import finish
from holdtrue.audit.ingest.lines import survey
from holdtrue.audit.ingest.options import IngestOptions
from holdtrue.audit.ingest.parsing import parse_row
from holdtrue.audit.ingest.readers import read
from holdtrue.audit.ingest.reading import Plan, read_all
from holdtrue.audit.ingest.shapes import Shape, recognise
from holdtrue.audit.ingest.sources import Source, find_sources
from holdtrue.audit.rows import Rows
from holdtrue.errors import EvidenceError, SettingError
from holdtrue.progress import Progress, Report
from holdtrue.records import check_writable, storage_error

__all__ = ["ingest"]

SAMPLE: Final = 1000
"""Rows from which a dataset's shape is told."""


def ingest(
    dataset: str,
    out: Path,
    options: IngestOptions | None = None,
    report: Report = lambda progress: None,
) -> Rows:
    """Read a dataset into a folder of numbered rows.

    Every row ends up in a part, or in `quarantine.jsonl` with its file, line and reason. What is finished is on the
    disk: after a kill the same call goes on, and the result is the same as of one that wasn't killed.

    Args:
        dataset: a file, a folder, or a Hub dataset as `owner/name`.
        out: the folder for the rows; made if needed.
        options: how to read it.
        report: told of progress, in MB of the dataset.

    Returns:
        The rows, by number.

    Raises:
        ArtifactError: there is no such dataset.
        SettingError: its columns can't be told, or are named wrongly.
        EvidenceError: no row of it is good.
        RunError: the folder holds another dataset, or one read with other options.
        StorageError: the disk is full, read-only or gone.
    """
    options = options or IngestOptions()
    check_writable(out / "rows.json")
    plan = _survey(dataset, options)
    for note in plan.notes:
        report(Progress(0, 1, "", 0.0, note))
    try:
        with BlockLog(out, plan.digest, options) as log:
            if log.finished:
                shutil.rmtree(log.scratch, ignore_errors=True)
                return Rows(out)
            log.scratch.mkdir(exist_ok=True)
            shape = _recognise(dataset, plan.sources, options)
            read_all(plan, shape, options, log, report)
            if not any(block.rows for block in log.blocks):
                first = next((block.first_reason for block in log.blocks if block.first_reason), "")
                _refuse(dataset, sum(block.quarantined for block in log.blocks), first)
            report(Progress(0, 1, "", 0.0, f"grouping {sum(b.rows for b in log.blocks):,} rows into families"))
            finish(dataset, out, options, shape, log, plan.digest, plan.notes)
    except OSError as error:
        raise storage_error(out, error) from None
    return Rows(out)


def _survey(dataset: str, options: IngestOptions) -> Plan:
    sources, notes = find_sources(dataset)
    digest = hashlib.sha256()
    cuts = []
    for source in sources:
        found, cut = survey(source, options.block_bytes)
        digest.update(f"{len(source.name)}:{source.name}".encode() + found)
        cuts.append(cut)
    return Plan(sources, cuts, digest.hexdigest(), tuple(notes))


def _recognise(dataset: str, sources: Sequence[Source], options: IngestOptions) -> Shape:
    sample: list[dict[str, Any]] = []
    bad = 0
    first = ""
    for source, raw in ((each, raw) for each in sources for raw in read(each)):
        try:
            sample.append(parse_row(raw))
        except BadRow as reason:
            bad += 1
            first = first or f"{source.name} line {raw.line}: {reason}"
        if len(sample) == SAMPLE:
            break
    if not sample:
        _refuse(dataset, bad, first)
    try:
        return recognise(sample, options)
    except SettingError as error:  # of an audit's two datasets, which one?
        message = f"{dataset}: {error}"
        raise SettingError(message) from None


def _refuse(dataset: str, bad: int, first: str) -> NoReturn:
    found = f"none of {bad:,} rows is good; the first: {first}" if bad else "no rows in it"
    message = f"{dataset}: {found}; look at the file, or name its kind and columns"
    raise EvidenceError(message)
