"""Cloze: a sentence of general knowledge or a saying with one word missing, from a file written by hand."""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Final, cast

import numpy as np

from holdtrue.scenarios.capability.drafts import Draft, check

__all__ = ["drafts", "n_entries"]

GAP: Final = "___"


def drafts(rng: np.random.Generator) -> Iterator[Draft]:
    """Every entry once, in random order and random phrasing."""
    entries = _entries()
    for at in rng.permutation(len(entries)):
        text, answers, rivals = entries[int(at)]
        # A gap at the end can also be left to the reader's ear.
        whole = not text.endswith(f" {GAP}.") or bool(rng.integers(2))
        prompt = f"Complete: {text}" if whole else f"Finish this sentence: {text.removesuffix(f' {GAP}.')}"
        yield Draft(prompt, (check("word", *answers, rivals=rivals),), answers[0])


def n_entries() -> int:
    """How many sentences there are."""
    return len(_entries())


@cache
def _entries() -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
    """Sentence, right answers, and the answers to other sentences of its group that it doesn't itself mention."""
    text = files("holdtrue.scenarios").joinpath("data/capability_cloze.json").read_text(encoding="utf-8")
    groups = cast("dict[str, list[list[str]]]", json.loads(text)["groups"])
    found = []
    for entries in groups.values():
        every = list(dict.fromkeys(answer for _, *answers in entries for answer in answers))
        for sentence, *answers in entries:
            said = f"{sentence} {' '.join(answers)}".casefold()
            rivals = tuple(each for each in every if each.casefold() not in said)
            found.append((sentence, tuple(answers), rivals))
    return tuple(found)
