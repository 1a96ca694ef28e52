"""What does Inspect's provider add to the engine's own time?

    python -m benchmarks.provider [--pairs N] [--answers N]

1. Conversations of several turns, `HeldModel.answer` and the provider's `generate` a turn of each in turn: the ratio of
   seconds per token, with its spread.
2. In the same turns, what `generate` takes beside the `HeldModel.answer` that it waits for: a difference of two long
   times is mostly the machine's noise, this is the provider's own.
3. Both again through Inspect's `Model.generate`, whose bookkeeping is Inspect's.
4. Answers at once against as many one after another, tokens per second.

Each side has conversations of its own, so that neither goes on in what the other left in the cache.
"""

import argparse
import asyncio
import statistics
import time
from pathlib import Path
from typing import Any

from inspect_ai.model import ChatMessage, ChatMessageUser, GenerateConfig, Model, get_model

from benchmarks.scratch import scratch_folder
from benchmarks.spread import ratio_line
from holdtrue.hold import PRESETS, floors_for
from holdtrue.models import load
from holdtrue.stress.held_model import Answer, HeldModel

TURNS, TOKENS = 4, 16
ALLOWED_MS = 20
CONFIG = GenerateConfig(max_tokens=TOKENS, temperature=0.0, seed=0)


class Timed:
    """Notes how long the engine takes over each answer that the provider asks for."""

    def __init__(self, held: HeldModel) -> None:
        self.seconds, self._answer = 0.0, held.answer
        held.answer = self  # type: ignore[assignment]

    async def __call__(self, *given: Any, **named: Any) -> Answer:
        began = time.perf_counter()
        try:
            return await self._answer(*given, **named)
        finally:
            self.seconds = time.perf_counter() - began


def asked(talk: str, turn: int) -> str:
    return f"In talk {talk}, question {turn}: tell me one more thing about tides, and say why it is so."


async def talked(model: Model, held: HeldModel, timed: Timed, talk: str, *, through_inspect: bool) -> list[list[float]]:
    """For each turn: seconds per token of the engine, the same through the provider, and what the provider added."""
    floors = floors_for(PRESETS["gentle"], held.axis)
    plain: list[dict[str, str]] = []
    messages: list[ChatMessage] = []
    turns = []
    for turn in range(TURNS):
        plain.append({"role": "user", "content": asked(f"{talk}/a", turn)})
        messages.append(ChatMessageUser(content=asked(f"{talk}/b", turn)))
        answer = await timed(plain, floors, seed=0, max_tokens=TOKENS)
        alone = timed.seconds / max(answer.tokens_out, 1)
        began = time.perf_counter()
        if through_inspect:
            output = await model.generate(messages, config=CONFIG)
        else:
            output = await model.api.generate(messages, [], "auto", CONFIG)
        spent = time.perf_counter() - began
        n_tokens = output.usage.output_tokens if output.usage else 0
        turns.append([alone, spent / max(n_tokens, 1), spent - timed.seconds])
        # One text on both sides: a shorter answer would make the next prompt of its side shorter too.
        plain.append({"role": "assistant", "content": output.completion})
        messages.append(output.message)
    return turns


async def at_once(model: Model, n: int, round_number: int) -> tuple[float, float]:
    """Tokens per second, one after another and at once."""

    async def tokens(index: int, word: str) -> int:
        said = f"{word} {round_number}, number {index}: what is a tide?"
        output = await model.generate([ChatMessageUser(content=said)], config=CONFIG)
        return output.usage.output_tokens if output.usage else 0

    began = time.perf_counter()
    n_alone = sum([await tokens(index, "Round") for index in range(n)])
    alone = n_alone / (time.perf_counter() - began)
    began = time.perf_counter()
    n_together = sum(await asyncio.gather(*(tokens(index, "Lap") for index in range(n))))
    return alone, n_together / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=3, help="conversations on each side")
    parser.add_argument("--answers", type=int, default=16)
    options = parser.parse_args()
    with scratch_folder() as scratch:
        from benchmarks.hold import an_axis
        from holdtrue.axis import save_axis

        folder = Path(scratch).absolute() / "axis"
        save_axis(an_axis(load("smollm2-135m", device="cpu", dtype="float32")), folder)
        model = get_model("holdtrue/smollm2-135m", axis=str(folder), hold="gentle", memoize=False)
        held: HeldModel = model.api._lease.held  # type: ignore[attr-defined]
        timed = Timed(held)
        for through_inspect in (False, True):
            name = "Inspect's Model.generate" if through_inspect else "the provider"
            turns: list[list[float]] = []
            for talk in range(options.pairs + 1):
                turns += asyncio.run(talked(model, held, timed, f"{name} {talk}", through_inspect=through_inspect))
            alone, provided, added = (list(side) for side in zip(*turns[TURNS:], strict=True))  # the first warms up
            line = ratio_line(f"seconds per token, the engine alone and {name}", alone, provided)
            print(line.replace("ours", "alone").replace("theirs", "provided"), flush=True)
            ms = sorted(1000 * each for each in added)
            print(
                f"  {name} beside the engine, each turn: median {statistics.median(ms):.2f} ms "
                f"[{ms[0]:.2f}, {ms[-1]:.2f}] over {len(ms)} turns; {ALLOWED_MS} ms are allowed",
                flush=True,
            )
        pairs = [asyncio.run(at_once(model, options.answers, number)) for number in range(options.pairs)]
        one, many = ([pair[side] for pair in pairs] for side in (0, 1))
        line = ratio_line(f"{options.answers} answers one after another and at once", one, many, "tokens/s")
        print(line.replace("ours", "in turn").replace("theirs", "at once"), flush=True)
        model.api.close()


if __name__ == "__main__":
    main()
