"""A whole ingest: find, recognise, read in blocks, group, finish; killed at any time, it goes on where it was."""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NoReturn, final

from holdtrue.audit.ingest.bad_rows import BadRow
from holdtrue.audit.ingest.block import Block, Job, do_block
from holdtrue.audit.ingest.block_log import BlockLog
from holdtrue.audit.ingest.finish import finish
from holdtrue.audit.ingest.lines import Cut, survey
from holdtrue.audit.ingest.options import IngestOptions
from holdtrue.audit.ingest.parsing import Raw, parse_row
from holdtrue.audit.ingest.readers import read
from holdtrue.audit.ingest.shapes import Shape, recognise
from holdtrue.audit.ingest.signatures import bands
from holdtrue.audit.ingest.sources import Source, find_sources
from holdtrue.audit.rows import Rows
from holdtrue.audit.worker import begin_worker
from holdtrue.errors import EvidenceError, SettingError, StorageError
from holdtrue.progress import Progress, Report, Stage
from holdtrue.records import check_writable, storage_error

__all__ = ["ingest"]

SAMPLE: Final = 1000
"""Rows from which a dataset's shape is told."""
_INLINE: Final = 4 * 2**20
"""Bytes for which starting processes would take longer than the work."""


@final
@dataclass(frozen=True)
class _Plan:
    """What a dataset is, and where it is cut."""

    sources: Sequence[Source]
    cuts: Sequence[tuple[Cut, ...]]
    digest: str
    notes: tuple[str, ...]

    @property
    def size(self) -> int:
        return sum(source.size for source in self.sources)


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
            _read_all(plan, shape, options, log, report)
            if not any(block.rows for block in log.blocks):
                first = next((block.first_reason for block in log.blocks if block.first_reason), "")
                _refuse(dataset, sum(block.quarantined for block in log.blocks), first)
            report(Progress(0, 1, "", 0.0, f"grouping {sum(b.rows for b in log.blocks):,} rows into families"))
            finish(dataset, out, options, shape, log, plan.digest, plan.notes)
    except OSError as error:
        raise storage_error(out, error) from None
    return Rows(out)


def _survey(dataset: str, options: IngestOptions) -> _Plan:
    sources, notes = find_sources(dataset)
    digest = hashlib.sha256()
    cuts = []
    for source in sources:
        found, cut = survey(source, options.block_bytes)
        digest.update(f"{len(source.name)}:{source.name}".encode() + found)
        cuts.append(cut)
    return _Plan(sources, cuts, digest.hexdigest(), tuple(notes))


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


def _read_all(plan: _Plan, shape: Shape, options: IngestOptions, log: BlockLog, report: Report) -> None:
    known = {block.block for block in log.blocks}
    stage = Stage("reading", report, "MB")
    total = max(1, -(-plan.size // 10**6))

    def tick() -> None:
        stage(min(total - 1, sum(block.weight for block in log.blocks) // 10**6), total)

    tick()
    jobs = (job for job in _jobs(plan, shape, options, log.scratch) if job.block not in known)
    if options.processes == 1 or plan.size < _INLINE:
        for job in jobs:
            log.append(do_block(job))
            tick()
    else:
        _read_parallel(jobs, options, log, tick)
    stage(total, total)


def _read_parallel(jobs: Iterator[Job], options: IngestOptions, log: BlockLog, tick: Callable[[], None]) -> None:
    with ProcessPoolExecutor(options.processes, get_context("spawn"), begin_worker) as pool:
        waiting: set[Future[Block]] = set()
        try:
            for job in jobs:
                waiting.add(pool.submit(do_block, job))
                if len(waiting) > options.processes:
                    waiting = _take(waiting, log)
                    tick()
            while waiting:
                waiting = _take(waiting, log)
                tick()
        except BrokenProcessPool:
            message = (
                f"{log.folder}: a reading process was ended from outside, for want of memory perhaps; what is finished "
                "is safe: run the same command again, with fewer processes if it happens again"
            )
            raise StorageError(message) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _take(waiting: set[Future[Block]], log: BlockLog) -> set[Future[Block]]:
    done, rest = wait(waiting, return_when=FIRST_COMPLETED)
    for each in done:
        log.append(each.result())
    return rest


def _jobs(plan: _Plan, shape: Shape, options: IngestOptions, scratch: Path) -> Iterator[Job]:
    shared = (shape, options.seed, bands(options.similarity), scratch)
    number = 0
    for source, cuts in zip(plan.sources, plan.cuts, strict=True):
        if source.blockwise:
            for cut in cuts:
                yield Job(number, source.name, source.path, cut, (), *shared, cut.end - cut.start)
                number += 1
            continue
        for rows in _gathered(read(source), options.block_bytes):
            yield Job(number, source.name, source.path, None, rows, *shared, sum(len(raw.data) for raw in rows))
            number += 1


def _gathered(raws: Iterator[Raw], block_bytes: int) -> Iterator[tuple[Raw, ...]]:
    rows: list[Raw] = []
    size = 0
    for raw in raws:
        rows.append(raw)
        size += len(raw.data) + 64
        if size >= block_bytes:
            yield tuple(rows)
            rows, size = [], 0
    if rows:
        yield tuple(rows)


def _refuse(dataset: str, bad: int, first: str) -> NoReturn:
    found = f"none of {bad:,} rows is good; the first: {first}" if bad else "no rows in it"
    message = f"{dataset}: {found}; look at the file, or name its kind and columns"
    raise EvidenceError(message)
