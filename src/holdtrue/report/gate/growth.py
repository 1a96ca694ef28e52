"""How failures changed from the first version to the last, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from holdtrue.report.gate.words import counted, named
from holdtrue.report.plain import plain
from holdtrue.report.stress.words import p_value, part
from holdtrue.report.verdict import Verdict

__all__ = ["ClassGrowth", "growths", "summed_up"]

MAX_KINDS: Final = 30


@final
@dataclass(frozen=True)
class ClassGrowth:
    """One class."""

    lines: tuple[str, ...]
    """The paired comparison, the evidence over versions, and planted failures that were lost or gained."""
    kinds: tuple[tuple[str, str], ...]
    """`new`, `gone` or `grown`, and those kinds of failure."""
    alarm: bool
    new: bool
    harder: bool
    """Planted failures that the first version's scorer found are missed, more than the other way round."""
    worse: bool
    """The paired test shows more failures at 0.05."""


def growths(versions: Sequence[str], classes: Mapping[str, Mapping[str, Any]], alpha: float) -> dict[str, ClassGrowth]:
    """Every class of a comparison.

    Args:
        versions: their names, printable.
        classes: the comparison's.
        alpha: chance of a false alarm, whose inverse the evidence must reach.
    """
    return {name: _growth(versions, one, alpha) for name, one in classes.items()}


def summed_up(classes: Mapping[str, ClassGrowth]) -> Verdict:
    """What the versions come to in a sentence; that nothing was seen isn't said to be safety."""
    if not classes:
        return Verdict("unknown", "No class was asked in both", "Nothing can be compared.")
    seen = {
        "evidence of a rate above p0": [name for name, one in classes.items() if one.alarm],
        "more failures on the same families": [name for name, one in classes.items() if one.worse],
        "kinds of failure never seen before": [name for name, one in classes.items() if one.new],
        "planted failures harder to find": [name for name, one in classes.items() if one.harder],
    }
    if parts := [f"{words} in {named(names)}" for words, names in seen.items() if names]:
        line = "; ".join(parts)
        why = "Each of these needs somebody to look at it before a release, whatever the rates say."
        return Verdict("none", f"{line[0].upper()}{line[1:]}", why)
    return Verdict(
        "unknown",
        "No growth was seen",
        "No alarm, no new kind of failure, no planted failure lost. Small changes wouldn't show: see the intervals.",
    )


def _growth(versions: Sequence[str], one: Mapping[str, Any], alpha: float) -> ClassGrowth:
    worse, better = (part(one, key) or 0 for key in ("worse", "better"))
    p = part(one, "p_value")
    alarm = part(one, "alarm")
    shared = counted(part(one, "shared") or 0, "shared family", "shared families")
    lines = [f"On {shared}: {counted(worse, 'new failure')}, {better:,} mended, {p_value(p)} (exact McNemar)."]
    steps = part(one, "evidence") or ()
    needed = f"{1 / alpha:.3g} is an alarm"
    if alarm is None:
        reached = f"came to {max(steps):.3g} at most" if steps else "wasn't measured"
        lines.append(f"No alarm: the evidence of a rate above p0 {reached} ({needed}).")
    else:
        at = versions[alarm - 1] if 0 < alarm <= len(versions) else f"version {alarm}"
        reached = f"{steps[alarm - 1]:.3g}" if 0 < alarm <= len(steps) else "its limit"
        lines.append(f"Alarm at {at}: the evidence of a rate above p0 reached {reached} ({needed}).")
    harder = False
    for control, counts in (part(one, "detection") or {}).items():
        lost, gained, p_lost = counts
        harder = harder or lost > gained
        said = "harder to find" if lost > gained else "easier to find" if gained > lost else "found as before"
        lines.append(f"Planted “{plain(control, 40)}”: {said}; {lost:,} lost, {gained:,} gained, {p_value(p_lost)}.")
    signatures = part(one, "signatures") or {}
    kinds = [
        ("new", _kinds({kind: f"{n}" for kind, n in (part(signatures, "new") or {}).items()})),
        ("grown", _kinds({kind: f"{a} to {b}" for kind, (a, b) in (part(signatures, "grown") or {}).items()})),
        ("gone", _kinds({kind: f"{n}" for kind, n in (part(signatures, "gone") or {}).items()})),
    ]
    return ClassGrowth(
        lines=tuple(lines),
        kinds=tuple((word, said) for word, said in kinds if said),
        alarm=alarm is not None,
        new=bool(part(signatures, "new")),
        harder=harder,
        worse=worse > better and p is not None and p < 0.05,
    )


def _kinds(counts: Mapping[str, str]) -> str:
    said = [f"{plain(kind, 120) or 'unnamed'} ({n})" for kind, n in list(counts.items())[:MAX_KINDS]]
    more = f" and {len(counts) - MAX_KINDS} more" if len(counts) > MAX_KINDS else ""
    return ", ".join(said) + more
