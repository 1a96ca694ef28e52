"""Predictors as 64-bit numbers: a prompt's phrases of 1-4 words, provenance values, a topic.

A phrase's number is `h(w1) C^(n-1) + ... + h(wn)` modulo 2^64, `h` being a word's: it rolls along the text, for any
length. The two lowest bits say what kind of predictor it is, so that a provenance value can't pass for a phrase.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Int, UInt64

from holdtrue.audit.association.text import code_words, hashes_of

__all__ = [
    "FACTOR",
    "LONGEST",
    "SLICE",
    "TOPIC",
    "is_slice",
    "is_topic",
    "phrase_gram",
    "roll",
    "slice_gram",
    "text_grams",
    "topic_gram",
]

LONGEST: Final = 4
"""Words of a phrase that is counted outright; longer ones are found by extending."""

FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
SLICE: Final = 1
TOPIC: Final = 2


def text_grams(texts: pa.Array, longest: int = LONGEST) -> tuple[Int[np.ndarray, " flat"], UInt64[np.ndarray, " flat"]]:
    """Every phrase of every text, as often as it occurs, in no order: rows, and numbers.

    Args:
        texts: strings.
        longest: words of a phrase at most.
    """
    starts, codes, hashes = code_words(texts)
    rows = np.repeat(np.arange(len(texts), dtype=np.int32), np.diff(starts))
    grams, first = roll(rows, hashes[codes], longest)
    return rows[first], grams


def roll(
    rows: Int[np.ndarray, " words"], hashes: UInt64[np.ndarray, " words"], longest: int = LONGEST
) -> tuple[UInt64[np.ndarray, " flat"], Int[np.ndarray, " flat"]]:
    """Number and first word of every phrase; a row's words stand together."""
    gram, found, starts = hashes, [hashes], [np.arange(rows.size, dtype=np.int32)]
    for n in range(2, longest + 1):
        gram = gram[:-1] * FACTOR + hashes[n - 1 :]
        inside = np.flatnonzero(rows[: gram.size] == rows[n - 1 :]).astype(np.int32)
        starts.append(inside)
        found.append(gram[inside])
    return np.concatenate(found), np.concatenate(starts)


def phrase_gram(words: Sequence[str]) -> int:
    """A phrase's number; its words as they are after splitting."""
    gram = np.zeros(1, dtype=np.uint64)
    for word in words:
        gram = gram * FACTOR + hashes_of([word])
    return int(gram[0])


def slice_gram(value: str) -> int:
    """The number of a provenance value, `column=value`."""
    return int(hashes_of([value])[0]) | SLICE


def topic_gram(topic: int) -> int:
    """A topic's number."""
    return int(hashes_of([f"topic={topic}"])[0]) | TOPIC


def is_slice(grams: UInt64[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """Which predictors are provenance values."""
    found: np.ndarray = (grams & np.uint64(3)) == SLICE
    return found


def is_topic(grams: UInt64[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """Which predictors are topics."""
    found: np.ndarray = (grams & np.uint64(3)) == TOPIC
    return found
