"""British and American spellings become one form, so that which of them is used is no choice of words."""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Final

__all__ = ["fold_spelling"]

# Both forms must become one, and different words stay two. What isn't a word ("promize") does no harm.
_RULES: Final = tuple(
    (re.compile(pattern), american)
    for pattern, american in (
        (r"([a-z]{2,})our(s|ed|ers?|ings?|ites?|itism|ful|fully|less|able|ably|hoods?|ly|ist|al|ally|y)?", "or"),
        (r"([a-z]{3,})is(e|es|ed|er|ers|ing|ingly|able|ation|ations|ational)", "iz"),
        (r"([a-z]{2,})ys(e|es|ed|er|ers|ing)", "yz"),
        (r"([a-z]{3,})ogue(s|d)?", "og"),
        # Two syllables at least: "filling" and "filing" are two words, "travelling" and "traveling" are one.
        (r"([a-z]*[aeiouy][a-z]*[^aeiou][aeiou])ll(ed|ing|ings|er|ers|or|ors|ous|ously|ery)", "l"),
        (r"([a-z]+dg)e(ment|ments)", ""),
    )
)


def fold_spelling(word: str) -> str:
    """The form that a word's regional spellings share.

    Args:
        word: in lower case.
    """
    listed, kept, stems = _tables()
    if word in listed:
        return listed[word]
    if "ae" in word or "oe" in word:
        word = next((new + word[len(old) :] for old, new in stems.items() if word.startswith(old)), word)
    if word in kept:
        return word
    for pattern, american in _RULES:
        if found := pattern.fullmatch(word):
            return f"{found[1]}{american}{found[2] or ''}"
    return word


@cache
def _tables() -> tuple[dict[str, str], frozenset[str], dict[str, str]]:
    data = json.loads((files("holdtrue.audit.population") / "data" / "spelling.json").read_text(encoding="utf-8"))
    pairs: dict[str, str] = {}
    prefixes = ("", "kilo", "centi", "milli", "deci", "hecto", "micro", "nano", "peri", "para")
    stems = [*data["er_stems"], *(prefix + end for prefix in prefixes for end in data["er_endings"])]
    for stem in stems:
        pairs |= {f"{stem}re{end}": f"{stem}er{end}" for end in ("", "s", "d")} | {f"{stem}red": f"{stem}ered"}
    return pairs | data["words"], frozenset(data["our_kept"]), data["ae_oe"]
