"""Draws in which an outcome is given to families at random, and what goes with it there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final, final

import numpy as np
from jaxtyping import Int, UInt64

from holdtrue.audit.association.outcome import Units
from holdtrue.audit.association.sampling import frequent, sample, sorted_unique
from holdtrue.audit.association.words import Words
from holdtrue.audit.row_set import RowSet, row_type

__all__ = ["Candidates", "Draws", "candidates"]

DRAWN_GRAMS: Final = 20_000_000
"""Predictors that one reading holds in memory: 160 MB."""
TRIED_AT_ONCE: Final = 2**20


@final
class Candidates:
    """One outcome's predictors in the data and in each draw, in a file: no reading fills memory.

    Args:
        path: of the file; it lies where it is deleted in the end.
    """

    def __init__(self, path: Path) -> None:
        path.write_bytes(b"")
        self._path = path
        self._starts = [0]

    def add(self, grams: UInt64[np.ndarray, " n"], k: Int[np.ndarray, " n"]) -> None:
        """Keep the next draw's predictors, and how many rows have them."""
        with self._path.open("ab") as sink:
            sink.write(grams.astype(np.uint64).tobytes() + k.astype(np.int32).tobytes())
        self._starts.append(self._starts[-1] + grams.size)

    @property
    def sizes(self) -> list[int]:
        """Predictors of the data, and of each draw."""
        return np.diff(self._starts).tolist()

    def of(self, draw: int) -> tuple[UInt64[np.ndarray, " n"], Int[np.ndarray, " n"]]:
        """One draw's; 0 is the data as they are."""
        start, n = self._starts[draw], self._starts[draw + 1] - self._starts[draw]
        grams = np.fromfile(self._path, np.uint64, n, offset=12 * start)
        return grams, np.fromfile(self._path, np.int32, n, offset=12 * start + 8 * n)


@final
@dataclass(frozen=True)
class Draws:
    """An outcome as it is, and given to as many families at random, again and again; each is drawn as it is read."""

    its: Units
    n: int
    seed: tuple[int, ...]

    def rows(self, draw: int) -> Int[np.ndarray, " drawn"]:
        """The rows that speak for a draw's families, ascending; 0 is the data as they are."""
        if not draw:
            return self.its.flagged.rows
        size, speaks = self.its.speaks.size, self.its.speaks
        few = min(self.its.positive, self.its.n - self.its.positive)
        rng = np.random.default_rng([*self.seed, draw])
        found = np.zeros(0, dtype=row_type(size))
        while found.size < few:
            # Any row, if it speaks for a family: one is as likely as another, and no list of them is needed.
            more = min(TRIED_AT_ONCE, 64 + int(1.1 * (few - found.size) * size / self.its.n))
            tried = rng.integers(0, size, more, dtype=found.dtype)
            found = sorted_unique([found, tried[speaks.has(tried)]])
        chosen = np.delete(found, rng.choice(found.size, found.size - few, replace=False))
        return chosen if few == self.its.positive else (speaks - RowSet.numbered(chosen, size)).rows


def candidates(
    words: Words, draws: list[Draws], least: list[int], say: Callable[[str], None]
) -> tuple[list[Candidates], UInt64[np.ndarray, " grams"]]:
    """For each outcome and draw the predictors that enough of its rows have, and how many; and all of them, once.

    Args:
        words: the dataset.
        draws: of each outcome, as many of each.
        least: for each outcome, rows that a predictor needs.
        say: told of each reading.
    """
    found = [Candidates(words.folder / f"draws-{at}.bin") for at in range(len(draws))]
    grams = np.zeros(0, dtype=np.uint64)
    for together in _readings(draws, words.occurrences / len(words.rows)):
        say(f"association: reading draws {together[0][0]} to {together[-1][0]} of {draws[0].n}")
        drawn = [draws[at].rows(draw) for draw, at in together]
        sampled = sample(words, sorted_unique(drawn))
        told = [frequent(sampled, rows, least[at]) for (_, at), rows in zip(together, drawn, strict=True)]
        for (_, at), each in zip(together, told, strict=True):
            found[at].add(*each)
        grams = sorted_unique([grams, *(each for each, _ in told)])
        del drawn, sampled  # or they would be there beside the next reading's
    return found, grams


def _readings(draws: list[Draws], grams_of_row: float) -> Iterator[list[tuple[int, int]]]:
    """Draws and their outcomes, in order, that one reading holds in memory."""
    together: list[tuple[int, int]] = []
    held = 0.0
    for draw, at in product(range(1 + draws[0].n), range(len(draws))):
        size = draws[at].its.positive * grams_of_row
        if together and held + size > DRAWN_GRAMS:
            yield together
            together, held = [], 0.0
        together.append((draw, at))
        held += size
    yield together
