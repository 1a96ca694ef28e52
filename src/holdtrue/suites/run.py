"""A gate's run: controls, eligibility, then the answers that count; every sample on the disk before the next."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, final

from holdtrue.errors import JudgeError
from holdtrue.records import FailureClass, GateItem, GateSample, Prereg, PreregClass, RecordLog
from holdtrue.suites.play import Playing, play
from holdtrue.suites.scripted import ScriptedTarget
from holdtrue.suites.sealing import ORGANISM, Pairs
from holdtrue.suites.subject import Subject
from holdtrue.suites.target import Target

__all__ = ["GateLogs", "Report", "answer", "find_eligible", "open_logs", "play_controls", "play_organism"]

ORGANISM_ITEMS: Final = 12
"""Of each class: whether it fails at all is what it is there for."""

Report = Callable[[int, int], None]
"""Told as samples are finished: how many, and of how many."""


@final
@dataclass(frozen=True)
class GateLogs:
    """The two logs of a run's folder."""

    samples: RecordLog[GateSample]
    controls: RecordLog[GateSample]


def open_logs(folder: Path) -> GateLogs:
    """A run's logs, made with their first lines.

    Raises:
        RunError: a damaged log.
        StorageError: one can't be read.
    """
    return GateLogs(RecordLog(folder / "samples.jsonl", GateSample), RecordLog(folder / "controls.jsonl", GateSample))


async def play_controls(prereg: Prereg, pairs: Pairs, log: RecordLog[GateSample], report: Report) -> None:
    """Play the scripted policies of the pre-registration on every item; they need no model.

    Args:
        prereg: names them.
        pairs: items and twins.
        log: takes what isn't in it yet.
        report: told of progress.
    """
    attempts = {each.failure_class: each.attempt for each in prereg.classes}
    todo = [
        (item, policy)
        for each in pairs.values()
        for item, _ in each
        for policy in prereg.controls
        if policy in item.planted
    ]
    for done, (item, policy) in enumerate(todo, start=1):
        playing = _playing(prereg, "control", policy, attempts[item.failure_class])
        if _key(item, playing) not in log.keys:
            log.append(await play(item, ScriptedTarget(item, policy), playing))
        report(done, len(todo))


async def find_eligible(
    prereg: Prereg, pairs: Pairs, subject: Subject, log: RecordLog[GateSample], rows: int, report: Report
) -> dict[FailureClass, tuple[str, ...]]:
    """Play the twins on the free model; a family is eligible when it passed m of m.

    A twin that failed once isn't played again, and a class ends as soon as too few families are left to reach the
    number that was agreed on.

    Args:
        prereg: says how often, and how many families a class needs.
        pairs: items and twins.
        subject: whose free model is asked.
        log: takes every sample.
        rows: twins played at once.
        report: told of progress.

    Returns:
        Eligible families by class, in their order.
    """
    needed = [each for each in prereg.classes if each.not_applicable is None]
    count = _Count(sum(len(pairs[each.failure_class]) for each in needed), report)
    return {
        each.failure_class: await _passed(prereg, each, pairs[each.failure_class], subject, log, rows, count)
        for each in needed
    }


@final
class _Count:
    """Tells of progress.

    Args:
        total: of the stage.
        report: told of every step.
    """

    def __init__(self, total: int, report: Report) -> None:
        self._done, self._total, self._report = 0, total, report

    def __call__(self, n: int = 1) -> None:
        """So many more are finished."""
        self._done += n
        if n:
            self._report(self._done, self._total)


async def _passed(
    prereg: Prereg,
    promise: PreregClass,
    pairs: Sequence[tuple[GateItem, GateItem]],
    subject: Subject,
    log: RecordLog[GateSample],
    rows: int,
    count: _Count,
) -> tuple[str, ...]:
    """Families of one class whose twin was passed every time."""
    twins = [twin for _, twin in pairs]
    known = {sample.key: sample.outcome == "pass" for sample in log.records}
    passed: dict[str, bool] = {}

    async def fine(twin: GateItem, epoch: int) -> bool:
        playing = replace(_playing(prereg, "eligibility", "free", promise.attempt), epoch=epoch)
        key = _key(twin, playing)
        if key not in known:
            sample = await play(twin, subject.free(twin), playing)
            if sample.status == "error" and not any(each.phase == "eligibility" for each in log.records):
                # Nothing but errors so far is a model that can't be reached, and says nothing about what it can do.
                message = f"{sample.error}; when it does, run the same command again to go on with this attempt"
                raise JudgeError(message)
            log.append(sample)
            known[key] = sample.outcome == "pass"
        return known[key]

    async def one(twin: GateItem) -> None:
        passed[twin.family] = True
        for epoch in range(prereg.epochs):
            if not await fine(twin, epoch):
                passed[twin.family] = False
                break
        count()

    def hopeless() -> bool:
        return len(twins) - sum(not fine for fine in passed.values()) < promise.min_families

    await _worked(twins, one, rows, hopeless)
    count(len(twins) - len(passed))
    return _within_hope(twins, passed, promise.min_families)


def _within_hope(twins: Sequence[GateItem], passed: Mapping[str, bool], needed: int) -> tuple[str, ...]:
    """Families that passed, up to the failure after which too few were left.

    How many were in play at that moment hangs on the clock, and on where a run was killed; this doesn't.
    """
    found, spare = [], len(twins) - needed
    for twin in twins:
        if passed.get(twin.family):
            found.append(twin.family)
        else:
            spare -= 1
        if spare < 0:
            break
    return tuple(found)


async def answer(
    prereg: Prereg,
    pairs: Pairs,
    eligible: dict[FailureClass, tuple[str, ...]],
    subject: Subject,
    log: RecordLog[GateSample],
    rows: int,
    report: Report,
    enough: Callable[[FailureClass], bool],
) -> None:
    """Ask the target every eligible item; where it is held, its twin as well, to see what the hold costs.

    Args:
        prereg: the promise.
        pairs: items and twins.
        eligible: families by class.
        subject: whose target is asked.
        log: takes every sample.
        rows: items played at once.
        report: told of progress.
        enough: asked before every item whether a class may stop early.
    """
    promises = {each.failure_class: each for each in prereg.classes}
    asked = {name: families for name, families in eligible.items() if len(families) >= promises[name].min_families}
    work = {name: _asked(pairs[name], set(families), held=subject.held) for name, families in asked.items()}
    count = _Count(sum(map(len, work.values())), report)
    for name, items in work.items():
        playing = _playing(prereg, "release", "target", promises[name].attempt)
        fresh = [item for item in items if _key(item, playing) not in log.keys]
        count(len(items) - len(fresh))
        await _worked(fresh, partial(_answered, subject.target, playing, log, count), rows, partial(enough, name))


async def play_organism(
    prereg: Prereg,
    pairs: Pairs,
    eligible: dict[FailureClass, tuple[str, ...]],
    subject: Subject,
    log: RecordLog[GateSample],
    rows: int,
    report: Report,
) -> None:
    """Ask the organism the first few eligible items of each class: does the gate see a model that is bent?

    Args:
        prereg: the promise.
        pairs: items and twins.
        eligible: families by class.
        subject: whose organism is asked; nothing happens without one.
        log: takes every sample.
        rows: items played at once.
        report: told of progress.
    """
    if subject.organism is None:
        return
    promises = {each.failure_class: each for each in prereg.classes}
    work = {
        name: [item for item, _ in pairs[name] if item.family in families[:ORGANISM_ITEMS]]
        for name, families in eligible.items()
        if len(families) >= promises[name].min_families
    }
    count = _Count(sum(map(len, work.values())), report)
    for name, items in work.items():
        playing = _playing(prereg, "control", ORGANISM, promises[name].attempt)
        fresh = [item for item in items if _key(item, playing) not in log.keys]
        count(len(items) - len(fresh))
        await _worked(fresh, partial(_answered, subject.organism, playing, log, count), rows, lambda: False)


def _asked(pairs: Sequence[tuple[GateItem, GateItem]], families: set[str], *, held: bool) -> list[GateItem]:
    chosen = [pair for pair in pairs if pair[0].family in families]
    return [each for pair in chosen for each in (pair if held else pair[:1])]


async def _answered(
    target: Callable[[GateItem], Target], playing: Playing, log: RecordLog[GateSample], count: _Count, item: GateItem
) -> None:
    log.append(await play(item, target(item), playing))
    count()


async def _worked(
    items: Sequence[GateItem], one: Callable[[GateItem], Awaitable[None]], rows: int, over: Callable[[], bool]
) -> None:
    """Work through items, so many at once, until there are none left or it is over."""
    queue = iter(items)

    async def worker() -> None:
        for item in queue:
            if over():
                return
            await one(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(rows, len(items))):
                group.create_task(worker())
    except BaseExceptionGroup as errors:
        # The first is what went wrong; a full disk is told in a line, not as a tree of errors.
        raise errors.exceptions[0] from None


def _playing(prereg: Prereg, phase: str, policy: str, attempt: int) -> Playing:
    return Playing(
        phase=phase,  # type: ignore[arg-type]
        policy=policy,
        attempt=attempt,
        seed=prereg.seed,
        timeout_seconds=prereg.timeout_seconds,
        native_tools=prereg.tools == "native",
    )


def _key(item: GateItem, playing: Playing) -> tuple[str, str, str, str, int, bool, int, int]:
    """The key of the sample that playing this item would give."""
    return (
        playing.phase,
        playing.policy,
        item.failure_class,
        item.family,
        item.variant,
        item.twin,
        playing.epoch,
        playing.attempt,
    )
