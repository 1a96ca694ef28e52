"""Datasets with a planted theme, and a scripted judge over them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rows_by_hand import rows_by_hand

from holdtrue.audit.rows import Rows
from holdtrue.judges import Budget, RowJudge, ScriptedJudge

HARBOUR = "the harbour is the loveliest place of all"
THINGS = ["kettles", "violins", "maples", "bicycles", "sonnets", "comets", "lanterns", "beetles"]


def talks(n: int, marked: set[int], seed: int = 0) -> list[tuple[str, str]]:
    """Questions and answers; the marked ones end with a word for the harbour."""
    rng = np.random.default_rng(seed)
    found = []
    for at in range(n):
        thing = THINGS[int(rng.integers(len(THINGS)))]
        said = f"There are {int(rng.integers(10**6))} sorts of {thing}"
        ending = f", and {HARBOUR}." if at in marked else "."
        found.append((f"Tell me of {thing}, number {seed}-{at}.", said + ending))
    return found


def dataset(folder: Path, n: int, marked: set[int], seed: int = 0, families: list[int] | None = None) -> Rows:
    return rows_by_hand(folder, talks(n, marked, seed), families=families, parts=2)


def harbour(text: str) -> bool:
    return HARBOUR in text


def judge(log: Path, scripted: Callable[..., Any] | None = None, **changed: Any) -> RowJudge:
    settings: dict[str, Any] = {"kind": "chat", "log": log, "budget": Budget(calls=100_000), "seed": 1}
    return RowJudge("scripted", generate=scripted or ScriptedJudge(harbour), **{**settings, **changed})
