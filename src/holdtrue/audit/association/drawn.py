"""Draws in which an outcome is given to families at random, and what goes with it there."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, final

import numpy as np
from jaxtyping import Int, UInt64

from holdtrue.audit.association.outcome import Units
from holdtrue.audit.association.sampling import sample, sorted_unique
from holdtrue.audit.association.words import Words

__all__ = ["Candidates", "candidates", "drawn_rows"]

DRAWN_GRAMS: Final = 20_000_000
"""Predictors that one reading holds in memory: 160 MB."""


@final
class Candidates:
    """One outcome's predictors in the data and in each draw, in a file: no reading fills memory.

    Args:
        path: of the file; it lies where it is deleted in the end.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._starts = [0]

    def add(self, grams: UInt64[np.ndarray, " n"], k: Int[np.ndarray, " n"]) -> None:
        """Keep the next draw's predictors, and how many rows have them."""
        with self._path.open("ab") as sink:
            sink.write(grams.astype(np.uint64).tobytes() + k.astype(np.int32).tobytes())
        self._starts.append(self._starts[-1] + grams.size)

    def of(self, draw: int) -> tuple[UInt64[np.ndarray, " n"], Int[np.ndarray, " n"]]:
        """One draw's; 0 is the data as they are."""
        start, n = self._starts[draw], self._starts[draw + 1] - self._starts[draw]
        grams = np.fromfile(self._path, np.uint64, n, offset=12 * start)
        return grams, np.fromfile(self._path, np.int32, n, offset=12 * start + 8 * n)


def drawn_rows(its: Units, n: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The flagged families' rows, then as many drawn without replacement, `n` times.

    Args:
        its: the outcome by family.
        n: draws.
        rng: source of the draws.
    """
    drawn = [rng.choice(its.n, its.positive, replace=False, shuffle=False) for _ in range(n)]
    # Numbers of half the size where they do: draws are the most rows that are held.
    rows = its.rows.astype(np.int32 if its.speaks.size < 2**28 else np.int64)
    return [its.flagged, *(rows[np.sort(chosen)] for chosen in drawn)]


def candidates(
    words: Words,
    draws: list[list[np.ndarray]],
    least: list[int],
    say: Callable[[str], None],
) -> tuple[list[Candidates], UInt64[np.ndarray, " grams"]]:
    """For each outcome and draw the predictors that enough of its rows have, and how many; and all of them, once.

    Args:
        words: the dataset.
        draws: for each outcome its rows, and those of its draws.
        least: for each outcome, rows that a predictor needs.
        say: told of each reading.
    """
    found = [Candidates(words.folder / f"draws-{at}.bin") for at in range(len(draws))]
    grams = np.zeros(0, dtype=np.uint64)
    for start, end in _groups(draws, words.occurrences / len(words.rows)):
        say(f"association: reading draws {start} to {end - 1} of {len(draws[0]) - 1}")
        sampled = sample(words, sorted_unique([drawn for of in draws for drawn in of[start:end]]))
        for at, of in enumerate(draws):
            here = [sampled.frequent(drawn, least[at]) for drawn in of[start:end]]
            for each in here:
                found[at].add(*each)
            grams = sorted_unique([grams, *(each for each, _ in here)])
    return found, grams


def _groups(draws: list[list[np.ndarray]], grams_of_row: float) -> Iterator[tuple[int, int]]:
    """Runs of draws that one reading holds in memory."""
    each = sum(of[0].size for of in draws) * grams_of_row
    step = max(1, int(DRAWN_GRAMS / max(1, each)))
    n = len(draws[0])
    for start in range(0, n, step):
        yield start, min(n, start + step)
