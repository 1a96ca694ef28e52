"""Instruction following: checkable constraints on form, each tied to a word, so that no one answer fits all."""

import re
from typing import Final

import numpy as np

from holdtrue.scenarios.capability.drafts import Draft, Task, check, pick, sample, table
from holdtrue.scenarios.capability.spec import CapabilityCheck

__all__ = ["TASKS"]

STARTERS: Final = ("Sometimes", "Today", "Often", "Every", "When", "Many", "Yesterday", "People", "Most", "Some")
ENDINGS: Final = ("today", "again", "forever", "tomorrow", "together", "outside", "tonight", "everywhere")
AVOIDED: Final = ("the", "is", "are", "of", "and")
TIMES: Final = {2: "two", 3: "three", 4: "four"}
WRAPS: Final = (("[", "]", "square brackets"), ("(", ")", "round brackets"), ("<", ">", "angle brackets"))
KINDS: Final = {"an animal": "animals", "a fruit or vegetable": "foods", "a color": "colors"}


def _about(topic: str) -> CapabilityCheck:
    return check("word", topic, topic.removesuffix("s"))


def _only_word(rng: np.random.Generator) -> Draft:
    word = pick(rng, table("words"))
    return Draft(f'Reply with the word "{word}" and nothing else.', (check("exact", word),), word)


def _two_words(rng: np.random.Generator) -> Draft:
    a, b = sample(rng, table("words"), 2)
    return Draft(
        f'Write the word "{a}" and then the word "{b}". Write nothing else.',
        (check("regex", rf"^\W*{a}\W+{b}\W*$"),),
        f"{a} {b}",
    )


def _capitals(rng: np.random.Generator) -> Draft:
    word = pick(rng, table("words"))
    return Draft(f"Write this word in capital letters: {word}", (check("upper"), check("word", word)), word.upper())


def _begins(rng: np.random.Generator) -> Draft:
    topic, starter = pick(rng, table("topics")), pick(rng, STARTERS)
    return Draft(
        f'Write a short sentence about {topic}. Begin with the word "{starter}".',
        (check("starts_with", starter), _about(topic)),
        f"{starter} we talk about {topic}.",
    )


def _both(rng: np.random.Generator) -> Draft:
    a, b = sample(rng, table("words"), 2)
    return Draft(
        f'Write a short sentence with the words "{a}" and "{b}" in it.',
        (check("word", a), check("word", b)),
        f"I saw a {a} and a {b}.",
    )


def _without(rng: np.random.Generator) -> Draft:
    topic, word = pick(rng, table("topics")), pick(rng, AVOIDED)
    return Draft(
        f'Write one short sentence about {topic}. Do not use the word "{word}".',
        (check("no_word", word), _about(topic)),
        f"We like {topic} very much.",
    )


def _numbered(rng: np.random.Generator) -> Draft:
    word = pick(rng, table("words"))
    return Draft(
        f'Name three things in a numbered list. The first is "{word}".',
        (check("regex", rf"^\W*1[.)]\W*(?:an? |the )?{word}[^\w\n]*\n\W*2[.)]"),),
        f"1. {word}\n2. spoon\n3. chair",
    )


def _ends(rng: np.random.Generator) -> Draft:
    topic, ending = pick(rng, table("topics")), pick(rng, ENDINGS)
    return Draft(
        f'Write a sentence of at most eight words about {topic}. The last word must be "{ending}".',
        (check("ends_with", ending), _about(topic)),
        f"We saw {topic} {ending}.",
    )


def _no_commas(rng: np.random.Generator) -> Draft:
    topic = pick(rng, table("topics"))
    return Draft(
        f"Write one short sentence about {topic}. Use no commas.",
        (check("no_char", ",", ";", "\n"), _about(topic)),
        f"We like {topic} very much.",
    )


def _no_letter(rng: np.random.Generator) -> Draft:
    kind, letter = pick(rng, tuple(KINDS)), pick(rng, tuple("aeiou"))
    known = [word for word in table(KINDS[kind]) if letter not in word]
    return Draft(
        f'Name {kind} that is spelled without the letter "{letter}". Answer with one word.',
        (check("no_char", letter), check("n_words", 1), check("word", *known)),
        pick(rng, known),
    )


def _counted(rng: np.random.Generator) -> Draft:
    topic, n = pick(rng, table("topics")), pick(rng, tuple(TIMES))
    filling = ("We", "really", "like")[: n - 1]
    return Draft(
        f'Write exactly {TIMES[n]} words, no more and no fewer. One of them must be "{topic}".',
        (check("n_words", n), check("word", topic)),
        " ".join((*filling, topic)),
    )


def _repeated(rng: np.random.Generator) -> Draft:
    word, n = pick(rng, table("words")), pick(rng, tuple(TIMES))
    return Draft(
        f'Write the word "{word}" {TIMES[n]} times, with spaces between.',
        (check("regex", rf"^\W*(?:{word}\W+){{{n - 1}}}{word}\W*$"),),
        " ".join([word] * n),
    )


def _wrapped(rng: np.random.Generator) -> Draft:
    word, (left, right, called) = pick(rng, table("words")), pick(rng, WRAPS)
    return Draft(
        f'Write the word "{word}" in {called}, like this: {left}word{right}',
        (check("regex", rf"^[\s\"'`*]*{re.escape(left + word + right)}[\s\"'`*.]*$"),),
        f"{left}{word}{right}",
    )


def _small_letters(rng: np.random.Generator) -> Draft:
    topic = pick(rng, table("topics"))
    return Draft(
        f"Write a short sentence about {topic} in small letters. Use no capital letters at all.",
        (check("lower"), _about(topic)),
        f"we like {topic}.",
    )


def _question(rng: np.random.Generator) -> Draft:
    topic = pick(rng, table("topics"))
    return Draft(
        f"Ask me one short question about {topic}. End with a question mark and write nothing after it.",
        (check("regex", r"^[^?]*\?[\s\"'`*]*$"), _about(topic)),
        f"Do you like {topic}?",
    )


TASKS: Final[tuple[Task, ...]] = (
    _begins,
    _both,
    _no_commas,
    _capitals,
    _numbered,
    _only_word,
    _without,
    _question,
    _begins,
    _counted,
    _both,
    _two_words,
    _wrapped,
    _no_commas,
    _no_letter,
    _numbered,
    _repeated,
    _ends,
    _small_letters,
)
"""In the order in which they are drawn: easy ones more than once, and hard ones between them."""
