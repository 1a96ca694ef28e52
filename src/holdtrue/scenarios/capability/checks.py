"""Does an answer satisfy an item? Everything here is a pure function of text."""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Final

from holdtrue.scenarios.capability.spec import CapabilityCheck, CapabilityItem, CheckKind

__all__ = ["correct"]

# A minus belongs to the number only where it can't be an operator or a hyphen.
_NUMBER: Final = re.compile(r"(?<![\w.,)-])-?\d+(?:,\d{3})*(?:\.\d+)?|\d+(?:,\d{3})*(?:\.\d+)?")
_WORD: Final = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_NUMBER_WORDS: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_SENTENCE_END: Final = re.compile(r"[.!?](?=\s)|\n")
_AROUND: Final = " \t\n\r\"'`*“”‘’"


def correct(item: CapabilityItem, answer: str) -> bool:
    """Whether the answer passes every check of the item.

    Args:
        item: what was asked.
        answer: the model's words; an empty one never passes.
    """
    return bool(answer.strip()) and all(_PASSES[check.kind](check, answer) for check in item.checks)


def _number(check: CapabilityCheck, answer: str) -> bool:
    found = [Decimal(each.replace(",", "")) for each in _NUMBER.findall(answer)]
    if not found:
        found = [Decimal(_NUMBER_WORDS.index(word)) for word in _words(answer) if word in _NUMBER_WORDS]
    return bool(found) and any(found[-1] == Decimal(value) for value in check.values)


def _word(check: CapabilityCheck, answer: str) -> bool:
    # What a talkative model adds in later sentences, about the other things it was told, takes nothing back.
    for sentence in _SENTENCE_END.split(answer):
        has = any(_places(value, sentence) for value in check.values)
        if any(_places(rival, sentence) for rival in check.rivals):
            return False
        if has:
            return True
    return False


def _first(check: CapabilityCheck, answer: str) -> bool:
    right = [place for value in check.values for place in _places(value, answer)]
    wrong = [place for rival in check.rivals for place in _places(rival, answer)]
    return bool(right) and min(right) < min(wrong, default=len(answer))


def _last(check: CapabilityCheck, answer: str) -> bool:
    right = [place for value in check.values for place in _places(value, answer)]
    wrong = [place for rival in check.rivals for place in _places(rival, answer)]
    return bool(right) and max(right) > max(wrong, default=-1)


def _no_word(check: CapabilityCheck, answer: str) -> bool:
    return not any(_places(value, answer) for value in check.values)


def _list(check: CapabilityCheck, answer: str) -> bool:
    places = sorted((place, value) for value in check.values for place in _places(value, answer))
    # An answer may say the old list before the new one; what comes last is what it settles on.
    return tuple(value for _, value in places[-len(check.values) :]) == check.values


def _exact(check: CapabilityCheck, answer: str) -> bool:
    bare = answer.strip(_AROUND).removesuffix(".").strip(_AROUND).casefold()
    return bare in {value.casefold() for value in check.values}


def _regex(check: CapabilityCheck, answer: str) -> bool:
    return any(re.search(value, answer, re.IGNORECASE) for value in check.values)


def _starts_with(check: CapabilityCheck, answer: str) -> bool:
    words = _words(answer)
    return any(words[: len(_words(value))] == _words(value) for value in check.values)


def _ends_with(check: CapabilityCheck, answer: str) -> bool:
    words = _words(answer)
    return any(words[-len(_words(value)) :] == _words(value) for value in check.values)


def _n_words(check: CapabilityCheck, answer: str) -> bool:
    return str(len(_words(answer))) in check.values


def _no_char(check: CapabilityCheck, answer: str) -> bool:
    return not any(value.casefold() in answer.casefold() for value in check.values)


def _upper(check: CapabilityCheck, answer: str) -> bool:
    return answer.isupper()


def _lower(check: CapabilityCheck, answer: str) -> bool:
    return answer.islower()


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _places(phrase: str, text: str) -> list[int]:
    """Where a phrase stands as whole words; the letters behind an apostrophe are no word."""
    return [match.start() for match in _whole(phrase).finditer(text.casefold())]


@lru_cache(maxsize=4096)
def _whole(phrase: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w'’]){re.escape(phrase.casefold())}(?!\w)")


_PASSES: Final[dict[CheckKind, Callable[[CapabilityCheck, str], bool]]] = {
    "number": _number,
    "word": _word,
    "first": _first,
    "last": _last,
    "no_word": _no_word,
    "list": _list,
    "exact": _exact,
    "regex": _regex,
    "starts_with": _starts_with,
    "ends_with": _ends_with,
    "n_words": _n_words,
    "no_char": _no_char,
    "upper": _upper,
    "lower": _lower,
}
