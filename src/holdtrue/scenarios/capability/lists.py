"""List work: picking, ordering and counting the items of short lists."""

from typing import Final

import numpy as np

from holdtrue.scenarios.capability.drafts import Draft, Task, check, pick, sample, table

__all__ = ["TASKS"]

KINDS: Final = {"animal": "animals", "color": "colors", "food": "foods"}
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _numbers(rng: np.random.Generator, n: int) -> list[int]:
    """Of two digits each: the numbering of a list that an answer may be set as is none of them."""
    return [int(each) + 10 for each in rng.permutation(90)[:n]]


def _one_of(prompt: str, options: list[str], right: str) -> Draft:
    return Draft(prompt, (check("word", right, rivals=[each for each in options if each != right]),), right)


def _first(rng: np.random.Generator) -> Draft:
    words = sample(rng, table("words"), int(rng.integers(3, 6)))
    return _one_of(f"What is the first item in this list? {', '.join(words)}", words, words[0])


def _last(rng: np.random.Generator) -> Draft:
    words = sample(rng, table("words"), int(rng.integers(3, 6)))
    return _one_of(f"What is the last word of this list: {', '.join(words)}?", words, words[-1])


def _second(rng: np.random.Generator) -> Draft:
    words = sample(rng, table("words"), 4)
    at = int(rng.integers(1, 3))
    return _one_of(
        f"What is item {at + 1} in this list? Answer with one word. "
        f"{', '.join(f'{place}. {word}' for place, word in enumerate(words, start=1))}",
        words,
        words[at],
    )


def _copied(rng: np.random.Generator) -> Draft:
    words = sample(rng, table("words"), 3)
    return Draft(f"Repeat this list: {', '.join(words)}", (check("list", *words),), ", ".join(words))


def _numbered(rng: np.random.Generator) -> Draft:
    words = sample(rng, table("words"), int(rng.integers(2, 5)))
    pattern = r"\n\s*".join(rf"{at}[.)][^\w\n]*{word}[^\w\n]*" for at, word in enumerate(words, start=1))
    return Draft(
        f"Write these words in a numbered list: {', '.join(words)}",
        (check("regex", rf"(?<!\w){pattern}(?!\w)"),),
        "\n".join(f"{at}. {word}" for at, word in enumerate(words, start=1)),
    )


def _appended(rng: np.random.Generator) -> Draft:
    *words, new = sample(rng, table("words"), 4)
    whole = [*words, new]
    return Draft(
        f'Write this list with "{new}" added at the end: {", ".join(words)}',
        (check("list", *whole),),
        ", ".join(whole),
    )


def _of_kind(rng: np.random.Generator) -> Draft:
    kind = pick(rng, tuple(KINDS))
    right = pick(rng, table(KINDS[kind]))
    options = sample(rng, [right, *sample(rng, table("tools"), 2)], 3)
    return _one_of(f"Name the {kind} in this list: {', '.join(options)}", options, right)


def _counted(rng: np.random.Generator) -> Draft:
    words = sample(rng, table("words"), int(rng.integers(2, 8)))
    return Draft(
        f"How many items are in this list? {', '.join(words)}. Answer with a number.",
        (check("number", len(words)),),
        str(len(words)),
    )


def _has(rng: np.random.Generator) -> Draft:
    *words, other = sample(rng, table("words"), 4)
    there = bool(rng.integers(2))
    asked = pick(rng, words) if there else other
    right, wrong = ("yes", "no") if there else ("no", "yes")
    return Draft(
        f'Here is a list: {", ".join(words)}. Is "{asked}" in it? Answer yes or no.',
        (check("word", right, rivals=[wrong]),),
        right,
    )


def _largest(rng: np.random.Generator) -> Draft:
    shown = list(map(str, _numbers(rng, 3)))
    right = max(shown)
    return Draft(
        f"Which of these numbers is the largest: {', '.join(shown)}?",
        (check("last", right, rivals=[each for each in shown if each != right]),),
        right,
    )


def _smallest(rng: np.random.Generator) -> Draft:
    shown = list(map(str, _numbers(rng, 3)))
    right = min(shown)
    return Draft(
        f"Which of these numbers is the smallest: {', '.join(shown)}?",
        (check("last", right, rivals=[each for each in shown if each != right]),),
        right,
    )


def _next_day(rng: np.random.Generator) -> Draft:
    at, step = int(rng.integers(7)), int(rng.integers(1, 4))
    shown = [DAYS[(at + place) % 7] for place in range(step)]
    right = DAYS[(at + step) % 7]
    rivals = [day for day in DAYS if day != right and day not in shown]
    return Draft(f"Which day comes next? {', '.join(shown)}, ...", (check("word", right, rivals=rivals),), right)


def _odd_one(rng: np.random.Generator) -> Draft:
    kind = pick(rng, tuple(KINDS.values()))
    odd = pick(rng, table("tools"))
    options = sample(rng, [odd, *sample(rng, table(kind), 3)], 4)
    return _one_of(f"Which word does not belong: {', '.join(options)}? Answer with one word.", options, odd)


def _sorted(rng: np.random.Generator) -> Draft:
    numbers = _numbers(rng, int(rng.integers(3, 5)))
    if numbers == sorted(numbers):
        numbers.reverse()
    right = list(map(str, sorted(numbers)))
    return Draft(
        f"Sort these numbers from smallest to largest: {', '.join(map(str, numbers))}",
        (check("list", *right),),
        ", ".join(right),
    )


def _reversed(rng: np.random.Generator) -> Draft:
    words = sample(rng, table("words"), 3)
    right = words[::-1]
    return Draft(
        f"Write this list in the opposite order: {', '.join(words)}", (check("list", *right),), ", ".join(right)
    )


def _alphabetical(rng: np.random.Generator) -> Draft:
    words = sample(rng, table("words"), 3)
    return _one_of(
        f"Which of these words comes first in the alphabet: {', '.join(words)}? Answer with one word.",
        words,
        min(words),
    )


TASKS: Final[tuple[Task, ...]] = (
    _first,
    _copied,
    _numbered,
    _largest,
    _counted,
    _of_kind,
    _last,
    _numbered,
    _copied,
    _next_day,
    _appended,
    _sorted,
    _has,
    _numbered,
    _second,
    _smallest,
    _reversed,
    _of_kind,
    _odd_one,
    _numbered,
    _alphabetical,
)
"""In the order in which they are drawn: easy ones more than once, and hard ones between them."""
