"""Draw capability items: the six families in turn, so that every prefix is balanced."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, get_args

import numpy as np

from holdtrue.errors import SettingError
from holdtrue.scenarios.capability.arithmetic import TASKS as ARITHMETIC
from holdtrue.scenarios.capability.cloze import drafts, n_entries
from holdtrue.scenarios.capability.drafts import Draft, in_turn
from holdtrue.scenarios.capability.instruction import TASKS as INSTRUCTION
from holdtrue.scenarios.capability.lists import TASKS as LISTS
from holdtrue.scenarios.capability.reading import TASKS as READING
from holdtrue.scenarios.capability.spec import CapabilityItem, Family
from holdtrue.scenarios.capability.strings import TASKS as STRINGS

__all__ = ["capability_items", "n_capability_items"]

FAMILIES: Final[tuple[Family, ...]] = get_args(Family)

_DRAFTS: Final[dict[Family, Callable[[np.random.Generator], Iterator[Draft]]]] = {
    "arithmetic": lambda rng: in_turn(ARITHMETIC, rng),
    "instruction": lambda rng: in_turn(INSTRUCTION, rng),
    "strings": lambda rng: in_turn(STRINGS, rng),
    "lists": lambda rng: in_turn(LISTS, rng),
    "cloze": drafts,
    "reading": lambda rng: in_turn(READING, rng),
}


def n_capability_items() -> int:
    """How many there are: cloze is written by hand, and the other families stop where it does."""
    return len(FAMILIES) * n_entries()


def capability_items(n: int = 600, *, seed: int = 0) -> list[CapabilityItem]:
    """Distinct items with checkable answers, the same for the same seed.

    Families take turns, so that their sizes differ by one at most; a shorter draw is the beginning of a longer one.

    Args:
        n: how many.
        seed: of the draw, 0 or more.

    Raises:
        SettingError: `n` is under 1 or past what exists, or the seed is negative.
    """
    most = n_capability_items()
    if not 1 <= n <= most:
        message = f"n is {n}; there are 1 to {most} capability items to draw: ask for {most} or fewer"
        raise SettingError(message)
    if seed < 0:
        message = f"seed is {seed}; a draw of capability items takes a seed of 0 or more, such as 0"
        raise SettingError(message)
    drawn = [
        _DRAFTS[family](np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, at]))))
        for at, family in enumerate(FAMILIES)
    ]
    rounds = (each for number in range(n) for each in _round(drawn, number))
    return list(islice(rounds, n))


def _round(drawn: list[Iterator[Draft]], number: int) -> Iterator[CapabilityItem]:
    for family, source in zip(FAMILIES, drawn, strict=True):
        draft = next(source)
        yield CapabilityItem(
            id=f"{family}-{number:03d}",
            family=family,
            prompt=draft.prompt,
            checks=draft.checks,
            reference=draft.reference,
        )
