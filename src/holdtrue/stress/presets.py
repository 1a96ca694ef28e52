"""How much a run tries."""

from dataclasses import dataclass
from typing import Final, final

from holdtrue.errors import SettingError, did_you_mean

__all__ = ["KINDS", "PRESETS", "StressPreset", "kinds_named", "stress_preset"]

KINDS: Final = ("jailbreak", "drift", "roleplay", "long", "reasoning", "tool", "agents", "distress")
"""What can be asked for; `capability` is part of every run."""


@final
@dataclass(frozen=True)
class StressPreset:
    """Sizes of a run."""

    name: str
    families: int | None
    """Of each kind; None takes all there are."""
    variants: int
    depths: tuple[int, ...]
    """Exchanges of filler before a `long` script."""
    agents: int
    rounds: int
    shapes_each: bool
    """Whether every family of agents is played on every shape of graph; else the shapes take turns."""
    items: int
    """Capability items."""
    at_once: int
    """Conversations under way together; each keeps its place in the cache, so that long ones allow fewer."""
    max_turns: int | None = None
    """Where longer scripts are cut; None leaves them whole."""
    max_tokens: int | None = None
    """Of an answer; None leaves it to the scenario."""


PRESETS: Final[dict[str, StressPreset]] = {
    preset.name: preset
    for preset in (
        StressPreset("smoke", 2, 1, (0, 8), 3, 2, False, 24, 32, max_turns=2, max_tokens=24),
        StressPreset("quick", 8, 1, (0, 8), 4, 3, False, 120, 40, max_turns=6, max_tokens=28),
        StressPreset("full", None, 3, (0, 8, 32, 128), 6, 6, True, 600, 16),
    )
}


def stress_preset(name: str) -> StressPreset:
    """A preset by name.

    Raises:
        SettingError: there is none of that name.
    """
    if name not in PRESETS:
        message = f"no preset '{name}': {did_you_mean(name, list(PRESETS))}"
        raise SettingError(message)
    return PRESETS[name]


def kinds_named(names: str | None) -> tuple[str, ...]:
    """Kinds by name, separated by commas; None for all.

    Raises:
        SettingError: one that isn't known, or none at all.
    """
    if names is None:
        return KINDS
    wanted = tuple(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    unknown = [name for name in wanted if name not in KINDS]
    if unknown or not wanted:
        said = did_you_mean(unknown[0], list(KINDS)) if unknown else f"choose from {', '.join(KINDS)}"
        message = f"--kinds {names}: no kind '{unknown[0] if unknown else ''}'; {said}"
        raise SettingError(message)
    return wanted
