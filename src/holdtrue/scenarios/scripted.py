"""Scripted scenarios: families out of the data files, their variants, and the long ones with filler before them."""

import random
from typing import Final

from holdtrue.errors import SettingError, did_you_mean
from holdtrue.records.scenario import Scenario
from holdtrue.scenarios.draw import drawn
from holdtrue.scenarios.files import DATA, read_families, read_filler

__all__ = ["KINDS", "scripted"]

KINDS: Final = ("drift", "jailbreak", "long", "reasoning", "roleplay", "tool")
"""The kinds that `scripted` makes."""


def scripted(
    kind: str,
    *,
    families: int | None = None,
    variants: int = 1,
    seed: int = 0,
    depths: tuple[int, ...] = (0, 8, 32, 128),
) -> list[Scenario]:
    """The built-in scenarios of a kind, in the order of their file; equal arguments give equal scenarios.

    Variant 0 takes the first alternative of every slot, whatever the seed; a longer list begins with the same variants.
    The smaller of two subsets of one seed is part of the larger.

    Args:
        kind: one of `KINDS`. The records of ``long`` are of the kinds ``long/<depth>``, all families at one depth, then
            at the next.
        families: how many to take, as evenly over the topics as can be; None for all.
        variants: of each family.
        seed: chooses the families, the variants and the order of the filler.
        depths: exchanges of filler before the script, for ``long`` alone. The last exchanges before the script are the
            same at every depth.

    Raises:
        SettingError: no such kind; more families or variants than there are, or none; depths that are negative, doubled
            or missing.
        ArtifactError: a data file is missing or malformed.
    """
    if kind not in KINDS:
        message = f"no kind of scenario {kind!r}; {did_you_mean(kind, list(KINDS))}"
        raise SettingError(message)
    found = read_families(DATA / f"{kind}.json")
    made = [
        family.scenario(kind, number, combination)
        for family, number, combination in drawn(found, kind, families=families, variants=variants, seed=seed)
    ]
    return _deepened(made, depths, seed) if kind == "long" else made


def _deepened(plain: list[Scenario], depths: tuple[int, ...], seed: int) -> list[Scenario]:
    if not depths or min(depths) < 0 or len(set(depths)) < len(depths):
        message = f"depths are {depths}; give different numbers of exchanges, 0 or more, such as 0, 8, 32"
        raise SettingError(message)
    exchanges = read_filler(DATA / "filler.json")
    before = [_filler(exchanges, max(depths), f"{seed}/{each.family}/{each.variant}") for each in plain]
    return [
        scenario.model_copy(update={"kind": f"long/{depth}", "filler": tuple(reversed(filler[:depth]))})
        for depth in depths
        for scenario, filler in zip(plain, before, strict=True)
    ]


def _filler(exchanges: tuple[tuple[str, str], ...], count: int, seed: str) -> list[tuple[str, str]]:
    """Exchanges from the last before the script backwards, each once before any comes again."""
    rng = random.Random(seed)  # noqa: S311 - a draw to be repeated, no secret
    order: list[tuple[str, str]] = []
    while len(order) < count:
        order += rng.sample(exchanges, len(exchanges))
    return order[:count]
