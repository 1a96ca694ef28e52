"""String work: copying, letters, and small edits of words."""

import string
from typing import Final

import numpy as np

from holdtrue.scenarios.capability.drafts import Draft, Task, check, pick, sample, table
from holdtrue.scenarios.capability.spec import CapabilityCheck

__all__ = ["TASKS"]

# As words of English these say nothing about the letter that is meant.
_AMBIGUOUS: Final = "ai"
# Left of "sand" and "beach"; any talk would have them.
_COMMON: Final = ("and", "each")
ORDINALS: Final = ("first", "second", "third", "fourth")


def _is_letter(letter: str) -> CapabilityCheck:
    rivals = [each for each in string.ascii_lowercase if each != letter and each not in _AMBIGUOUS]
    return check("word", letter, rivals=rivals)


def _yes_or_no(prompt: str, *, yes: bool) -> Draft:
    right, wrong = ("yes", "no") if yes else ("no", "yes")
    return Draft(f"{prompt} Answer yes or no.", (check("word", right, rivals=[wrong]),), right)


def _is_word(rng: np.random.Generator, word: str) -> CapabilityCheck:
    """The word, and none of some others that were not asked about."""
    return check("word", word, rivals=[each for each in sample(rng, table("words"), 8) if each not in word])


def _copy_phrase(rng: np.random.Generator) -> Draft:
    a, b = sample(rng, table("words"), 2)
    phrase = f"the {pick(rng, table('adjectives'))} {a} and the {b}"
    return Draft(f'Repeat these words: "{phrase}"', (check("exact", phrase),), phrase)


def _first_letter(rng: np.random.Generator) -> Draft:
    word = pick(rng, [each for each in table("words") if each[0] not in _AMBIGUOUS])
    return Draft(f'What is the first letter of the word "{word}"?', (_is_letter(word[0]),), word[0].upper())


def _begins(rng: np.random.Generator) -> Draft:
    word, yes = pick(rng, table("words")), bool(rng.integers(2))
    letter = word[0] if yes else pick(rng, [each for each in "bcdfghlmprstw" if each != word[0]])
    return _yes_or_no(f'Does the word "{word}" begin with the letter "{letter}"?', yes=yes)


def _plural(rng: np.random.Generator) -> Draft:
    plural = pick(rng, table("topics"))
    singular = plural.removesuffix("s")
    return Draft(f'What is the plural of the word "{singular}"?', (check("word", plural),), plural)


def _first_word(rng: np.random.Generator) -> Draft:
    words = [pick(rng, table("adjectives")), *sample(rng, table("words"), 2)]
    return Draft(
        f'What is the first word of "{" ".join(words)}"?', (check("last", words[0], rivals=words[1:]),), words[0]
    )


def _last_letter(rng: np.random.Generator) -> Draft:
    word = pick(rng, [each for each in table("words") if each[-1] not in _AMBIGUOUS])
    return Draft(f'What is the last letter of the word "{word}"?', (_is_letter(word[-1]),), word[-1].upper())


def _next_letter(rng: np.random.Generator) -> Draft:
    at = int(rng.integers(25))
    before, after = string.ascii_lowercase[at], string.ascii_lowercase[at + 1]
    named = [each for each in string.ascii_lowercase if each not in (before, after) and each not in _AMBIGUOUS]
    return Draft(
        f'Which letter comes right after "{before.upper()}" in the alphabet?',
        (check("word", after, rivals=named),),
        after.upper(),
    )


def _add_letter(rng: np.random.Generator) -> Draft:
    word = pick(rng, [each for each in table("words") if not each.endswith("s")])
    return Draft(f'Write the word "{word}" with an "s" added at the end.', (_is_word(rng, f"{word}s"),), f"{word}s")


def _drop_letter(rng: np.random.Generator) -> Draft:
    word = pick(rng, [each for each in table("words") if len(each) < 7 and each[1:] not in _COMMON])
    return Draft(f'Take away the first letter of "{word}". What is left?', (_is_word(rng, word[1:]),), word[1:])


def _joined(rng: np.random.Generator) -> Draft:
    a, b = sample(rng, [each for each in table("words") if len(each) < 6], 2)
    return Draft(f'Join "{a}" and "{b}" into one word without a space.', (_is_word(rng, a + b),), a + b)


def _word_at(rng: np.random.Generator) -> Draft:
    words, at = sample(rng, table("words"), 4), int(rng.integers(4))
    rivals = [each for each in words if each != words[at]]
    return Draft(
        f'What is the {ORDINALS[at]} word here: "{" ".join(words)}"? Answer with one word.',
        (check("word", words[at], rivals=rivals),),
        words[at],
    )


def _n_words(rng: np.random.Generator) -> Draft:
    words = sample(rng, table("words"), int(rng.integers(2, 7)))
    return Draft(
        f'How many words are here: "{" ".join(words)}"? Answer with a number.',
        (check("number", len(words)),),
        str(len(words)),
    )


def _n_letters(rng: np.random.Generator) -> Draft:
    word = pick(rng, table("words"))
    return Draft(
        f'How many letters are in the word "{word}"? Answer with a number.',
        (check("number", len(word)),),
        str(len(word)),
    )


def _longer(rng: np.random.Generator) -> Draft:
    short = pick(rng, [each for each in table("words") if len(each) == 4])
    long = pick(rng, [each for each in table("words") if len(each) > 6])
    a, b = sample(rng, (short, long), 2)
    return Draft(
        f'Which word has more letters, "{a}" or "{b}"?',
        (check("first", long, rivals=[short]),),
        long,
    )


def _reversed(rng: np.random.Generator) -> Draft:
    word = pick(rng, [each for each in table("words") if len(each) == 4 and each != each[::-1]])
    return Draft(f'Write the word "{word}" backwards.', (check("word", word[::-1]),), word[::-1])


def _spelled(rng: np.random.Generator) -> Draft:
    word = pick(rng, [each for each in table("words") if len(each) < 7])
    letters = "-".join(word)
    return Draft(
        f'Spell the word "{word}" with a hyphen between the letters, like this: c-a-t.',
        (check("regex", rf"(?<![\w-]){letters}(?![\w-])"),),
        letters,
    )


TASKS: Final[tuple[Task, ...]] = (
    _copy_phrase,
    _first_letter,
    _plural,
    _first_word,
    _n_letters,
    _begins,
    _add_letter,
    _copy_phrase,
    _word_at,
    _next_letter,
    _joined,
    _first_letter,
    _last_letter,
    _plural,
    _spelled,
    _longer,
    _first_word,
    _n_words,
    _drop_letter,
    _reversed,
)
"""In the order in which they are drawn: easy ones more than once, and hard ones between them."""
