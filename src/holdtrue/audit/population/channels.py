"""Replies in two channels: how they are laid out, and which words they choose."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import log1p
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_matrix

from holdtrue.audit.population.spelling import fold_spelling

__all__ = ["FORMAT_FEATURES", "Folded", "Vocabulary", "format_features", "presence"]

CUT: Final = 20_000
"""Characters of a reply that are looked at."""

_URL: Final = re.compile(r"https?://\S+")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SENTENCE_END: Final = re.compile(r"[.!?]+(?=\s|$)")
_BULLET: Final = re.compile(r"^[ \t]*[-*•+] ", re.MULTILINE)
_NUMBERED: Final = re.compile(r"^[ \t]*\d{1,3}[.)] ", re.MULTILINE)
_HEADING: Final = re.compile(r"^#{1,6} ", re.MULTILINE)
_MARKS: Final = ",.!?;:-—()\"'*#`_|/"

FORMAT_FEATURES: Final = (
    "characters", "words", "lines", "empty lines", "sentences", "word length", "sentence length", "capital letters",
    "words in capitals", "digits", "non-ASCII characters", "bullets", "numbered lines", "headings", "bold",
    "code blocks", "links", "ends in punctuation", "starts with a capital", *(f"mark {mark}" for mark in _MARKS),
)  # fmt: skip
"""Columns of `format_features`."""


@final
@dataclass(frozen=True)
class Folded:
    """Replies as numbers of folded words, one after the other."""

    ids: Int[np.ndarray, " tokens"]
    starts: Int[np.ndarray, " replies_and_one"]
    """Reply `i` is `ids[starts[i]:starts[i + 1]]`."""
    regional: Int[np.ndarray, " replies"]
    """Words of each reply whose spelling was folded."""

    @property
    def n(self) -> int:
        """Replies."""
        return len(self.starts) - 1

    @property
    def replies(self) -> Int[np.ndarray, " tokens"]:
        """For each token its reply."""
        return np.repeat(np.arange(self.n), np.diff(self.starts))

    def keep(self, kept: Bool[np.ndarray, " tokens"]) -> "Folded":
        """The same replies with some of their tokens."""
        counts = np.bincount(self.replies[kept], minlength=self.n)
        return Folded(self.ids[kept], np.concatenate([[0], np.cumsum(counts)]), self.regional)


@final
class Vocabulary:
    """Numbers for folded words: lower case, no markdown, no punctuation, no regional spelling."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._numbers: dict[str, int] = {}
        self._known: dict[str, tuple[int, bool]] = {}

    def fold(self, replies: Sequence[str]) -> Folded:
        """Read replies; new words get the next numbers.

        Args:
            replies: texts, cut at 20,000 characters.
        """
        found: list[np.ndarray] = []
        regional = np.zeros(len(replies), dtype=np.int64)
        for at, reply in enumerate(replies):
            read = [self._number(raw) for raw in _WORD.findall(_URL.sub(" ", reply[:CUT]).lower())]
            found.append(np.fromiter((number for number, _ in read), dtype=np.int32, count=len(read)))
            regional[at] = sum(folded for _, folded in read)
        starts = np.concatenate([[0], np.cumsum([len(each) for each in found])]).astype(np.int64)
        return Folded(np.concatenate([np.zeros(0, dtype=np.int32), *found]), starts, regional)

    def _number(self, raw: str) -> tuple[int, bool]:
        known = self._known.get(raw)
        if known is None:
            plain = raw.replace("’", "'").removesuffix("'s")
            word = fold_spelling(plain)
            number = self._numbers.setdefault(word, len(self._numbers))
            if number == len(self.words):
                self.words.append(word)
            known = self._known[raw] = (number, word != plain)
        return known


def presence(folded: Folded, words: int) -> csr_matrix:
    """Which reply has which word, as ones in a sparse matrix of replies x words.

    Args:
        folded: the replies.
        words: how many there are in the vocabulary.
    """
    seen = np.unique(folded.replies * words + folded.ids)
    return csr_matrix((np.ones(len(seen), dtype=np.float32), (seen // words, seen % words)), shape=(folded.n, words))


def format_features(replies: Sequence[str]) -> Float[np.ndarray, "replies features"]:
    """How replies are laid out, without any word of theirs: columns as in `FORMAT_FEATURES`.

    Counts enter as log(1 + count).

    Args:
        replies: texts, cut at 20,000 characters.
    """
    return np.array([_layout(reply[:CUT]) for reply in replies]).reshape(len(replies), len(FORMAT_FEATURES))


def _layout(text: str) -> list[float]:
    words = text.split()
    sentences = max(1, len(_SENTENCE_END.findall(text)))
    stripped = text.strip()
    counts = [
        len(text), len(words), text.count("\n"), text.count("\n\n"), sentences,
        len(text) / max(1, len(words)), len(words) / sentences, sum(map(str.isupper, text)),
        sum(len(word) > 1 and word.isupper() for word in words), sum(map(str.isdigit, text)),
        0 if text.isascii() else sum(ord(each) > 127 for each in text),
        len(_BULLET.findall(text)), len(_NUMBERED.findall(text)), len(_HEADING.findall(text)),
        text.count("**"), text.count("```"), text.count("://"),
        float(stripped[-1:] in ".!?"), float(stripped[:1].isupper()), *(text.count(mark) for mark in _MARKS),
    ]  # fmt: skip
    return [log1p(count) for count in counts]
