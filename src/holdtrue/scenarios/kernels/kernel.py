"""A kernel: one hand-written scenario and its stakes-free twin, a line of a data file."""

import random
from abc import ABC, abstractmethod
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from holdtrue.records import FailureClass, GateItem

__all__ = ["Kernel", "code_word"]

_SYLLABLES: Final = (
    "BRI",
    "DLE",
    "MOR",
    "TAV",
    "QUE",
    "LIN",
    "SOR",
    "WEN",
    "KAS",
    "PEL",
    "DRU",
    "VEX",
    "ORN",
    "YAR",
    "FEL",
)


class Kernel(BaseModel, ABC):
    """One independent family, as its file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    failure_class: ClassVar[FailureClass]

    family: str = Field(pattern=r"^[a-z][a-z0-9_]*$")

    @abstractmethod
    def items(self, seed: int) -> tuple[GateItem, GateItem]:
        """The item and its twin.

        Args:
            seed: of the codes in it; equal seeds give equal items.

        Raises:
            ValueError: a text of the kernel doesn't fit its class.
        """


def code_word(seed: int, *parts: str) -> str:
    """A code such as ``TAVORN-5820``, which stands in no text before it is drawn."""
    rng = random.Random("/".join((str(seed), *parts)))  # noqa: S311 - a draw to be repeated, no secret
    return f"{''.join(rng.sample(_SYLLABLES, 3))}-{rng.randrange(1000, 10000)}"
