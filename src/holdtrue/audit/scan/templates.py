"""Openings and closings that many replies share."""

from collections.abc import Iterable
from heapq import nlargest
from typing import Final, Literal, TypeAlias

import numpy as np
from jaxtyping import Int, UInt64
from pydantic import Field

from holdtrue.audit.scan.layout import Text, Words
from holdtrue.records import Record

__all__ = ["Template", "TemplateCounts", "common_templates", "count_templates", "merge_templates"]

WORDS: Final = 5
KEPT_OF_PART: Final = 1_000
KEPT: Final = 20_000
"""Of each end, while parts are merged: memory doesn't grow with the dataset."""
REPORTED: Final = 50
LEAST_ROWS: Final = 5
LEAST_SHARE: Final = 0.001
LEAST_LIFT: Final = 10.0

End: TypeAlias = Literal["opens", "closes"]

TemplateCounts: TypeAlias = dict[str, tuple[int, float]]
"""`opens with\\tas a matter of fact`: rows that have it and rows expected to."""


class Template(Record):
    """Five words that many replies open or close with."""

    schema_id = "holdtrue.audit-template/1"

    end: End
    words: str
    rows: int = Field(ge=1)
    expected: float = Field(ge=0)
    """Rows that would have it if the words at its places were independent of each other."""


def count_templates(text: Text) -> TemplateCounts:
    """Count the first and the last five words of each reply, and keep those seen twice or more.

    Replies of fewer than ten words are left out: their opening is their closing. What is expected is
    n * prod_j share_j, with share_j the share of the n replies that have that word at that place.

    Args:
        text: some rows' replies.
    """
    words = text.words
    rows = np.flatnonzero(words.counts >= 2 * WORDS)
    found: TemplateCounts = {}
    if rows.size:
        found.update(_end(text, words, words.firsts[rows], "opens"))
        found.update(_end(text, words, words.firsts[rows + 1] - WORDS, "closes"))
    return found


def merge_templates(counts: TemplateCounts, more: TemplateCounts, keep: int = 2 * KEPT) -> None:
    """Add a part's counts to others, and drop the rarest beyond `keep`."""
    for key, (rows, expected) in more.items():
        before = counts.get(key, (0, 0.0))
        counts[key] = (before[0] + rows, before[1] + expected)
    if len(counts) > keep:
        kept = nlargest(keep, counts.items(), key=lambda item: (item[1][0], item[0]))
        counts.clear()
        counts.update(kept)


def common_templates(counts: TemplateCounts, rows: int) -> tuple[Template, ...]:
    """Those that stand out, the commonest first: in at least 0.1 % of rows, 5 rows, and ten times as expected.

    Args:
        counts: of all parts.
        rows: of the dataset.
    """
    least = max(LEAST_ROWS, LEAST_SHARE * rows)
    chosen = [(key, n, expected) for key, (n, expected) in counts.items() if n >= least and n >= LEAST_LIFT * expected]
    return tuple(_templates(nlargest(REPORTED, chosen, key=lambda each: (each[1], each[0]))))


def _templates(chosen: Iterable[tuple[str, int, float]]) -> Iterable[Template]:
    for key, n, expected in chosen:
        end, _, words = key.partition("\t")
        yield Template(end="opens" if end == "opens" else "closes", words=words, rows=n, expected=round(expected, 3))


def _end(text: Text, words: Words, firsts: Int[np.ndarray, " rows"], end: End) -> TemplateCounts:
    keys: UInt64[np.ndarray, " rows"] = np.zeros(firsts.size, np.uint64)
    share = np.ones(firsts.size)
    for place in range(WORDS):
        word = words.hashes[firsts + place]
        _, at, times = np.unique(word, return_inverse=True, return_counts=True)
        share *= times[at] / firsts.size
        keys = (keys ^ word) * np.uint64(0x9E3779B97F4A7C15)
    _, example, times = np.unique(keys, return_index=True, return_counts=True)
    seen = np.flatnonzero(times >= 2)
    seen = seen[np.argsort(-times[seen], kind="stable")[:KEPT_OF_PART]]
    found: TemplateCounts = {}
    for at, n in zip(example[seen].tolist(), times[seen].tolist(), strict=True):
        of = slice(firsts[at], firsts[at] + WORDS)
        spelt = " ".join(map(text.phrase, words.begins[of].tolist(), words.ends[of].tolist()))
        found[f"{end}\t{spelt}"] = (n, float(share[at] * firsts.size))
    return found
