"""Words that a reply says again and again."""

import numpy as np
from jaxtyping import Int

from holdtrue.audit.scan.layout import Words

__all__ = ["repeats"]


def repeats(words: Words) -> dict[str, np.ndarray]:
    """For each row the share of different words, the share of the commonest, and the longest run of one word.

    Args:
        words: a column's.

    Returns:
        `distinct_words`, `top_word` and `longest_run`; 1, 0 and 0 for rows without words.
    """
    n = words.counts.size
    total = np.maximum(words.counts, 1)
    if not words.hashes.size:
        return {"distinct_words": np.ones(n), "top_word": np.zeros(n), "longest_run": np.zeros(n)}
    # A row's number above, the word's hash below: sorted, equal words of a row stand together.
    keys = np.sort((words.row.astype(np.uint64) << np.uint64(40)) | (words.hashes >> np.uint64(24)))
    begins = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    row = (keys[begins] >> np.uint64(40)).astype(np.int64)
    same_before = (words.hashes[1:] == words.hashes[:-1]) & (words.row[1:] == words.row[:-1])
    runs = np.flatnonzero(np.concatenate([[True], ~same_before]))
    return {
        "distinct_words": np.where(words.counts > 0, np.bincount(row, minlength=n) / total, 1.0),
        "top_word": _greatest(np.diff(begins, append=keys.size), row, n) / total,
        "longest_run": _greatest(np.diff(runs, append=keys.size), words.row[runs], n),
    }


def _greatest(values: Int[np.ndarray, " some"], row: Int[np.ndarray, " some"], rows: int) -> Int[np.ndarray, " rows"]:
    """The greatest value of each row, 0 where it has none; rows are in order."""
    greatest = np.zeros(rows, np.int64)
    firsts = np.flatnonzero(np.concatenate([[True], row[1:] != row[:-1]]))
    greatest[row[firsts]] = np.maximum.reduceat(values, firsts)
    return greatest
