"""Replies that open or close with words of their prompt."""

from typing import Final

import numpy as np
from jaxtyping import Bool, Int, UInt64

from holdtrue.audit.scan.layout import Text, Words

__all__ = ["closes_with", "opens_with"]

WORDS: Final = 3
_FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)


def opens_with(reply: Text, prompt: Text) -> Bool[np.ndarray, " rows"]:
    """Whether the reply's first three words stand together somewhere in the prompt."""
    return _stands_in(reply.words, reply.words.firsts[:-1], prompt.words)


def closes_with(reply: Text, prompt: Text) -> Bool[np.ndarray, " rows"]:
    """Whether the reply's last three words stand together somewhere in the prompt."""
    return _stands_in(reply.words, reply.words.firsts[1:] - WORDS, prompt.words)


def _stands_in(words: Words, first: Int[np.ndarray, " rows"], prompt: Words) -> Bool[np.ndarray, " rows"]:
    found = np.zeros(first.size, bool)
    enough = words.counts >= WORDS
    if not enough.any() or prompt.hashes.size < WORDS:
        return found
    sought = np.zeros(first.size, np.uint64)
    sought[enough] = _phrases(words, first[enough])
    begins = np.arange(prompt.hashes.size - WORDS + 1)
    begins = begins[(prompt.row[begins] == prompt.row[begins + WORDS - 1]) & enough[prompt.row[begins]]]
    found[prompt.row[begins[_phrases(prompt, begins) == sought[prompt.row[begins]]]]] = True
    return found


def _phrases(words: Words, begins: Int[np.ndarray, " some"]) -> UInt64[np.ndarray, " some"]:
    phrases = np.zeros(begins.size, np.uint64)
    for place, factor in enumerate(_FACTORS):
        phrases += words.hashes[begins + place] * factor
    return phrases
