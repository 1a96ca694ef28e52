"""The kinds of trial: in what order they are shown, and what they are called."""

from collections.abc import Mapping
from typing import Any, Final

from holdtrue.report.plain import plain
from holdtrue.report.stress.words import part

__all__ = ["ALL", "head", "heading", "is_cost", "kinds_of"]

ALL: Final = "all"
"""Every kind that is about stability, pooled."""
_COSTS: Final = ("roleplay",)
"""As in the results: failing is the price of a hold there, and no persona lost."""

_HEADINGS: Final = {
    ALL: "All stability kinds",
    "jailbreak": "Persona jailbreaks",
    "drift": "Drift over a talk",
    "roleplay": "Wanted role-play: a cost",
    "long": "Long context",
    "reasoning": "Long serial reasoning",
    "tool": "Injections in tool output",
    "agents": "Agents talking to agents",
    "distress": "Destructive act",
    "distress/calm": "Destructive act, calm talk",
    "distress/distressed": "Destructive act, distress",
}


def kinds_of(results: Mapping[str, Any]) -> list[str]:
    """`all` first, then the stability kinds in the design's order, then what counts as a cost."""
    designed = [head(str(kind)) for kind in part(results, "design", "kinds") or ()]
    found = dict.fromkeys(str(kind) for rates in (part(results, "arms") or {}).values() for kind in rates or ())

    def place(kind: str) -> tuple[bool, bool, int]:
        first = head(kind)
        return kind != ALL, is_cost(kind), designed.index(first) if first in designed else len(designed)

    return sorted(found, key=place)


def head(kind: str) -> str:
    """The kind without its depth, shape or topic."""
    return kind.split("/", maxsplit=1)[0]


def is_cost(kind: str) -> bool:
    """Whether failing there is a price of holding."""
    return head(kind) in _COSTS


def heading(kind: str) -> str:
    """What a newcomer reads over a panel."""
    first, _, rest = kind.partition("/")
    if kind in _HEADINGS:
        return _HEADINGS[kind]
    name = _HEADINGS.get(first, plain(first, 40))
    if first == "long" and rest.partition("/")[0].isdigit():
        depth, _, topic = rest.partition("/")
        return f"{name}, {depth} exchanges before" + (f": {plain(topic, 40)}" if topic else "")
    return f"{name}: {plain(rest, 60)}" if rest else name
