"""The draw of families and of their variants, the same for every kind."""

import random
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from holdtrue.errors import SettingError

__all__ = ["drawn"]


@runtime_checkable
class _Drawable(Protocol):
    """What the draw needs of a family."""

    @property
    def family(self) -> str:
        """Its name."""
        ...

    @property
    def stratum(self) -> str:
        """What a subset is spread over."""
        ...

    @property
    def variants(self) -> int:
        """How many combinations of alternatives there are."""
        ...


F = TypeVar("F", bound=_Drawable)


def drawn(
    found: Sequence[F], kind: str, *, families: int | None, variants: int, seed: int
) -> Iterator[tuple[F, int, int]]:
    """Choose families, spread over their strata, and variants of each; equal arguments choose the same.

    The smaller of two subsets of one seed is part of the larger, and more variants begin with the same ones.

    Args:
        found: all families.
        kind: what they are, for the message and the draw.
        families: how many to take; None for all.
        variants: of each family; variant 0 takes the first alternative of every slot, whatever the seed.
        seed: of the draw.

    Yields:
        A family, the variant's number, and which combination of alternatives it is, in the order of `found`.

    Raises:
        SettingError: more families or variants than there are, or none.
    """
    if families is not None and not 1 <= families <= len(found):
        message = f"{families} families of kind '{kind}'; there are {len(found)}: ask for 1 to {len(found)}"
        raise SettingError(message)
    rng = random.Random(f"{seed}/{kind}/families")  # noqa: S311 - a draw to be repeated, no secret
    strata: dict[str, list[F]] = {}
    for family in rng.sample(found, len(found)):
        strata.setdefault(family.stratum, []).append(family)
    # One of each stratum, then a second of each: sorting by the round keeps the order of the shuffle.
    rounds = sorted(((turn, each.family) for group in strata.values() for turn, each in enumerate(group)), key=_round)
    taken = {name for _, name in rounds[:families]}
    for family in found:
        if family.family in taken:
            if not 1 <= variants <= family.variants:
                message = (
                    f"{variants} variants of each family; '{family.family}' of kind '{kind}' has {family.variants}: "
                    f"ask for 1 to {family.variants}"
                )
                raise SettingError(message)
            others = list(range(1, family.variants))
            random.Random(f"{seed}/{kind}/{family.family}").shuffle(others)  # noqa: S311 - as above
            for number, combination in enumerate([0, *others[: variants - 1]]):
                yield family, number, combination


def _round(pair: tuple[int, str]) -> int:
    return pair[0]
