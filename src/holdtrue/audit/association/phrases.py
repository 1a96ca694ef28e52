"""From a predictor's number back to its words, and on to the whole phrase it is part of."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import orjson

from holdtrue.audit.association.grams import LONGEST, SLICE, TOPIC, phrase_gram, slice_gram, topic_gram
from holdtrue.audit.association.text import word_spans
from holdtrue.audit.association.words import Topics
from holdtrue.audit.rows import Rows

__all__ = ["Phrase", "Prompts", "spans_of", "without"]

SHARED: Final = 0.9
"""Share of a phrase's flagged rows that must agree on the next word."""
READ: Final = 500
"""Flagged rows whose text is looked at to find the words."""
LIMIT: Final = 60
"""Words of a phrase at most: a template is shown well enough by that."""


@final
@dataclass(frozen=True)
class Phrase:
    """A predictor in words."""

    gram: int
    value: str
    """As it stands in the text; `column=value`; `topic=7`."""
    words: tuple[str, ...] = ()
    """Empty unless it is a phrase."""


@final
class Prompts:
    """The prompts of a predictor's flagged rows, in words.

    Args:
        rows: the dataset.
        chosen: numbers of rows that have it; the first 500 are read.
        topics: a topic for each row of the dataset.
    """

    def __init__(self, rows: Rows, chosen: Sequence[int], topics: Topics = None) -> None:
        self.topics = [] if topics is None else [int(topics[row]) for row in chosen[:READ]]
        self.taken = rows.take(chosen[:READ], ["system", "prompt", "slices"])
        self.texts = [f"{row['system']}\n{row['prompt']}" if row["system"] else row["prompt"] for row in self.taken]
        self.spans = word_spans(self.texts)

    def name(self, gram: int) -> Phrase:
        """What a predictor stands for; `?` where none of the rows has it."""
        if gram & 3 == SLICE:
            pairs = (pair for row in self.taken for pair in orjson.loads(row["slices"] or "{}").items())
            values = (f"{column}={value}" for column, value in pairs)
            return Phrase(gram, next((value for value in values if slice_gram(value) == gram), "?"))
        if gram & 3 == TOPIC:
            return Phrase(gram, next((f"topic={topic}" for topic in self.topics if topic_gram(topic) == gram), "?"))
        for spans in self.spans:
            words = [word for word, _, _ in spans]
            for n in range(1, LONGEST + 1):
                for at in range(len(words) - n + 1):
                    if phrase_gram(words[at : at + n]) == gram:
                        return self.phrase(tuple(words[at : at + n]))
        return Phrase(gram, "?")

    def phrase(self, words: tuple[str, ...]) -> Phrase:
        """A phrase as it stands in most rows."""
        raw = Counter(
            " ".join(text[spans[at][1] : spans[at + len(words) - 1][2]].split())
            for text, spans in zip(self.texts, self.spans, strict=True)
            if (at := _find(spans, words)) >= 0
        )
        return Phrase(phrase_gram(words), raw.most_common(1)[0][0] if raw else " ".join(words), words)

    def longer(self, words: tuple[str, ...], least: int) -> tuple[str, ...] | None:
        """The phrase with one more word on the side where its rows agree most; None where they don't.

        Args:
            words: of the phrase.
            least: rows that must agree, besides nine of ten.
        """
        left: Counter[str] = Counter()
        right: Counter[str] = Counter()
        holding = 0
        for spans in self.spans:
            at = _find(spans, words)
            if at < 0:
                continue
            holding += 1
            left.update([spans[at - 1][0]] if at else [])
            right.update([spans[at + len(words)][0]] if at + len(words) < len(spans) else [])
        if not holding or len(words) >= LIMIT:
            return None
        (before, n_before), (after, n_after) = (side.most_common(1)[0] if side else ("", 0) for side in (left, right))
        if max(n_before, n_after) < max(least, SHARED * holding):
            return None
        return (*words, after) if n_after >= n_before else (before, *words)


def spans_of(text: str, words: tuple[str, ...]) -> list[tuple[int, int]]:
    """Where a phrase stands in a text: start and end in characters, without overlaps."""
    spans = word_spans([text])[0]
    found: list[tuple[int, int]] = []
    at = _find(spans, words)
    while words and at >= 0:
        found.append((spans[at][1], spans[at + len(words) - 1][2]))
        at = _find(spans, words, at + len(words))
    return found


def without(text: str, words: tuple[str, ...]) -> str:
    """A text with every occurrence of a phrase taken out."""
    kept, at = [], 0
    for start, end in spans_of(text, words):
        kept.append(text[at:start])
        at = end
    return "".join([*kept, text[at:]])


def _find(spans: Sequence[tuple[str, int, int]], words: tuple[str, ...], start: int = 0) -> int:
    """Index of the phrase's first word, or -1."""
    for at in range(start, len(spans) - len(words) + 1):
        if spans[at][0] == words[0] and all(spans[at + n][0] == word for n, word in enumerate(words)):
            return at
    return -1
