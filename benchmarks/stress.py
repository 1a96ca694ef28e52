"""How much faster is a stress run than trials one by one?

    python -m benchmarks.stress [--pairs N]

The same trials, all arms, on the small model in bfloat16: one at a time, and together as a run plays them; interleaved,
trials per minute.
"""

import argparse
import asyncio
import time
from pathlib import Path

from benchmarks.scratch import scratch_folder
from benchmarks.spread import ratio_line
from holdtrue.records import StressDesign
from holdtrue.stress.arms import ARMS
from holdtrue.stress.directions import ArmFloors
from holdtrue.stress.held_model import HeldModel
from holdtrue.stress.plan import plan_trials
from holdtrue.stress.plays import Play
from holdtrue.stress.presets import stress_preset
from holdtrue.stress.run import open_logs, run_stress
from holdtrue.stress.session import SPARE_SLOTS
from holdtrue.stress.target import LocalTarget

GOAL = 5.0


def trials_per_minute(model: HeldModel, floors: ArmFloors, folder: Path, at_once: int, seed: int) -> float:
    preset, arms = stress_preset("smoke"), [arm for arm in ARMS.values() if arm.script is None]
    planned = plan_trials(preset, ("jailbreak", "drift", "distress"), arms, seed)
    design = StressDesign(
        model="smollm2-135m",
        weights_digest="benchmark",
        preset=preset.name,
        seed=seed,
        arms=tuple(arms),
        families=preset.families or 0,
        variants=preset.variants,
        planned=len(planned),
        version="benchmark",
    )
    logs = open_logs(folder, design)
    began = time.perf_counter()
    asyncio.run(run_stress(Play(LocalTarget(model, floors), seed), planned, (), arms, logs, at_once=at_once))
    return 60 * len(planned) / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=3)
    pairs = parser.parse_args().pairs
    from benchmarks.hold import an_axis
    from holdtrue.models import load

    chat = load("smollm2-135m", device="cpu", dtype="bfloat16")
    axis = an_axis(chat)
    floors = ArmFloors(chat, axis, list(ARMS.values()), 0)
    at_once = stress_preset("quick").at_once
    alone, together = [], []
    with scratch_folder() as scratch, HeldModel(chat, axis, max_rows=at_once + SPARE_SLOTS) as model:
        for pair in range(pairs):
            alone.append(trials_per_minute(model, floors, Path(scratch) / f"alone-{pair}", 1, pair))
            together.append(trials_per_minute(model, floors, Path(scratch) / f"together-{pair}", at_once, pair))
    line = ratio_line(f"{at_once} trials together against one by one", alone, together, "trials a minute")
    print(line.replace("ours", "one by one").replace("theirs", "together"))
    middle = sorted(new / old for old, new in zip(alone, together, strict=True))[pairs // 2]
    print(f"  goal {GOAL:g}: {'met' if middle >= GOAL else 'missed'}")


if __name__ == "__main__":
    main()
