"""Characters that a reader doesn't see, or takes for others: invisible, bidirectional, tag, private, look-alikes."""

from collections import Counter
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Int, UInt32

from holdtrue.audit.scan.characters import (
    BIDIRECTIONAL,
    CONTROL,
    DIGIT,
    INVISIBLE,
    LETTER,
    MARK,
    PRIVATE,
    SYMBOL,
    TAG,
    UNASSIGNED,
    VARIATION,
    scripts,
)
from holdtrue.audit.scan.layout import Text

__all__ = ["CLASSES", "Hidden", "hidden_text"]

CLASSES: Final = {
    INVISIBLE: "invisible",
    BIDIRECTIONAL: "bidirectional",
    TAG: "tag",
    PRIVATE: "private use",
    VARIATION: "variation selector",
    CONTROL: "control",
    UNASSIGNED: "unassigned",
}
LOOK_ALIKE: Final = "look-alike"
JOINERS: Final = (0x200B, 0x200C, 0x200D)
ZERO_WIDTH_JOINER: Final = 0x200D
FLAG: Final = 0x1F3F4
FLAG_TAGS: Final = 7
"""Tags that spell a region's flag after the black one, the closing one included (Unicode Technical Standard 51)."""
MARKED: Final = (0x061C, 0x200E, 0x200F)
SOFT_HYPHEN: Final = 0x00AD
LOOK_ALIKES: Final = frozenset(map(ord, "аеорсухіјѕһԁԛԝАВЕКМНОРСТУХІЈЅοναρτυικΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"))
"""Cyrillic and Greek letters that look like Latin ones (from the confusables of Unicode Technical Standard 39)."""
JOINING: Final = frozenset(
    {"ARABIC", "SYRIAC", "NKO", "MONGOLIAN", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL",
     "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "KHMER", "MYANMAR", "TIBETAN", "THAI", "LAO"}
)  # fmt: skip
RIGHT_TO_LEFT: Final = frozenset({"HEBREW", "ARABIC", "SYRIAC", "THAANA", "NKO"})


@final
@dataclass(frozen=True)
class Hidden:
    """What a column hides."""

    rows: Bool[np.ndarray, " rows"]
    code_points: Counter[str]
    """`U+202E`: how often."""
    classes: Counter[str]
    """`bidirectional`: in how many rows."""
    by_class: dict[str, Int[np.ndarray, " _"]]
    """`bidirectional`: which rows, ascending."""


def hidden_text(text: Text) -> Hidden:
    """Find hidden characters and words that mix look-alikes with Latin letters.

    What scripts and emoji need is no finding: joiners beside letters of joining scripts or inside emoji, variation
    selectors after symbols, flags' tags, direction marks beside right-to-left letters, and soft hyphens inside words.

    Args:
        text: a column.
    """
    found = np.zeros(text.sizes.size, bool)
    points: Counter[str] = Counter()
    by_class: dict[str, Int[np.ndarray, " _"]] = {}
    places = np.flatnonzero(text.kinds >= INVISIBLE)
    places = places[~_ordinary(text, places)] if places.size else places
    kinds = text.kinds[places]
    for kind, name in CLASSES.items():
        _count(text, places[kinds == kind], name, found, points, by_class)
    if not text.ascii:
        _count(text, _look_alikes(text), LOOK_ALIKE, found, points, by_class)
    return Hidden(found, points, Counter({name: int(rows.size) for name, rows in by_class.items()}), by_class)


def _count(
    text: Text,
    places: Int[np.ndarray, " some"],
    name: str,
    found: Bool[np.ndarray, " rows"],
    points: Counter[str],
    by_class: dict[str, Int[np.ndarray, " _"]],
) -> None:
    if places.size:
        rows = np.unique(np.searchsorted(text.starts, places, side="right") - 1)
        found[rows] = True
        by_class[name] = rows
        codes, times = np.unique(text.codes[places], return_counts=True)
        for code, n in zip(codes.tolist(), times.tolist(), strict=True):
            points[f"U+{code:04X}"] += n


def _ordinary(text: Text, places: Int[np.ndarray, " some"]) -> Bool[np.ndarray, " some"]:
    """Which of the characters at some places their neighbours call for."""
    row = np.searchsorted(text.starts, places, side="right") - 1
    codes = text.codes[places].astype(np.uint32)
    before = _neighbour(text, places - 1, places > text.starts[row])
    after = _neighbour(text, places + 1, places + 1 < text.starts[row + 1])
    kind_before, kind_after = _kind(text, places - 1, before), _kind(text, places + 1, after)
    pictured = (kind_before == SYMBOL) | (before == 0xFE0F) | (kind_after == SYMBOL)
    ordinary: Bool[np.ndarray, " some"] = np.isin(codes, JOINERS) & (_of(JOINING, before) | _of(JOINING, after))
    ordinary |= (codes == ZERO_WIDTH_JOINER) & pictured
    ordinary |= (text.kinds[places] == VARIATION) & (
        np.isin(kind_before, (SYMBOL, DIGIT)) | np.isin(before, (0x2A, 0x23, 0x203C, 0x2049)) | _of({"CJK"}, before)
    )
    ordinary |= np.isin(codes, MARKED) & (_of(RIGHT_TO_LEFT, before) | _of(RIGHT_TO_LEFT, after))
    ordinary |= (codes == SOFT_HYPHEN) & (kind_before <= LETTER) & (kind_after <= LETTER)
    # A byte-order mark at a text's beginning is a file's leftover.
    ordinary |= (codes == 0xFEFF) & (places == text.starts[row])
    tags = np.flatnonzero(text.kinds[places] == TAG)
    if tags.size:
        reach = np.maximum(places[tags][:, None] - np.arange(1, FLAG_TAGS), text.starts[row[tags]][:, None])
        ordinary[tags] = (text.codes[reach] == FLAG).any(1)
    return ordinary


def _neighbour(
    text: Text, places: Int[np.ndarray, " some"], inside: Bool[np.ndarray, " some"]
) -> UInt32[np.ndarray, " some"]:
    codes = text.codes[np.clip(places, 0, text.codes.size - 1)].astype(np.uint32)
    neighbour: UInt32[np.ndarray, " some"] = np.where(inside, codes, np.uint32(0)).astype(np.uint32)
    return neighbour


def _kind(text: Text, places: Int[np.ndarray, " some"], neighbour: UInt32[np.ndarray, " some"]) -> np.ndarray:
    kinds = text.kinds[np.clip(places, 0, text.kinds.size - 1)]
    return np.where(neighbour > 0, kinds, UNASSIGNED)


def _of(names: frozenset[str] | set[str], codes: UInt32[np.ndarray, " some"]) -> Bool[np.ndarray, " some"]:
    table, known = scripts()
    return np.isin(table[codes], [at for at, name in enumerate(known) if name in names])


def _look_alikes(text: Text) -> Int[np.ndarray, " some"]:
    """Places of Cyrillic and Greek look-alikes in words that have Latin letters besides."""
    places = np.flatnonzero(text.codes >= 0x370)
    places = places[np.isin(text.codes[places], np.fromiter(LOOK_ALIKES, np.uint32))]
    words = text.words
    if not places.size or not words.begins.size:
        return places[:0]
    word = np.searchsorted(words.begins, places, side="right") - 1
    # Only words with a look-alike are gone through: they are few where Latin is written, and whole texts elsewhere.
    latin = np.zeros(text.codes.size + 1, np.int64)
    np.cumsum((text.kinds <= MARK) & (text.folded >= ord("a")) & (text.folded <= ord("z")), out=latin[1:])
    mixed: Int[np.ndarray, " some"] = places[latin[words.ends[word]] > latin[words.begins[word]]]
    return mixed
