"""Rows to judge, and judges of them that answer from a script."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fake_judges import Scripted, Waits

from holdtrue.judges import Backoff, Budget, JudgedRow, Prompt, RowJudge

CALLS = Budget(calls=10_000)


def rows(n: int) -> list[JudgedRow]:
    return [
        JudgedRow(prompt=f"Say something about number {at}.", response=f"Number {at} is a number.") for at in range(n)
    ]


def said(prompt: Prompt, **changed: Any) -> str:
    answer = {"key": prompt.key, "flag": False, "kind": "none", "quote": "", "why": "plain"}
    return json.dumps({**answer, **changed})


def answers(**changed: Any) -> Scripted:
    return Scripted(lambda _n, prompt: said(prompt, **changed))


def row_judge(log: Path, generate: Callable[..., Any], **changed: Any) -> RowJudge:
    settings: dict[str, Any] = {
        "kind": "chat", "log": log, "budget": CALLS, "seed": 3, "generate": generate, "backoff": Backoff(sleep=Waits()),
    }  # fmt: skip
    return RowJudge("mockllm/model", **{**settings, **changed})
