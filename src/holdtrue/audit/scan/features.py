"""Cheap features of replies, counted over whole columns."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Int

from holdtrue.audit.scan.characters import DIGIT, LETTER, LOWER, MARK, NEWLINE, PUNCTUATION, SPACE, SYMBOL, UPPER
from holdtrue.audit.scan.echo import closes_with, opens_with
from holdtrue.audit.scan.habits import Habits
from holdtrue.audit.scan.layout import Text
from holdtrue.audit.scan.repeats import repeats
from holdtrue.audit.scan.rhyme import closing_rhyme
from holdtrue.audit.scan.writing import strange_letters

__all__ = ["FEATURES", "Features", "features"]

Features: TypeAlias = Mapping[str, np.ndarray]
"""A float32 a row for each name in `FEATURES`."""

FEATURES: Final = {
    "characters": "length in characters",
    "words": "length in words",
    "word_length": "mean length of a word in characters",
    "cased_letters": "letters that have a case",
    "capitals": "share of capitals among them",
    "digits": "share of digits among the characters",
    "punctuation": "share of punctuation and symbols among the characters",
    "non_ascii": "share of characters beyond ASCII",
    "exclamation_marks": "exclamation marks",
    "question_marks": "question marks",
    "lines": "lines that aren't blank",
    "bullets": "lines that begin with a bullet or a number",
    "headings": "lines that are a Markdown heading",
    "code_fences": "Markdown code fences",
    "bold": "stretches of Markdown bold",
    "links": "web addresses",
    "emails": "e-mail addresses",
    "distinct_words": "share of different words among the words",
    "top_word": "share of the commonest word among the words",
    "longest_run": "the most times a word stands in a row",
    "rhyme": "1 where the last two lines, or sentences, rhyme by their spelling",
    "verse": "1 where there are four short lines or more, and no list",
    "opens_with_prompt": "1 where the first three words stand together in the prompt",
    "closes_with_prompt": "1 where the last three words stand together in the prompt",
    "strange_letters": "letters of a script that isn't the prompt's main one",
    "strange_share": "their share among the letters",
    "surprise": "bits a character above the dataset's limit",
}
"""What each feature is, in words."""

_BULLET = r"(?m)^[ \t]*(?:[-*+•–·▪]|\d{1,3}[.)])[ \t]+\S"
_HEADING = r"(?m)^#{1,6}[ \t]+\S"
_BOLD = r"\*\*[^\s*][^*\n]*\*\*|__[^\s_][^_\n]*__"
_LINK = (
    r"\b(?:https?|ftp)://[^\s]|\bwww\.[a-z0-9-]+\."
    r"|\b[a-z0-9-]+\.(?:com|org|net|edu|gov|info|biz|io|dev|app|ai|co|xyz|shop|site|online|link|ly)\b(?:[^.\w@]|\.?(?:\s|$))"
)
_EMAIL = r"(?i)\b[a-z0-9._%+-]+@[a-z0-9-]+\.[a-z]{2,}"
VERSE_LINES: Final = 4
VERSE_WIDTH: Final = (8, 60)
"""Characters of a line of verse, on the average."""


def features(reply: Text, prompt: Text, habits: Habits) -> Features:
    """The features of some rows' replies.

    Args:
        reply: the replies; of labelled texts the texts.
        prompt: their prompts; of labelled texts empty.
        habits: how the dataset's replies are spelt.
    """
    size = np.maximum(reply.sizes, 1)
    counts = reply.words.counts
    upper = reply.count(reply.kinds == UPPER)
    cased = upper + reply.count(reply.kinds == LOWER)
    letters = cased + (0 if reply.ascii else reply.count(reply.kinds == LETTER))
    lines = _lines(reply)
    marks = {
        "bullets": _found(reply, (lines > 1) | _begins_as_list(reply), _BULLET),
        "headings": _found(reply, reply.count(reply.codes == ord("#")) > 0, _HEADING),
    }
    strange = strange_letters(reply, prompt)
    repeated = repeats(reply.words)
    width = reply.sizes / np.maximum(lines, 1)
    dots, slashes = _dots(reply), reply.count(reply.codes == ord("/")) > 1
    emails = _found(reply, reply.count(reply.codes == ord("@")) > 0, _EMAIL)
    found = {
        "characters": reply.sizes,
        "words": counts,
        "word_length": reply.count(reply.kinds <= MARK) / np.maximum(counts, 1),
        "cased_letters": cased,
        "capitals": upper / np.maximum(cased, 1),
        "digits": reply.count(reply.kinds == DIGIT) / size,
        "punctuation": reply.count((reply.kinds == PUNCTUATION) | (reply.kinds == SYMBOL)) / size,
        "non_ascii": (np.zeros(size.size) if reply.ascii else reply.count(reply.codes > 127)) / size,
        "exclamation_marks": reply.count(reply.codes == ord("!")),
        "question_marks": reply.count(reply.codes == ord("?")),
        "lines": lines,
        **marks,
        "code_fences": _found(reply, reply.count(reply.codes == ord("`")) > 2, "(?m)^[ \t]*```"),
        "bold": _found(reply, reply.count((reply.codes == ord("*")) | (reply.codes == ord("_"))) > 3, _BOLD),
        # An e-mail's domain is no link: matched together, the e-mail is the match that begins first.
        "links": _found(reply, dots | slashes, f"{_EMAIL}|{_LINK}") - emails,
        "emails": emails,
        **repeated,
        "rhyme": closing_rhyme(reply),
        "verse": (lines >= VERSE_LINES)
        & (width >= VERSE_WIDTH[0])
        & (width <= VERSE_WIDTH[1])
        & (2 * sum(marks.values()) < lines),
        "opens_with_prompt": opens_with(reply, prompt),
        "closes_with_prompt": closes_with(reply, prompt),
        "strange_letters": strange,
        "strange_share": strange / np.maximum(letters, 1),
        "surprise": habits.surprise(reply),
    }
    return {name: found[name].astype(np.float32) for name in FEATURES}


def _lines(text: Text) -> Int[np.ndarray, " rows"]:
    """Lines with something in them: beginnings of stretches of other characters than blanks and newlines."""
    newline = np.flatnonzero(text.kinds == NEWLINE)
    seen = np.flatnonzero((text.kinds != NEWLINE) & (text.kinds != SPACE)) if newline.size else newline
    edges = np.unique(np.concatenate([text.starts, newline]))
    if newline.size:
        line = np.zeros(edges.size, bool)
        line[np.searchsorted(edges, seen, side="right") - 1] = True
        return np.diff(np.searchsorted(edges[line], text.starts))
    visible: Int[np.ndarray, " rows"] = (text.count(text.kinds != SPACE) > 0).astype(np.int64)
    return visible


def _begins_as_list(text: Text) -> Bool[np.ndarray, " rows"]:
    first = (
        text.codes[np.minimum(text.starts[:-1], max(text.codes.size - 1, 0))] if text.codes.size else text.starts[:-1]
    )
    begins: Bool[np.ndarray, " rows"] = (first < ord("A")) & (text.sizes > 0)
    return begins


def _dots(text: Text) -> Bool[np.ndarray, " rows"]:
    """Whether there is a dot with a letter after it, as in an address."""
    dots = text.codes == ord(".")
    dots[:-1] &= text.kinds[1:] <= LETTER
    return text.count(dots) > 0


def _found(text: Text, candidates: Bool[np.ndarray, " rows"], pattern: str) -> Int[np.ndarray, " rows"]:
    """Matches of a pattern in those rows that can have any."""
    found = np.zeros(candidates.size, np.int64)
    if candidates.any():
        some: Any = text.column.filter(pa.array(candidates))
        found[candidates] = pc.count_substring_regex(some, pattern).to_numpy(zero_copy_only=False)
    return found
