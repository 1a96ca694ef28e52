"""What does capturing while generating cost, and what does it save?

    python -m benchmarks.capture [--pairs N] [--batch N] [--tokens N]

1. Capture against plain `generate` of the same batch, same sampler: the cost of the means.
2. Against the field's usual way (generate, then a second full forward that keeps every block's activations): time end
   to end, extra peak memory, and what lies on the disk. Each side runs in a process of its own, in turn.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import GenerationConfig, LogitsProcessorList

from benchmarks.scratch import scratch_folder
from benchmarks.spread import ratio_line
from holdtrue.engines import GenerateRequest
from holdtrue.engines.hf import HFEngine, LayerHooks
from holdtrue.engines.hf.sampling import SeededSampler
from holdtrue.mapping.fit import encoder
from holdtrue.models import load
from holdtrue.personas import load_personas
from holdtrue.rollouts import NoCheck, Plan, build_plan, preset, run_plan


def a_plan(batch: int, n_rollouts: int) -> tuple[HFEngine, Plan, object]:
    """A crossed design of about `n_rollouts` over the bundled model."""
    engine = HFEngine(load("smollm2-135m", device="cpu", dtype="float32"))
    size = replace(preset("quick"), batch_size=batch, max_new_tokens=40)
    personas = load_personas().subset(max(2, n_rollouts // 4 - 6), 4, 0)
    return engine, build_plan(personas, size, encoder(engine.chat), 0), size


def plain_generate(engine: HFEngine, requests: list[GenerateRequest]) -> list[list[int]]:
    """`generate` and nothing else, with the sampler that the engine uses."""
    chat, steps = engine.chat, requests[0].max_new_tokens
    ids, mask = engine._left_padded([request.prompt_token_ids for request in requests])
    out = chat.model.generate(
        input_ids=ids,
        attention_mask=mask,
        generation_config=GenerationConfig(
            max_new_tokens=steps,
            do_sample=False,
            eos_token_id=sorted(chat.eos_token_ids),
            pad_token_id=chat.pad_token_id,
        ),
        logits_processor=LogitsProcessorList([SeededSampler(requests, steps)]),
    )
    rows = out[:, ids.shape[1] :].tolist()
    return [[t for t in row if t not in chat.eos_token_ids] for row in rows]


def capture_cost(pairs: int, batch: int, tokens: int) -> None:
    """Interleaved, one process, the same batch on both sides."""
    engine, plan, _ = a_plan(batch, 4 * batch)
    cells = plan.rounds[0][len(plan.rounds[0]) // 2].cells
    requests = [GenerateRequest(cell.prompt_token_ids, tokens, cell.seed, 0.7) for cell in cells]
    ours: list[float] = []
    plain: list[float] = []
    engine.generate(requests, capture=True)
    for _ in range(pairs):
        for side, run in (
            (plain, lambda: plain_generate(engine, requests)),
            (ours, lambda: engine.generate(requests, capture=True)),
        ):
            began = time.perf_counter()
            run()
            side.append(time.perf_counter() - began)
    print(
        ratio_line(
            f"capture while generating, batch {len(requests)}, {tokens} tokens, against plain generate", plain, ours
        )
        .replace("ours", "plain")
        .replace("theirs", "captured")
    )


def ours(folder: Path, batch: int, n_rollouts: int) -> None:
    """Means taken while generating, kept as the run keeps them."""
    engine, plan, size = a_plan(batch, n_rollouts)
    measured = _Measured(folder)
    result = run_plan(engine, plan, size, NoCheck(), folder / "run", seed=0, report=lambda p: None)
    torch.save(result.cells.row_means(), folder / "run" / "row-means.pt")
    peak_disk = _bytes(folder)
    result.clear()
    measured.report(peak_disk)


def usual(folder: Path, batch: int, n_rollouts: int) -> None:
    """Generate; then a second pass that keeps every block's activations, and files them."""
    engine, plan, size = a_plan(batch, n_rollouts)
    measured = _Measured(folder)
    for batch_ in (b for round_ in plan.rounds for b in round_):
        requests = [
            GenerateRequest(c.prompt_token_ids, size.max_new_tokens, c.seed, size.temperature) for c in batch_.cells
        ]
        texts = [list(r.prompt_token_ids) + t for r, t in zip(requests, plain_generate(engine, requests), strict=True)]
        ids, mask = engine._left_padded(texts)
        kept = _activations(engine, ids, mask)
        save_file(kept, folder / f"activations-{batch_.index}.safetensors")
    measured.report(_bytes(folder))


def _activations(engine: HFEngine, ids: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
    kept: dict[str, torch.Tensor] = {}

    def keep(layer: int, stream: torch.Tensor) -> None:
        kept[str(layer)] = stream.clone()

    with torch.inference_mode(), LayerHooks(engine.chat.layers, keep):
        engine.chat.model.base_model(input_ids=ids, attention_mask=mask, use_cache=False)
    return kept


def generate_only(folder: Path, batch: int, n_rollouts: int) -> None:
    """The floor of memory that both sides stand on: the same responses, and nothing captured."""
    engine, plan, size = a_plan(batch, n_rollouts)
    measured = _Measured(folder)
    for batch_ in (b for round_ in plan.rounds for b in round_):
        plain_generate(
            engine,
            [GenerateRequest(c.prompt_token_ids, size.max_new_tokens, c.seed, size.temperature) for c in batch_.cells],
        )
    measured.report(0)


class _Measured:
    """Wall-clock seconds and peak resident memory of one side, from the loaded model on."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        self._began = time.perf_counter()

    def report(self, peak_disk: int) -> None:
        seconds = time.perf_counter() - self._began
        status = Path("/proc/self/status").read_text()
        peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024
        print(json.dumps({"seconds": seconds, "peak": peak, "peak_disk": peak_disk, "disk": _bytes(self._folder)}))


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


SIDES = {"ours": ours, "usual": usual, "generate": generate_only}


def against_the_usual_way(pairs: int, batch: int, n_rollouts: int) -> None:
    """Whole processes, one side after the other."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in SIDES}
    for _ in range(pairs):
        for name in SIDES:
            with scratch_folder() as folder:
                words = [sys.executable, "-m", "benchmarks.capture", "--side", name, "--folder", folder]
                words += ["--batch", str(batch), "--rollouts", str(n_rollouts)]
                done = subprocess.run(words, capture_output=True, text=True, check=True)
                found[name].append(json.loads(done.stdout.splitlines()[-1]))
    time_of = {name: [one["seconds"] for one in runs] for name, runs in found.items()}
    print(ratio_line("map from texts, against generate + second forward", time_of["ours"], time_of["usual"]))
    floor = min(one["peak"] for one in found["generate"])
    extra = {name: [max((one["peak"] - floor) / 2**20, 1.0) for one in found[name]] for name in ("ours", "usual")}
    print(ratio_line("extra peak memory over generation alone", extra["ours"], extra["usual"], "MiB"))
    for key, words in (("disk", "disk afterwards"), ("peak_disk", "disk at its fullest")):
        sizes = {name: [one[key] / 2**20 for one in found[name]] for name in ("ours", "usual")}
        print(ratio_line(words, sizes["ours"], sizes["usual"], "MiB"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--rollouts", type=int, default=128)
    parser.add_argument("--side", choices=SIDES)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.side:
        SIDES[options.side](options.folder, options.batch, options.rollouts)
        return
    capture_cost(options.pairs, options.batch, options.tokens)
    against_the_usual_way(max(3, options.pairs // 2), options.batch, options.rollouts)


if __name__ == "__main__":
    main()
