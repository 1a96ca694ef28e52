"""What does holding cost?

    python -m benchmarks.hold [--steps N]

1. Monitor and cap on the recommended band against the same engine without them, step by step in turn, batch 1 and 16.
2. The cap's call against the naive one (two einsums and a sum), on the shapes of a decoding step and of a prompt.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from benchmarks.spread import ratio_line
from holdtrue.axis import Axis, bare_card, calibrate, unit
from holdtrue.engines import GenerateRequest
from holdtrue.engines.hf import Batcher, FedToken, HFEngine
from holdtrue.engines.hf.decode_cap import HostCap
from holdtrue.hold import PRESETS, Floors, cap_, floors_for
from holdtrue.models import ChatModel, load

BLOCK = 24
"""Steps whose median is one figure."""


def an_axis(chat: ChatModel) -> Axis:
    """A calibrated axis of random directions: floors cost the same whatever they mean."""
    vectors = torch.randn(chat.n_layers, chat.d_model, generator=torch.Generator().manual_seed(0))
    text = "The moon pulls the sea a little, and the sea follows it round the earth twice a day. " * 12
    ids = chat.template.encode([{"role": "user", "content": "Tides?"}, {"role": "assistant", "content": text}])
    found = HFEngine(chat).project(ids, unit(vectors)).numpy()
    n = chat.n_layers
    card = bare_card(
        model=chat.name,
        weights_digest=chat.weights_digest,
        config_digest=chat.config_digest,
        template_digest=chat.template.digest,
        dtype="float32",
        norms=[1.0] * n,
        d_model=chat.d_model,
        origin="made for a benchmark",
        layer=(2 * n) // 3,
        band=(n // 3, n - 4),
        reason="a benchmark",
    )
    talk = [found[:, at : at + 24] for at in range(40, 184, 24)]
    return Axis(vectors, None, None, card.model_copy(update={"calibration": calibrate(talk)}))


class NoHooks:
    """Stands where the hooks stand, and does nothing."""

    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...
    def rows(self, floors: Sequence[Floors | None]) -> None:
        self._n = len(floors)

    def prompt(self, held: Tensor) -> AbstractContextManager[None]:
        return nullcontext()

    def decode(self) -> AbstractContextManager[None]:
        return nullcontext()

    def fed(self) -> list[FedToken]:
        return [FedToken(0.0, 0.0, 0.0)] * self._n


def steps_in_turn(chat: ChatModel, axis: Axis, preset: str, batch: int, steps: int) -> tuple[list[float], list[float]]:
    """Medians of blocks of steps, held and plain, one step of each in turn."""
    floors = floors_for(PRESETS[preset], axis)
    prompt = tuple(chat.template.encode([{"role": "user", "content": "Tell me a story."}], add_generation_prompt=True))
    sides: dict[str, list[float]] = {"held": [], "plain": []}
    held, plain = (Batcher(chat, axis.units, axis.layer, batch) for _ in range(2))
    plain._hooks = NoHooks()  # type: ignore[assignment]
    with held, plain:
        # One side's hooks must not be on the model while the other side runs.
        held._hooks.__exit__(None, None, None)
        for row in range(batch):
            for side in (held, plain):
                mine = floors if side is held else None
                side.add(GenerateRequest(prompt, steps + 8, row, 1.0, floors=mine))
        for step in range(steps + 4):
            for side in ((held, plain), (plain, held))[step % 2]:
                if side is held:
                    held._hooks.__enter__()
                began = time.perf_counter()
                side.step()
                spent = time.perf_counter() - began
                if side is held:
                    held._hooks.__exit__(None, None, None)
                if step >= 4:
                    sides["held" if side is held else "plain"].append(spent)
    blocks = [range(at, at + BLOCK) for at in range(0, steps - BLOCK + 1, BLOCK)]
    medians = {
        name: [statistics.median(times[at] for at in block) for block in blocks] for name, times in sides.items()
    }
    return medians["plain"], medians["held"]


def cap_call(shape: tuple[int, int], dtype: torch.dtype, fire: float) -> tuple[list[float], list[float]]:
    """Seconds per call, ours and the naive one, in turn."""
    d_model = 576
    rows, pos = shape
    generator = torch.Generator().manual_seed(0)
    stream = torch.randn(rows, pos, d_model, generator=generator).to(dtype)
    vector = torch.nn.functional.normalize(torch.randn(d_model, generator=generator), dim=0)
    tau = float(torch.quantile(stream.float() @ vector, fire)) if fire else -1e9
    step = HostCap([Floors(vector[None], torch.tensor([tau]), 1.0, False)] * rows).at(0, vector, reads=False)

    def ours() -> None:
        if pos == 1:
            step(stream)
        else:
            cap_(stream, vector, tau)

    def naive() -> Tensor:
        excess = (tau - torch.einsum("bld,d->bl", stream.float(), vector)).clamp(min=0)
        return (stream.float() + torch.einsum("bl,d->bld", excess, vector)).to(dtype)

    sides: tuple[list[float], list[float]] = ([], [])
    kept = stream.clone()
    for _ in range(25):
        for side, call in zip(sides, (ours, naive), strict=True):
            side.append(_per_call(call, lambda: stream.copy_(kept)))
    return sides


def _per_call(call: Callable[[], object], reset: Callable[[], object], calls: int = 40) -> float:
    spent = 0.0
    for _ in range(calls):
        reset()
        began = time.perf_counter()
        call()
        spent += time.perf_counter() - began
    return spent / calls


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=240)
    options = parser.parse_args()
    for dtype in ("float32", "bfloat16"):
        chat = load("smollm2-135m", device="cpu", dtype=dtype)
        axis = an_axis(chat)
        for batch in (1, 16):
            plain, held = steps_in_turn(chat, axis, "gentle", batch, options.steps)
            line = ratio_line(f"monitor and cap (gentle), {dtype}, batch {batch}, a step", plain, held)
            print(line.replace("ours", "plain").replace("theirs", "held"), flush=True)
    with torch.inference_mode():
        for dtype in (torch.float32, torch.bfloat16):
            for shape, what in (((1, 1), "a step of 1"), ((16, 1), "a step of 16"), ((1, 512), "a prompt of 512")):
                for fire in (0.0, 0.05):
                    ours, naive = cap_call(shape, dtype, fire)
                    name = f"cap call, {str(dtype)[6:]}, {what}, {fire:.0%} of tokens under the floor"
                    print(ratio_line(name, [1e6 * t for t in ours], [1e6 * t for t in naive], "µs"), flush=True)


if __name__ == "__main__":
    main()
