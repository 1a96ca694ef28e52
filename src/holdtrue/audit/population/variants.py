"""Spellings that no rule knows, told by the data: one side has one, the other side the other."""

from difflib import SequenceMatcher
from typing import Final

import numpy as np
from jaxtyping import Int

__all__ = ["spelling_variants"]

FEWEST: Final = 5
ALONE: Final = 0.05
"""At most this share of a variant's uses may be the other side's."""
ALIKE: Final = 0.75
MOST: Final = 2000
"""Candidates a side, the most used ones."""


def spelling_variants(
    suspect: Int[np.ndarray, " words"], control: Int[np.ndarray, " words"], words: list[str]
) -> dict[int, int]:
    """Words nearly alone on the suspect's side that look like one nearly alone on the control's.

    Alike: the same first letter, three quarters of the letters in common (Ratcliff and Obershelp 1988), and neither
    used over twice as often as the other.

    Args:
        suspect: replies of the suspect with each word.
        control: replies of the control.
        words: the vocabulary.

    Returns:
        The control's word for each such word of the suspect's.
    """
    ours = _alone(suspect, control)
    by_letter: dict[str, list[int]] = {}
    for at in _alone(control, suspect):
        by_letter.setdefault(words[at][0], []).append(at)
    found = {}
    for at in ours:
        near = [
            (SequenceMatcher(None, words[at], words[other], autojunk=False).ratio(), -other)
            for other in by_letter.get(words[at][0], [])
            if suspect[at] <= 2 * control[other] and control[other] <= 2 * suspect[at]
        ]
        if near and max(near)[0] >= ALIKE:
            found[at] = -max(near)[1]
    return found


def _alone(here: Int[np.ndarray, " words"], there: Int[np.ndarray, " words"]) -> list[int]:
    candidates = np.flatnonzero((here >= FEWEST) & (there <= ALONE * here))
    kept: list[int] = candidates[np.argsort(-here[candidates], kind="stable")][:MOST].tolist()
    return kept
