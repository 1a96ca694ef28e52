"""Texts that are nearly the same: families that look alike are no two independent ones."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from scipy.sparse import csr_array, triu
from scipy.sparse.csgraph import connected_components

from holdtrue.errors import SettingError

__all__ = ["NearDuplicates", "near_duplicates"]

WORD: Final = re.compile(r"\w+")
GRAM: Final = 3


@final
@dataclass(frozen=True)
class NearDuplicates:
    """Which texts are alike, and what is left if such count once."""

    pairs: tuple[tuple[int, int, float], ...]
    """Positions of two texts and their similarity, the most alike first."""
    groups: tuple[tuple[int, ...], ...]
    """All texts, those that a chain of pairs connects together; each group is one independent unit."""


def near_duplicates(texts: Sequence[str], threshold: float = 0.5) -> NearDuplicates:
    """Find texts whose word trigrams overlap: Jaccard similarity `|A and B| / |A or B|` of at least the threshold.

    Shingles and resemblance as in Broder (1997), On the resemblance and containment of documents. Case and punctuation
    don't count; a text of fewer than three words is one shingle; a text without a word is like no other.

    Args:
        texts: one for each family.
        threshold: the least similarity that makes two of them one.

    Raises:
        SettingError: a threshold outside 0 to 1, or 0 itself.
    """
    if not 0 < threshold <= 1:
        message = f"threshold {threshold} must be above 0 and at most 1, such as 0.5"
        raise SettingError(message)
    n = len(texts)
    if not n:
        return NearDuplicates((), ())
    known: dict[tuple[str, ...], int] = {}
    rows: list[int] = []
    columns: list[int] = []
    for at, text in enumerate(texts):
        for gram in _grams(text):
            rows.append(at)
            columns.append(known.setdefault(gram, len(known)))
    grams = csr_array((np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=(n, max(len(known), 1)))
    sizes = np.asarray(grams.sum(axis=1)).ravel()
    shared = triu(grams @ grams.T, k=1).tocoo()
    similarity = shared.data / (sizes[shared.row] + sizes[shared.col] - shared.data)
    alike = similarity >= threshold - 1e-12
    found = [
        (int(a), int(b), float(value))
        for a, b, value in zip(shared.row[alike], shared.col[alike], similarity[alike], strict=True)
    ]
    links = csr_array((np.ones(len(found)), ([a for a, _, _ in found], [b for _, b, _ in found])), shape=(n, n))
    _, labels = connected_components(links, directed=False)
    groups: dict[int, list[int]] = {}
    for at, label in enumerate(labels):
        groups.setdefault(int(label), []).append(at)
    return NearDuplicates(
        tuple(sorted(found, key=lambda pair: (-pair[2], pair[:2]))), tuple(tuple(group) for group in groups.values())
    )


def _grams(text: str) -> set[tuple[str, ...]]:
    words = WORD.findall(text.lower())
    if len(words) < GRAM:
        return {tuple(words)} if words else set()
    return set(zip(*(words[at:] for at in range(GRAM)), strict=False))
