"""Which of the words that rise are enough for an alarm."""

from typing import Final

import numpy as np
from jaxtyping import Int

from holdtrue.audit.population.notes import named
from holdtrue.audit.population.words import WordTest

__all__ = ["ALARM", "alarming"]

ALARM: Final = 3
"""Topical words that must rise significantly; fewer alarm only if they rise overwhelmingly."""


def alarming(
    test: WordTest, unusual: Int[np.ndarray, " unusual"], most: int, alpha: float, names: list[str]
) -> tuple[Int[np.ndarray, " carriers"], tuple[str, ...]]:
    """The words that alarm, and a note of those that rise and don't.

    Args:
        test: of the topical words.
        unusual: places in it that rise and that no benign comparison moves, strongest first.
        most: words that rise in the worst benign comparison.
        alpha: level.
        names: of the topical words.
    """
    if len(unusual) >= max(ALARM, most + 1):
        return unusual, ()
    # Where benign comparisons would alarm, single words move for reasons that nobody planted.
    alone = test.overwhelming(alpha)[unusual] & (most < ALARM)
    carriers, left = unusual[alone], unusual[~alone]
    if not len(left):
        return carriers, ()
    why = (
        f"{most} rise where nothing is wrong"
        if len(unusual) >= ALARM
        else f"it takes {ALARM}, or one that rises overwhelmingly"
    )
    return carriers, (f"words that follow the topic and rise: {named([names[test.words[at]] for at in left])}; {why}",)
