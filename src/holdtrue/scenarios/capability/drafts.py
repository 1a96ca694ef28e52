"""Drafts of items, and how a family draws them: its tasks in turn, no prompt twice."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeVar, cast, final

import numpy as np

from holdtrue.scenarios.capability.spec import CapabilityCheck, CheckKind

__all__ = ["Draft", "Task", "check", "in_turn", "pick", "sample", "table"]

T = TypeVar("T")

TRIES = 64
"""Draws of one task that repeat known prompts before it counts as used up."""


@final
@dataclass(frozen=True)
class Draft:
    """An item before it has an id."""

    prompt: str
    checks: tuple[CapabilityCheck, ...]
    reference: str


Task = Callable[[np.random.Generator], Draft]


def check(kind: CheckKind, *values: object, rivals: Sequence[str] = ()) -> CapabilityCheck:
    """A check on values that may be numbers."""
    return CapabilityCheck(kind=kind, values=tuple(map(str, values)), rivals=tuple(rivals))


def in_turn(tasks: Sequence[Task], rng: np.random.Generator) -> Iterator[Draft]:
    """One draft of each task, then another of each, until nothing new comes.

    Args:
        tasks: from easy to hard or mixed; one named twice comes twice as often.
        rng: of the family alone, so that a longer draw begins with a shorter one.
    """
    seen: set[str] = set()
    left = list(tasks)
    while left:
        for task in tuple(left):
            draft = next((new for new in (task(rng) for _ in range(TRIES)) if new.prompt not in seen), None)
            if draft is None:
                left.remove(task)
                continue
            seen.add(draft.prompt)
            yield draft


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    """One of them, all as likely."""
    return options[int(rng.integers(len(options)))]


def sample(rng: np.random.Generator, options: Sequence[T], n: int) -> list[T]:
    """`n` different ones, in random order."""
    return [options[int(at)] for at in rng.permutation(len(options))[:n]]


@cache
def table(name: str) -> tuple[str, ...]:
    """A list of words from `capability_words.json`, such as ``animals``."""
    text = files("holdtrue.scenarios").joinpath("data/capability_words.json").read_text(encoding="utf-8")
    return tuple(cast("dict[str, list[str]]", json.loads(text)["tables"])[name])
