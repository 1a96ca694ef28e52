"""The top of the page: what was asked, in two sentences, the key figures, and where it comes from."""

from collections.abc import Mapping, Sequence
from typing import Any

from holdtrue.report.plain import plain
from holdtrue.report.stress.arms import Arm, rivals
from holdtrue.report.stress.kinds import ALL, head, heading, kinds_of
from holdtrue.report.stress.words import joined, part
from holdtrue.report.tiles import Tile, duration

__all__ = ["asked", "gaps", "model_of", "origin", "stress_tiles"]


def model_of(results: Mapping[str, Any]) -> str:
    """The model's name, as the design has it."""
    return plain(str(part(results, "design", "model") or ""), 120) or "an unnamed model"


def asked(results: Mapping[str, Any], arms: Sequence[Arm]) -> str:
    """What was asked and how much of it was tried, for somebody who has never seen such a run."""
    ways, kinds = rivals(arms), list(dict.fromkeys(head(kind) for kind in kinds_of(results) if kind != ALL))
    axis = part(results, "design", "axis_digest")
    along = f" along the axis {plain(str(axis), 12)}" if axis else ", without an axis,"
    things = joined([heading(kind).split(":")[0].lower() for kind in kinds]) if kinds else "nothing yet"
    count = "one way" if len(ways) == 1 else f"{len(ways)} ways"
    first = (
        f"Do {count} of holding the persona of {model_of(results)}{along} keep it from failing where it fails when "
        f"nothing is done?"
        if ways
        else f"How often does {model_of(results)} lose its persona when nothing is done?"
    )
    scored, planned = part(results, "scored") or 0, part(results, "design", "planned")
    of = f"{scored:,} of {planned:,} planned trials" if planned is not None else f"{scored:,} trials"
    state = "the run is complete" if part(results, "complete") else "the run is not complete"
    return f"{first} Every arm was put through the same scripted trials ({things}): {of} were scored, and {state}."


def gaps(results: Mapping[str, Any]) -> list[str]:
    """What is missing from the run itself."""
    said = []
    if not part(results, "scored"):
        said.append("No trial was scored yet: there is nothing to see.")
    elif not part(results, "complete"):
        said.append("The run is not complete: figures are over what was scored so far, and may change.")
    if errors := part(results, "errors"):
        said.append(f"{errors:,} trials ended in an error; they count as failures.")
    return said


def stress_tiles(results: Mapping[str, Any], arms: Sequence[Arm]) -> list[Tile]:
    """The size of the run."""
    scored, planned = part(results, "scored") or 0, part(results, "design", "planned")
    every = [part(results, "arms", arm.name, ALL, "families") or 0 for arm in arms]
    items = [part(results, "capability", arm.name, "items") or 0 for arm in arms]
    seconds = sum((part(results, "overhead", arm.name, "seconds") or 0.0 for arm in arms), 0.0)
    kinds = [kind for kind in kinds_of(results) if kind != ALL]
    planned_of = "" if planned is None else f"of {planned:,} planned\n"
    return [
        Tile("Trials", f"{scored:,}", f"{planned_of}{part(results, 'errors') or 0} ended in an error"),
        Tile("Arms", f"{len(arms)}", f"{len(rivals(arms))} ways of holding\nand what they are compared with"),
        Tile(
            "Kinds of trial",
            f"{len(kinds)}",
            f"preset {plain(str(part(results, 'design', 'preset') or 'not stated'), 30)}",
        ),
        Tile("Families", f"{max(every, default=0)}", "the unit of every interval\nover all stability kinds"),
        Tile("Capability items", f"{max(items):,}", "in each arm")
        if any(items)
        else Tile("Capability items", "none", "capability was not tried", words=True),
        Tile("Trials' time", _time(seconds), "summed over trials that\nran side by side"),
    ]


def _time(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else duration(seconds)


def origin(results: Mapping[str, Any]) -> list[list[tuple[str, str]]]:
    """What identifies the run."""

    def fact(name: str, *keys: str) -> tuple[str, str]:
        value = part(results, *keys)
        return name, "none" if value is None else plain(str(value), 200)

    kinds = part(results, "design", "kinds") or ()
    return [
        [
            fact("Model", "design", "model"),
            fact("Weights", "design", "weights_digest"),
            fact("Axis", "design", "axis_digest"),
            fact("holdtrue", "design", "version"),
            fact("Results", "schema"),
        ],
        [
            fact("Preset", "design", "preset"),
            fact("Seed", "design", "seed"),
            ("Kinds", plain(", ".join(map(str, kinds)), 300) or "none"),
            fact("Families of a kind", "design", "families"),
            fact("Variants of a family", "design", "variants"),
            fact("Margin of capability", "design", "margin"),
        ],
    ]
