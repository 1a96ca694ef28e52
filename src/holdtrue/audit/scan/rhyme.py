"""Whether a reply closes with a rhyme, told from the spelling of English words alone."""

from typing import Final

import numpy as np
from jaxtyping import Bool, Int, UInt8

from holdtrue.audit.scan.characters import NEWLINE
from holdtrue.audit.scan.layout import Text

__all__ = ["closing_rhyme"]

LONGEST: Final = 12
"""Letters of a word that are looked at, from its end."""
VOWELS: Final = np.frombuffer(b"aeiouy", np.uint8)
SENTENCE_ENDS: Final = np.frombuffer(b".!?;", np.uint8)
WEAK: Final = (
    *("a", "e", "i", "o", "u", "y", "al", "an", "ed", "en", "er", "es", "on", "or", "ant", "ent", "ers", "ies", "ing"),
    *("ion", "ive", "ous", "able", "ible", "ings", "ions", "ment", "ness"),
)
"""Endings that carry no stress, so that agreeing in them alone is no rhyme: the vowel before must agree as well."""


def closing_rhyme(text: Text) -> Bool[np.ndarray, " rows"]:
    """Whether the last two lines end in different words that rhyme by their spelling.

    A text of one line is judged by its last two sentences. Words rhyme when they agree from their last vowels on (a
    silent e at the end doesn't count as one), in two letters or more; where that is an ending without stress, such as
    -ing, from the vowels before it on. So `night` rhymes with `light` and `baking` with `making`, not with `riding`;
    and `time` does not rhyme with `rhyme`, which only the ear knows.

    Args:
        text: the replies.
    """
    found = np.zeros(text.sizes.size, bool)
    rows, last, before = _closing_words(text)
    if rows.size:
        one, two = _letters(text, before), _letters(text, last)
        found[rows] = _agree(one, two) & (text.words.hashes[last] != text.words.hashes[before])
    return found


def _closing_words(text: Text) -> tuple[Int[np.ndarray, " some"], Int[np.ndarray, " some"], Int[np.ndarray, " some"]]:
    """Rows that have two lines or two sentences, with the numbers of the words that end them."""
    words = text.words
    newline = np.flatnonzero(text.kinds == NEWLINE)
    stop = np.flatnonzero(np.isin(text.codes, SENTENCE_ENDS)) if text.ascii else _wide_stops(text)
    second = _second_to_last(words.ends, words.firsts, newline)
    in_one_line = second < 0
    second[in_one_line] = _second_to_last(words.ends, words.firsts, stop)[in_one_line]
    rows = np.flatnonzero(second >= 0)
    return rows, words.firsts[rows + 1] - 1, second[rows]


def _wide_stops(text: Text) -> Int[np.ndarray, " stops"]:
    narrow = text.codes < 128
    return np.flatnonzero(narrow & np.isin(text.codes.astype(np.uint8), SENTENCE_ENDS))


def _second_to_last(
    ends: Int[np.ndarray, " words"], firsts: Int[np.ndarray, " rows_and_one"], breaks: Int[np.ndarray, " breaks"]
) -> Int[np.ndarray, " rows"]:
    """For each row the last word but for those after its last break, or -1."""
    # Each break closes the word before it; of a row's closed words the last one that isn't the row's last word counts.
    closed = np.unique(np.searchsorted(ends, breaks, side="right") - 1)
    last = firsts[1:] - 1
    at = np.searchsorted(closed, last) - 1
    word = np.where(at >= 0, closed[at] if closed.size else -1, -1)
    return np.where(word >= firsts[:-1], word, -1)


def _letters(text: Text, words: Int[np.ndarray, " some"]) -> UInt8[np.ndarray, "some letters"]:
    """The words' last letters, the very last first; 0 beyond a word and for other than a-z."""
    place = text.words.ends[words][:, None] - 1 - np.arange(LONGEST)
    codes = text.folded[np.maximum(place, 0)]
    plain = (place >= text.words.begins[words][:, None]) & (codes >= ord("a")) & (codes <= ord("z"))
    letters: UInt8[np.ndarray, "some letters"] = np.where(plain, codes, 0).astype(np.uint8)
    return letters


def _agree(one: UInt8[np.ndarray, "some letters"], two: UInt8[np.ndarray, "some letters"]) -> Bool[np.ndarray, " some"]:
    ends_one, ends_two = _tails(one), _tails(two)
    shared = np.cumprod(one == two, axis=1).sum(1)  # letters that agree, from the end on
    short, long = ends_one[0], ends_one[1]
    strong = (short >= 2) & (short == ends_two[0]) & (shared >= short) & ~_weak(one, short)
    agreed: Bool[np.ndarray, " some"] = strong | ((long > short) & (long == ends_two[1]) & (shared >= long))
    return agreed


def _tails(letters: UInt8[np.ndarray, "some letters"]) -> tuple[Int[np.ndarray, " some"], Int[np.ndarray, " some"]]:
    """How many letters there are from the last group of vowels on, and from the one before it on; 0 for none."""
    vowel = np.isin(letters, VOWELS)
    silent = (letters[:, 0] == ord("e")) & ~vowel[:, 1] & vowel[:, 2:].any(1)
    vowel[silent, 0] = False
    first = _group_end(vowel, np.zeros(len(letters), np.int64))
    return first, np.where(first > 0, _group_end(vowel, first), 0)


def _group_end(vowel: Bool[np.ndarray, "some letters"], start: Int[np.ndarray, " some"]) -> Int[np.ndarray, " some"]:
    places = np.arange(vowel.shape[1])
    later = vowel & (places >= start[:, None])
    begin = later.argmax(1)
    consonant = ~vowel & (places > begin[:, None])
    end = np.where(consonant.any(1), consonant.argmax(1), vowel.shape[1])
    return np.where(later.any(1), end, 0)


def _weak(letters: UInt8[np.ndarray, "some letters"], length: Int[np.ndarray, " some"]) -> Bool[np.ndarray, " some"]:
    kept = np.where(np.arange(letters.shape[1]) < length[:, None], letters, 0)
    width = max(map(len, WEAK))
    endings = np.array([list(each[::-1].encode().ljust(width, b"\0")) for each in WEAK], np.uint8)
    weak: Bool[np.ndarray, " some"] = (kept[:, None, :width] == endings[None]).all(2).any(1) & (length <= width)
    return weak
