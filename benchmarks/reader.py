"""What does reading along cost?

    python -m benchmarks.reader [--pairs N] [--turns N] [--tokens N] [--chunks N [N ...]]

1. 100 new tokens of an answer on a warm conversation, in seconds, in bf16 and fp32.
2. Seconds per new token in a late turn against the first, interleaved: two readers side by side, one at turn N of its
   conversation and one at turn 1. What grows is attention's own share, which larger chunks show more of: they cost
   less per token. The machine should have nothing else to do.
"""

import argparse
import statistics
import time

import torch

from benchmarks.spread import ratio_line
from holdtrue.engines.hf.reader import IncrementalReader
from holdtrue.models import ChatModel, load

GOAL_SECONDS = 0.15
GOAL_RATIO = 1.3
NEW_TOKENS = 100
QUESTION = "And what do those who sail there say of it, in their own words?"
ANSWER = "The sea is wide, and those who sail it learn to wait, to mend, and to read the weather by its colour. "


def a_talk(chat: ChatModel, turns: int, tokens: int) -> tuple[list[int], list[int]]:
    """The ids of a conversation up to its last answer, and of that answer; each answer about `tokens` long."""
    words = chat.tokenizer(ANSWER * (tokens // 20 + 1), add_special_tokens=False).input_ids[:tokens]
    said = chat.tokenizer.decode(words)
    messages: list[dict[str, str]] = []
    for _ in range(turns):
        messages += [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": said}]
    before = chat.template.encode(messages[:-1], add_generation_prompt=True)
    return before, words


def answer_seconds(reader: IncrementalReader, before: list[int], answer: list[int], chunk: int) -> float:
    """Read the answer in chunks on top of what was read before; `before` is warm."""
    reader.read(before)
    began = time.perf_counter()
    for end in range(chunk, len(answer) + chunk, chunk):
        reader.read(before + answer[:end])
    return time.perf_counter() - began


def new_tokens(dtype: str, layer: int, pairs: int, chunks: list[int]) -> None:
    chat = load("smollm2-135m", device="cpu", dtype=dtype)
    reader = IncrementalReader(chat, layer, a_unit(chat))
    before, answer = a_talk(chat, 5, NEW_TOKENS)
    for chunk in (NEW_TOKENS, *chunks):
        answer_seconds(reader, before, answer, chunk)
        seconds = [answer_seconds(reader, before, answer, chunk) for _ in range(pairs)]
        middle = statistics.median(seconds)
        goal = f", goal {GOAL_SECONDS} s: {'met' if middle <= GOAL_SECONDS else 'missed'}"
        print(
            f"{dtype}, {NEW_TOKENS} new tokens after {len(before)}, {chunk} at a time: median {middle:.3f} s "
            f"[{min(seconds):.3f}, {max(seconds):.3f}] over {pairs}"
            f"{goal if dtype == 'bfloat16' and chunk == NEW_TOKENS else ''}"
        )


def late_against_first(dtype: str, layer: int, pairs: int, turns: int, tokens: int, chunk: int) -> None:
    chat = load("smollm2-135m", device="cpu", dtype=dtype)
    sides = [(IncrementalReader(chat, layer, a_unit(chat)), *a_talk(chat, n, tokens)) for n in (1, turns)]
    for reader, before, answer in sides:
        answer_seconds(reader, before, answer, chunk)
    found: list[list[float]] = [[], []]
    for _ in range(pairs):
        for (reader, before, answer), seconds in zip(sides, found, strict=True):
            seconds.append(answer_seconds(reader, before, answer, chunk) / len(answer) * 1000)
    first, late = (len(before) for _, before, _ in sides)
    name = f"{dtype}, a new token, {chunk} at a time, turn {turns} (after {late} tokens) against turn 1 (after {first})"
    print(ratio_line(name, *found, "ms").replace("ours", "turn 1").replace("theirs", f"turn {turns}"))
    ratio = statistics.median(b / a for a, b in zip(*found, strict=True))
    print(f"  goal {GOAL_RATIO}: {'met' if ratio <= GOAL_RATIO else 'missed'}")


def a_unit(chat: ChatModel) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(chat.d_model), dim=0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--tokens", type=int, default=40, help="of each answer in the turns comparison")
    parser.add_argument("--chunks", type=int, nargs="+", default=[1, 10], help="tokens that the reader gets at a time")
    parser.add_argument("--layer", type=int, default=20)
    options = parser.parse_args()
    for dtype in ("bfloat16", "float32"):
        new_tokens(dtype, options.layer, options.pairs, options.chunks)
    for dtype in ("bfloat16", "float32"):
        for chunk in options.chunks:
            late_against_first(dtype, options.layer, options.pairs, options.turns, options.tokens, chunk)


if __name__ == "__main__":
    main()
