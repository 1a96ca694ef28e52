"""What each Unicode character is, as tables to look whole columns up in."""

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from jaxtyping import UInt8, UInt16

__all__ = [
    "BIDIRECTIONAL",
    "CONTROL",
    "DIGIT",
    "INVISIBLE",
    "LETTER",
    "LOWER",
    "MARK",
    "NEWLINE",
    "PRIVATE",
    "PUNCTUATION",
    "SPACE",
    "SYMBOL",
    "TAG",
    "UNASSIGNED",
    "UPPER",
    "VARIATION",
    "kinds",
    "scripts",
]

# In this order: those up to MARK make words, those from INVISIBLE on hide something.
LOWER: Final = 0
UPPER: Final = 1
LETTER: Final = 2
DIGIT: Final = 3
MARK: Final = 4
PUNCTUATION: Final = 5
SYMBOL: Final = 6
SPACE: Final = 7
NEWLINE: Final = 8
INVISIBLE: Final = 9
BIDIRECTIONAL: Final = 10
TAG: Final = 11
PRIVATE: Final = 12
VARIATION: Final = 13
CONTROL: Final = 14
UNASSIGNED: Final = 15

_SIZE = 0x110000
_OF_CATEGORY = {
    "Ll": LOWER, "Lu": UPPER, "Lt": UPPER, "Lm": LETTER, "Lo": LETTER,
    "Nd": DIGIT, "Nl": DIGIT, "No": DIGIT, "Mn": MARK, "Mc": MARK, "Me": MARK,
    "Pc": PUNCTUATION, "Pd": PUNCTUATION, "Ps": PUNCTUATION, "Pe": PUNCTUATION,
    "Pi": PUNCTUATION, "Pf": PUNCTUATION, "Po": PUNCTUATION,
    "Sm": SYMBOL, "Sc": SYMBOL, "Sk": SYMBOL, "So": SYMBOL,
    "Zs": SPACE, "Zl": NEWLINE, "Zp": NEWLINE,
    "Cf": INVISIBLE, "Co": PRIVATE, "Cc": CONTROL, "Cs": UNASSIGNED, "Cn": UNASSIGNED,
}  # fmt: skip
# Scripts by the first word of a letter's Unicode name; Japanese mixes three, so those are one.
_SCRIPT_WORDS = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "HALFWIDTH": "CJK", "FULLWIDTH": "LATIN"}


@cache
def kinds() -> UInt8[np.ndarray, " code_points"]:
    """For each code point its kind, from its general category (Unicode Standard Annex 44)."""
    codes = range(_SIZE)
    table = np.fromiter((_OF_CATEGORY[unicodedata.category(chr(code))] for code in codes), np.uint8, _SIZE)
    table[[0x09]] = SPACE
    table[[0x0A, 0x0B, 0x0C, 0x0D, 0x85]] = NEWLINE
    # Marks, letters and symbols to Unicode, but nothing to see.
    table[[0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0]] = INVISIBLE
    table[[0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]] = BIDIRECTIONAL
    table[0xE0000:0xE0080] = TAG
    table[[*range(0x180B, 0x180E), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]] = VARIATION
    # Signs that show, though Unicode counts them with the invisible ones: Arabic number signs and the like.
    table[[*range(0x0600, 0x0606), 0x06DD, 0x070F, 0x08E2, 0x110BD, 0x110CD]] = SYMBOL
    return table


@cache
def scripts() -> tuple[UInt16[np.ndarray, " code_points"], Sequence[str]]:
    """For each code point its script's number, 0 for what belongs to none, and the scripts' names."""
    names: dict[str, int] = {"": 0}
    table = np.zeros(_SIZE, np.uint16)
    for code in np.flatnonzero(kinds() <= LETTER).tolist():
        name = unicodedata.name(chr(code), "")
        first = name.split(" ", 1)[0].split("-", 1)[0]
        if first in {"MATHEMATICAL", "MICRO", "OHM", "FEMININE", "MASCULINE", "MODIFIER", ""}:
            continue
        table[code] = names.setdefault(_SCRIPT_WORDS.get(first, first), len(names))
    return table, tuple(names)
