"""Arithmetic: from one-digit sums to a two-digit number times a small one."""

from typing import Final

import numpy as np

from holdtrue.scenarios.capability.drafts import Draft, Task, check, pick, sample, table

__all__ = ["TASKS"]


def _asked(prompt: str, result: int) -> Draft:
    return Draft(prompt, (check("number", result),), str(result))


def _draw(rng: np.random.Generator, least: int, most: int) -> int:
    return int(rng.integers(least, most + 1))


def _unequal(rng: np.random.Generator, least: int, most: int) -> tuple[int, int]:
    """Two different numbers: where one is asked for, an answer that only repeats the question must not pass."""
    one, other = sample(rng, range(least, most + 1), 2)
    return one, other


def _small_sum(rng: np.random.Generator) -> Draft:
    a, b = _draw(rng, 1, 9), _draw(rng, 1, 9)
    return _asked(f"{a} + {b} = ?", a + b)


def _tiny_sum(rng: np.random.Generator) -> Draft:
    a, b = _draw(rng, 1, 5), _draw(rng, 1, 5)
    return _asked(f"{a} + {b} = ?", a + b)


def _one_more(rng: np.random.Generator) -> Draft:
    a, b = sample(rng, (1, _draw(rng, 2, 30)), 2)
    return _asked(f"{a} + {b} = ?", a + b)


def _small_difference(rng: np.random.Generator) -> Draft:
    b, rest = _unequal(rng, 1, 9)
    return _asked(f"What is {b + rest} - {b}?", rest)


def _next_number(rng: np.random.Generator) -> Draft:
    a = _draw(rng, 1, 98)
    return _asked(f"Which number comes right after {a} when you count?", a + 1)


def _small_product(rng: np.random.Generator) -> Draft:
    a, b = _draw(rng, 2, 9), _draw(rng, 2, 9)
    return _asked(f"{a} x {b} = ?", a * b)


def _tens(rng: np.random.Generator) -> Draft:
    a, b = 10 * _draw(rng, 1, 9), 10 * _draw(rng, 1, 9)
    return _asked(f"What is {a} + {b}?", a + b)


def _bought(rng: np.random.Generator) -> Draft:
    name, things = pick(rng, table("names")), pick(rng, table("things"))
    a, b = _draw(rng, 2, 9), _draw(rng, 2, 9)
    return _asked(
        f"{name} has {a} {things} and buys {b} more. How many {things} does {name} have now? Answer with a number.",
        a + b,
    )


def _gave_away(rng: np.random.Generator) -> Draft:
    names, things = sample(rng, table("names"), 2), pick(rng, table("things"))
    b, rest = _unequal(rng, 1, 9)
    return _asked(
        f"{names[0]} has {b + rest} {things} and gives {b} of them to {names[1]}. "
        f"How many {things} does {names[0]} have left? Answer with a number.",
        rest,
    )


def _doubled(rng: np.random.Generator) -> Draft:
    a = _draw(rng, 2, 50)
    return _asked(f"What is double {a}?", 2 * a)


def _halved(rng: np.random.Generator) -> Draft:
    a = _draw(rng, 2, 50)
    return _asked(f"What is half of {2 * a}?", a)


def _two_digit_sum(rng: np.random.Generator) -> Draft:
    a, b = _draw(rng, 11, 89), _draw(rng, 11, 89)
    return _asked(f"Add {a} and {b}. What is the sum?", a + b)


def _two_digit_difference(rng: np.random.Generator) -> Draft:
    b, rest = _unequal(rng, 11, 49)
    return _asked(f"What is {b + rest} minus {b}?", rest)


def _quotient(rng: np.random.Generator) -> Draft:
    a, b = _unequal(rng, 2, 9)
    return _asked(f"{a * b} / {b} = ?", a)


def _three_terms(rng: np.random.Generator) -> Draft:
    a, b, c = (_draw(rng, 1, 9) for _ in range(3))
    return _asked(f"What is {a} + {b} + {c}?", a + b + c)


def _next_step(rng: np.random.Generator) -> Draft:
    start, step = _draw(rng, 1, 20), _draw(rng, 2, 10)
    shown = ", ".join(str(start + step * at) for at in range(4))
    return _asked(f"Count on by {step}: {shown}. What is the next number?", start + 4 * step)


def _larger_product(rng: np.random.Generator) -> Draft:
    a, b = _draw(rng, 12, 49), _draw(rng, 3, 9)
    return _asked(f"Multiply {a} by {b}. What do you get?", a * b)


TASKS: Final[tuple[Task, ...]] = (
    _tiny_sum,
    _bought,
    _small_sum,
    _one_more,
    _small_difference,
    _tens,
    _tiny_sum,
    _next_number,
    _small_product,
    _one_more,
    _bought,
    _gave_away,
    _small_sum,
    _doubled,
    _two_digit_sum,
    _tiny_sum,
    _quotient,
    _three_terms,
    _one_more,
    _next_step,
    _halved,
    _two_digit_difference,
    _larger_product,
)
"""In the order in which they are drawn: easy ones more than once, and hard ones between them."""
