"""A whole stress run: load, plan, play, compute, write."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, final

from holdtrue.axis import Axis, load_axis
from holdtrue.engines.hf import in_passing_thread
from holdtrue.errors import SettingError
from holdtrue.models import ChatModel, load, quick_dtype
from holdtrue.records import (
    CapabilityTrial,
    RecordLog,
    StressArm,
    StressDesign,
    Trial,
    check_writable,
    read_capped,
    write_atomic,
)
from holdtrue.scenarios import CapabilityItem, capability_items
from holdtrue.stress.arms import arms_named
from holdtrue.stress.crew import Report
from holdtrue.stress.directions import ArmFloors
from holdtrue.stress.held_model import HeldModel
from holdtrue.stress.judged import judge_run, judge_table
from holdtrue.stress.outside import InspectTarget, worded_by
from holdtrue.stress.plan import Planned, plan_trials
from holdtrue.stress.planted import PlantedTarget
from holdtrue.stress.plays import Play
from holdtrue.stress.presets import StressPreset, kinds_named, stress_preset
from holdtrue.stress.results import results
from holdtrue.stress.run import open_logs, run_stress
from holdtrue.stress.target import LocalTarget, Target

__all__ = ["StressOptions", "StressPlan", "StressRun", "finished", "plan_stress", "stress"]

SPARE_SLOTS = 8
"""Besides one per conversation: a probe or a score takes a place of its own."""


@final
@dataclass(frozen=True)
class StressOptions:
    """What to run, and on what."""

    model: str
    """Alias, folder, .gguf file or hub id; without an axis, a model string that Inspect knows."""
    axis: Path | None = None
    arms: str | None = None
    kinds: str | None = None
    families: int | None = None
    preset: str = "quick"
    seed: int = 0
    judge: str | None = None
    """An Inspect model that also says whether answers stay in character."""
    user: str | None = None
    """An Inspect model that puts the scripted users' lines into its own words."""
    device: str = "auto"
    dtype: str = "auto"
    template: Path | None = None
    layers: str | None = None

    @property
    def outside(self) -> bool:
        """Whether the model is somebody else's, behind Inspect: its name is provider/model, and there is no axis."""
        return self.axis is None and "/" in self.model


@final
@dataclass(frozen=True)
class StressPlan:
    """What a run will do, before a model is loaded."""

    preset: StressPreset
    arms: tuple[StressArm, ...]
    kinds: tuple[str, ...]
    trials: tuple[Planned, ...]
    items: tuple[CapabilityItem, ...]


@final
@dataclass(frozen=True)
class StressRun:
    """A run as it lies in its folder."""

    design: StressDesign
    trials: tuple[Trial, ...]
    items: tuple[CapabilityTrial, ...]
    results: dict[str, Any]


def plan_stress(options: StressOptions) -> StressPlan:
    """Lay a run out.

    Raises:
        SettingError: an arm, kind or preset that isn't known, or more families than there are.
    """
    preset = stress_preset(options.preset)
    if options.families is not None:
        preset = replace(preset, families=options.families)
    arms, kinds = arms_named(options.arms, weights=not options.outside), kinds_named(options.kinds)
    trials = plan_trials(preset, kinds, arms, options.seed)
    return StressPlan(preset, arms, kinds, tuple(trials), tuple(capability_items(preset.items, seed=options.seed)))


def stress(options: StressOptions, out: Path, report: Report = lambda progress: None) -> StressRun:
    """Run a comparison, or go on with one that was interrupted, and write its results.

    Args:
        options: what to run.
        out: the run's folder: `run.json`, `trials.jsonl`, `capability.jsonl`, `results.json`.
        report: told after every trial, and after every judgement.

    Returns:
        The finished run.

    Raises:
        HoldtrueError: the model, the axis or the options don't fit; the folder holds another run or can't be written.
    """
    plan = plan_stress(options)
    check_writable(out / "results.json")
    with _target(options, plan) as (target, name, weights_digest, axis, dtype):
        design = StressDesign(
            model=name,
            weights_digest=weights_digest,
            axis_digest=None if axis is None else axis.card.digest,
            dtype=dtype,
            preset=plan.preset.name,
            seed=options.seed,
            arms=plan.arms,
            kinds=tuple(dict.fromkeys(each.kind for each in plan.trials)),
            families=plan.preset.families or 0,
            variants=plan.preset.variants,
            planned=len(plan.trials),
            planned_items=len(plan.items) * len(_answering(plan.arms)),
            version=version("holdtrue"),
        )
        logs = open_logs(out, design)
        wording = None if options.user is None else worded_by(options.user)
        play = Play(PlantedTarget(target), options.seed, wording)
        asyncio.run(
            run_stress(
                play, plan.trials, plan.items, _answering(plan.arms), logs, at_once=plan.preset.at_once, report=report
            )
        )
    if options.judge is not None:
        judge_run(out, options.judge, report)
    return finished(out)


def finished(out: Path) -> StressRun:
    """Compute a run's results from its logs and write them, whether or not it is complete; no model is needed.

    Raises:
        ArtifactError, RunError: the folder holds no stress run, or a damaged one.
        StorageError: the results can't be written.
    """
    design = StressDesign.from_json(read_capped(out / "run.json", "a stress run"), str(out / "run.json"))
    trials = tuple(RecordLog(out / "trials.jsonl", Trial).records)
    items = tuple(RecordLog(out / "capability.jsonl", CapabilityTrial).records)
    found = results(trials, items, design)
    found["judge"] = judge_table(out, [arm.name for arm in design.arms])
    write_atomic(out / "results.json", json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    return StressRun(design, trials, items, found)


def _answering(arms: Sequence[StressArm]) -> tuple[StressArm, ...]:
    """The arms whose capability is measured: a script has none."""
    return tuple(arm for arm in arms if arm.script is None)


_Targeted = tuple[Target, str, str, Axis | None, str | None]


@contextmanager
def _target(options: StressOptions, plan: StressPlan) -> Iterator[_Targeted]:
    if options.outside:
        yield InspectTarget(options.model), options.model, f"outside:{options.model}", None, None
        return
    if options.axis is None:
        message = (
            f"{options.model}: a model in this process needs --axis DIR (make one with `holdtrue axis fit`); "
            "without one, give a model string that Inspect knows, such as openai/gpt-4o-mini"
        )
        raise SettingError(message)
    chat, axis, floors = in_passing_thread(partial(_loaded, options, options.axis, plan.arms))
    with HeldModel(chat, axis, max_rows=plan.preset.at_once + SPARE_SLOTS) as model:
        dtype = str(chat.dtype).removeprefix("torch.")
        yield LocalTarget(model, floors), chat.name, chat.weights_digest, axis, dtype


def _loaded(options: StressOptions, folder: Path, arms: Sequence[StressArm]) -> tuple[ChatModel, Axis, ArmFloors]:
    axis = load_axis(folder)
    dtype = quick_dtype(options.device, options.dtype)
    chat = load(options.model, device=options.device, dtype=dtype, template=options.template, layers=options.layers)
    return chat, axis, ArmFloors(chat, axis, arms, options.seed)
