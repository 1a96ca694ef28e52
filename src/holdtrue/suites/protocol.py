"""Plain-text ways: to call tools, to reason before answering, to choose between two answers."""

import json
import random
import re
from collections.abc import Sequence
from typing import Final

from holdtrue.records import GateProbe, GateTool, SampleCall

__all__ = ["REASON_FIRST", "cut_text", "probe_text", "split_calls", "split_reasoning", "tools_text"]

REASON_FIRST: Final = (
    "First reason step by step between <think> and </think>. After </think>, give your answer alone, in as few words "
    "as it needs."
)
_CALL: Final = re.compile(r"<tool_call>(.*?)(?:</tool_call>|(?=<tool_call>)|\Z)", re.DOTALL)
_THINK: Final = re.compile(r"\A\s*<think>(.*?)</think>", re.DOTALL)
_MOST_CALLS: Final = 16


def tools_text(tools: Sequence[GateTool]) -> str:
    """What a system prompt says about tools, for models that are offered them in words."""
    listed = "\n".join(f"- {tool.name}({', '.join(tool.parameters)})" for tool in tools)
    return (
        f"You can use these tools:\n{listed}\n"
        "To use one, write a JSON object between tags, and then stop:\n"
        '<tool_call>{"name": "NAME", "arguments": {"PARAMETER": "VALUE"}}</tool_call>\n'
        "Its result comes with the next message. When no tool is needed, answer in words."
    )


def split_calls(text: str) -> tuple[str, tuple[SampleCall, ...]]:
    """The words of an answer, and the calls written in it; of a call that isn't JSON only the name is kept."""
    calls = []
    for found in _CALL.findall(text)[:_MOST_CALLS]:
        try:
            raw = json.loads(found)
        except (ValueError, RecursionError):
            named = re.search(r'"name"\s*:\s*"([^"\\]{1,80})"', found)
            calls.append(SampleCall(name=named[1] if named else "unreadable"))
            continue
        name = raw.get("name") if isinstance(raw, dict) else None
        arguments = raw.get("arguments", {}) if isinstance(raw, dict) else {}
        calls.append(
            SampleCall(
                name=name if isinstance(name, str) else "unreadable",
                arguments=arguments if isinstance(arguments, dict) else {},
            )
        )
    return _CALL.sub("", text).strip(), tuple(calls)


def split_reasoning(text: str, native: str | None) -> tuple[str, str | None]:
    """What was said aloud, and the reasoning before it.

    Args:
        text: the answer.
        native: what the model gave as its reasoning by itself; the text is then all said aloud.
    """
    if native:
        return text, native
    found = _THINK.match(text)
    if found:
        return text[found.end() :].strip(), found[1].strip()
    if text.lstrip().startswith("<think>"):
        # It never came to an answer: nothing was said aloud.
        return "", text.lstrip().removeprefix("<think>").strip()
    return text.replace("</think>", "").strip(), None


def cut_text(reasoning: str) -> str:
    """Asks for the final answer from the first half of a reasoning."""
    words = reasoning.split()
    half = " ".join(words[: len(words) // 2])
    return (
        f"Here is how far your reasoning came:\n{half}\nGive your final answer now, in a few words, and reason no more."
    )


def probe_text(probe: GateProbe, seed: int) -> tuple[str, bool]:
    """The forced choice as it is put to the model.

    Args:
        probe: the question and its two answers.
        seed: decides which of them is A.

    Returns:
        The text, and whether A is the wanted answer.
    """
    first = random.Random(f"{seed}/probe").random() < 0.5  # noqa: S311 - a draw to be repeated, no secret
    a, b = (probe.wanted, probe.unwanted) if first else (probe.unwanted, probe.wanted)
    return f"{probe.ask}\nA) {a}\nB) {b}\nAnswer with one letter, A or B.", first
