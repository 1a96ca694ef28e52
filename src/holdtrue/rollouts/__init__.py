"""Rollouts: the crossed design, drawn durably, with activation means taken while generating."""

from holdtrue.rollouts.adherence import Adherence, Drawn, NoCheck, Pmi
from holdtrue.rollouts.benign import TALK_TURNS, Talk, benign_talks
from holdtrue.rollouts.folder import RunFolder, RunRecord
from holdtrue.rollouts.log import RolloutLog
from holdtrue.rollouts.means import MeanStore
from holdtrue.rollouts.plan import Batch, Cell, Plan, build_plan, derive_seed
from holdtrue.rollouts.presets import PRESETS, Preset, preset, resized
from holdtrue.rollouts.rollouts import Rollouts
from holdtrue.rollouts.run import Progress, RunResult, run_plan

__all__ = [
    "PRESETS",
    "TALK_TURNS",
    "Adherence",
    "Batch",
    "Cell",
    "Drawn",
    "MeanStore",
    "NoCheck",
    "Plan",
    "Pmi",
    "Preset",
    "Progress",
    "RolloutLog",
    "Rollouts",
    "RunFolder",
    "RunRecord",
    "RunResult",
    "Talk",
    "benign_talks",
    "build_plan",
    "derive_seed",
    "preset",
    "resized",
    "run_plan",
]
