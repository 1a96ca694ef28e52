"""How soon could sampling have stopped? One full run, the axis after each round against the last one.

    python -m benchmarks.adaptive [--dtype float32|bfloat16] [--out DIR]

Resumes after an interruption. The `full` preset is long: about an hour on 2 cores in bfloat16.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from holdtrue.axis import assess, fit_axis, reliability
from holdtrue.engines.hf import HFEngine
from holdtrue.mapping.fit import encoder
from holdtrue.models import load
from holdtrue.personas import load_personas
from holdtrue.rollouts import Pmi, Progress, build_plan, derive_seed, preset, run_plan

QUARTER, TARGET_COSINE = 0.25, 0.98


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--out", type=Path, default=Path("runs/bench-adaptive"))
    parser.add_argument("--questions", type=int, default=preset("full").n_questions)
    options = parser.parse_args()
    model = load("smollm2-135m", dtype=options.dtype)
    engine = HFEngine(model)
    size = replace(preset("full"), n_questions=options.questions)
    personas = load_personas()
    personas = personas.subset(len(personas.roles), options.questions, 0)
    plan = build_plan(personas, size, encoder(model), 0)
    check = Pmi(engine, plan.default_prompts)

    whole = replace(size, target_reliability=None)
    layers = sorted({round(i) for i in np.linspace(model.n_layers / 4, model.n_layers - 1, 12)})

    def report(progress: Progress) -> None:
        if progress.tokens_per_second:
            print(
                f"\r{progress.done}/{progress.total} {progress.seconds_left / 60:.0f} min left", end="", file=sys.stderr
            )

    steps: list[tuple[int, torch.Tensor, float]] = []
    for n_rounds in range(1, len(plan.rounds) + 1):
        part = replace(plan, rounds=plan.rounds[:n_rounds])
        # Later rounds join the same sums, so what this round leaves is put aside before the next one begins.
        aside = options.out / f"round-{n_rounds}.safetensors"
        if aside.exists() and n_rounds < len(plan.rounds):
            kept = load_file(aside)
            steps.append((part.n_rollouts, kept["axis"], float(kept["bound"])))
            continue
        result = run_plan(engine, part, whole, check, options.out, seed=0, report=report)
        found = reliability(result.cells, layers, np.random.default_rng(derive_seed(0, "stopping")))
        bound = max(one.ci[0] for one in found)
        steps.append((part.n_rollouts, fit_axis(result.cells).axis, bound))
        save_file({"axis": steps[-1][1], "bound": torch.tensor(bound)}, aside)
    last = assess(result.cells, np.random.default_rng(0))
    read = last.advice.layer
    print(
        f"\nfull preset: {steps[-1][0]} rollouts ({options.dtype}), read layer {read}, target {size.target_reliability}"
    )
    stopped = None
    for n, axis, bound in steps:
        cosine = float(torch.cosine_similarity(axis[read], steps[-1][1][read], dim=0))
        stops = stopped is None and size.target_reliability is not None and bound >= size.target_reliability
        if stops:
            stopped = (n, cosine)
        mark = " <- adaptive stopping ends here" if stops else ""
        print(
            f"{n:6d} rollouts ({n / steps[-1][0]:4.0%}): cosine {cosine:.4f}, split-half lower bound {bound:.3f}{mark}"
        )
    if stopped is None:
        print("adaptive stopping never ends this run early: the target is not reached")
        return
    share = stopped[0] / steps[-1][0]
    met = stopped[1] >= TARGET_COSINE and share <= QUARTER
    print(
        f"stopped at {share:.0%} of the rollouts with cosine {stopped[1]:.4f}: {'meets' if met else 'misses'} "
        f"the goal of {TARGET_COSINE} from {QUARTER:.0%}"
    )


if __name__ == "__main__":
    main()
