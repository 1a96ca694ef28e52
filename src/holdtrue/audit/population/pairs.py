"""Suspect and control rows with the same prompt."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Int

from holdtrue.audit.rows import Rows

__all__ = ["MOST_PAIRS", "Pairs", "Texts", "match_rows", "read_texts", "unmatched_rows"]

MOST_PAIRS: Final = 100_000
"""Beyond it a random sample of the pairs is compared, so that memory is bounded."""


@final
@dataclass(frozen=True)
class Pairs:
    """Rows answered on both sides."""

    suspect: Int[np.ndarray, " pairs"]
    """Numbers of the suspect's rows."""
    control: Int[np.ndarray, " pairs"]
    families: Int[np.ndarray, " pairs"]
    """The suspect rows' families."""
    found: int
    """Pairs before families and the sample."""

    @property
    def n(self) -> int:
        """How many."""
        return len(self.suspect)


@final
@dataclass(frozen=True)
class Texts:
    """What the comparison reads of some rows."""

    prompts: list[str]
    replies: list[str]
    slices: list[str]


def match_rows(suspect: Rows, control: Rows, rng: np.random.Generator, *, one_a_family: bool = True) -> Pairs:
    """Pair the k-th suspect row of a prompt with its k-th control row.

    Args:
        suspect: the dataset in question.
        control: the one it is compared with.
        rng: draws the sample where there are over 100,000 pairs.
        one_a_family: keep the first pair of each family of either side; otherwise all, and a family is swapped as one.
    """
    left, right = _ranked(suspect), _ranked(control)
    _, at_left, at_right = np.intersect1d(left, right, assume_unique=True, return_indices=True)
    order = np.argsort(at_left)
    ours, theirs = at_left[order], at_right[order]
    found = len(ours)
    if one_a_family:
        first = np.zeros(found, dtype=bool)
        first[np.unique(suspect.families[ours], return_index=True)[1]] = True
        ours, theirs = ours[first], theirs[first]
        kept = np.sort(np.unique(control.families[theirs], return_index=True)[1])
        ours, theirs = ours[kept], theirs[kept]
    if len(ours) > MOST_PAIRS:
        drawn = np.sort(rng.permutation(len(ours))[:MOST_PAIRS])
        ours, theirs = ours[drawn], theirs[drawn]
    return Pairs(ours, theirs, suspect.families[ours], found)


def unmatched_rows(rows: Rows, rng: np.random.Generator) -> Int[np.ndarray, " rows"]:
    """The first row of each family, at most 100,000 of them, for a comparison without pairs."""
    first = np.sort(np.unique(rows.families, return_index=True)[1])
    return np.sort(rng.permutation(first)[:MOST_PAIRS])


def read_texts(rows: Rows, wanted: Int[np.ndarray, " wanted"]) -> Texts:
    """Prompts, replies and provenance of some rows, in the order asked.

    Args:
        rows: the dataset.
        wanted: numbers of rows, each once.
    """
    at = np.full(len(rows), -1, dtype=np.int64)
    at[wanted] = np.arange(len(wanted))
    texts = Texts([""] * len(wanted), [""] * len(wanted), ["{}"] * len(wanted))
    for batch in rows.batches(["prompt", "response", "slices"]):
        places = at[batch.first : batch.first + batch.table.num_rows]
        inside = np.flatnonzero(places >= 0)
        taken = batch.table.take(inside)
        for column, texts_of in (("prompt", texts.prompts), ("response", texts.replies), ("slices", texts.slices)):
            for place, text in zip(places[inside], taken.column(column).to_pylist(), strict=True):
                texts_of[place] = text
    return texts


def _ranked(rows: Rows) -> np.ndarray:
    """A key for each row: its prompt, and how often the prompt was there before."""
    hashes = np.concatenate(
        [batch.table.column("prompt_hash").to_numpy() for batch in rows.batches(["prompt_hash"])]
        or [np.zeros(0, dtype=np.uint64)]
    )
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    fresh = np.append(True, ordered[1:] != ordered[:-1]) if len(ordered) else np.zeros(0, dtype=bool)
    starts = np.flatnonzero(fresh)
    rank = np.empty(len(hashes), dtype=np.int64)
    rank[order] = np.arange(len(hashes)) - np.repeat(starts, np.diff(np.append(starts, len(hashes))))
    keys = np.zeros(len(hashes), dtype=[("prompt", np.uint64), ("rank", np.int64)])
    keys["prompt"], keys["rank"] = hashes, rank
    return keys
