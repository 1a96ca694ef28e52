"""Run what was planned: trials of all arms at once, each on the disk as it ends, and go on where a run was killed."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import final

from holdtrue.errors import RunError
from holdtrue.hold import shape
from holdtrue.models import Message
from holdtrue.records import CapabilityTrial, RecordLog, StressArm, StressDesign, Trial, read_capped, write_atomic
from holdtrue.rollouts import derive_seed
from holdtrue.scenarios import CapabilityItem, correct
from holdtrue.stress.crew import Job, Report, work_through
from holdtrue.stress.plan import Planned
from holdtrue.stress.plays import Play
from holdtrue.stress.target import Target

__all__ = ["StressLogs", "open_logs", "run_stress"]

CAPABILITY_TOKENS = 24


@final
@dataclass(frozen=True)
class StressLogs:
    """A run's two logs."""

    trials: RecordLog[Trial]
    items: RecordLog[CapabilityTrial]


def open_logs(folder: Path, design: StressDesign) -> StressLogs:
    """Begin a run's folder, or take one up again.

    Raises:
        RunError: the folder holds another run, or a damaged one.
        StorageError: it can't be written.
    """
    place = folder / "run.json"
    if place.exists():
        found = StressDesign.from_json(read_capped(place, "a stress run"), str(place))
        differs = [name for name in StressDesign.model_fields if getattr(found, name) != getattr(design, name)]
        if differs:
            was, now = getattr(found, differs[0]), getattr(design, differs[0])
            message = (
                f"{folder} holds another run: its {differs[0]} is {str(was)[:80]}, now {str(now)[:80]}; "
                "give the same options to go on with it, or another --out"
            )
            raise RunError(message)
    else:
        write_atomic(place, design.to_json() + "\n")
    return StressLogs(
        RecordLog(folder / "trials.jsonl", Trial), RecordLog(folder / "capability.jsonl", CapabilityTrial)
    )


async def run_stress(
    play: Play,
    planned: Sequence[Planned],
    items: Sequence[CapabilityItem],
    arms: Sequence[StressArm],
    logs: StressLogs,
    *,
    at_once: int = 16,
    report: Report = lambda progress: None,
) -> None:
    """Play every trial and answer every item that isn't in the logs yet.

    A trial that can't be played is logged as failed, with its error.

    Args:
        play: who is tried.
        planned: from `plan_trials`.
        items: capability items, answered under every arm.
        arms: of the run.
        logs: what is finished already, and where the rest goes.
        at_once: trials under way together.
        report: told after every trial.

    Raises:
        StorageError: a finished trial couldn't be kept.
    """
    waiting: list[Job] = [partial(_play, play, each, logs) for each in planned if each.key not in logs.trials.keys]
    waiting += [
        partial(_answer, play.target, item, arm, logs)
        for item in items
        for arm in arms
        if (arm.name, item.id) not in logs.items.keys
    ]
    total = len(planned) + len(items) * len(arms)
    await work_through(waiting, total, total - len(waiting), at_once=at_once, report=report)


async def _play(play: Play, planned: Planned, logs: StressLogs) -> None:
    try:
        trial = await planned.run(play)
    except RunError as error:
        trial = Trial(
            arm=planned.arm.name,
            kind=planned.kind,
            family=planned.family,
            variant=planned.variant,
            seed=play.seed(planned.kind, planned.family, planned.variant),
            failed=True,
            reasons=("error",),
            error=str(error),
        )
    logs.trials.append(trial)


async def _answer(target: Target, item: CapabilityItem, arm: StressArm, logs: StressLogs) -> None:
    """Answer an item as if a reminder were due, so that its cost is seen."""
    began = time.perf_counter()
    messages: list[Message] = [{"role": "user", "content": item.prompt}]
    context = arm.hold.context
    shaped = shape(
        messages,
        context,
        turn=context.remind_every or 1,
        drifting=True,
        alarmed_turns=0,
        count_tokens=target.count_tokens,
    )
    answer = await target.answer(
        shaped.messages,
        arm,
        drifting=True,
        seed=derive_seed(0, item.id),
        max_tokens=CAPABILITY_TOKENS,
        temperature=0.0,
    )
    trial = CapabilityTrial(
        arm=arm.name,
        family=item.family,
        item=item.id,
        prompt=item.prompt,
        answer=answer.text,
        correct=correct(item, answer.text),
        tokens_in=answer.tokens_in,
        tokens_out=answer.tokens_out,
        seconds=time.perf_counter() - began,
    )
    logs.items.append(trial)
