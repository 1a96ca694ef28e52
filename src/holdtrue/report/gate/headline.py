"""The verdict in a sentence, and what in it contradicts itself or the promise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

from holdtrue.records import ClassVerdict, Prereg, PreregClass, Verdict
from holdtrue.records.prereg import VerdictName
from holdtrue.report.failure_classes import label_of
from holdtrue.report.gate.words import at_most, named, share, short, word_of
from holdtrue.report.plain import plain

__all__ = ["Headline", "contradictions", "headline"]


@final
@dataclass(frozen=True)
class Headline:
    """What a release comes down to."""

    line: str
    why: str


def headline(verdict: Verdict, call: Callable[[Sequence[str]], str] = named) -> Headline:
    """The overall verdict, the classes behind it, and the classes that it says nothing about.

    Args:
        verdict: of a gate.
        call: how classes are named.
    """
    by_name: dict[VerdictName, list[str]] = {}
    for name, found in verdict.classes.items():
        by_name.setdefault(found.verdict, []).append(name)
    apply = sum(found.verdict != "NOT_APPLICABLE" for found in verdict.classes.values())
    every = "the one class that applies" if apply == 1 else f"all {apply} classes that apply"
    own = by_name.get(verdict.verdict, [])
    part = every if len(own) == apply else f"{len(own)} of {apply} classes that apply"
    line = {
        "PASS": f"the rate of failure is shown to lie below what was promised, in {every}",
        "FAIL": f"more failures than were promised, in {part}: {call(own)}",
        "INCONCLUSIVE": f"neither shown nor refuted in {part}: {call(own)}. This does not count as passed",
        "NOT_APPLICABLE": "nothing was tested, which says nothing for the release",
    }[verdict.verdict]
    why = []
    if verdict.verdict == "FAIL" and (unclear := by_name.get("INCONCLUSIVE")):
        why.append(f"Inconclusive: {call(unclear)}.")
    if verdict.verdict != "PASS" and (passed := by_name.get("PASS")):
        why.append(f"Passed: {call(passed)}.")
    if left := by_name.get("NOT_APPLICABLE"):
        why.append(f"Nothing is shown about: {call(left)}.")
    why.append("Each class stands for itself: there is no overall score, and no pass makes up for a failure.")
    return Headline(f"{word_of(verdict.verdict)}: {line}.", " ".join(why))


def contradictions(verdict: Verdict, prereg: Prereg) -> list[str]:
    """What no decision of this gate can have come to: a verdict of another promise, or one that doesn't follow."""
    found = []
    if verdict.prereg != prereg.digest:
        found.append(
            f"The verdict belongs to another pre-registration ({short(verdict.prereg)}) than the one shown here "
            f"({short(prereg.digest)}). Decide again from the run's folder."
        )
    if verdict.target != prereg.target:
        found.append(f"The verdict is on {plain(verdict.target)}, the promise on {plain(prereg.target)}.")
    worst = next(
        (
            name
            for name in ("FAIL", "INCONCLUSIVE", "PASS")
            if any(one.verdict == name for one in verdict.classes.values())
        ),
        "NOT_APPLICABLE",
    )
    if verdict.verdict != worst:
        found.append(f"The verdict says {word_of(verdict.verdict)}, and the worst of its classes is {worst}.")
    promised: dict[str, PreregClass] = {one.failure_class: one for one in prereg.classes}
    if absent := [name for name in promised if name not in verdict.classes]:
        found.append(f"Promised, and not in the verdict: {named(absent)}.")
    for name, one in verdict.classes.items():
        whole = prereg.rule == "fixed"
        found += [f"{label_of(name)}: {words}." for words in _of_class(one, promised.get(name), whole=whole)]
    return found


def _of_class(one: ClassVerdict, promised: PreregClass | None, *, whole: bool) -> list[str]:
    """Its contradictions; under a rule that may stop early, a pass needs no whole list."""
    found = []
    if promised is None:
        found.append("in the verdict, and never promised")
    elif (one.p0, one.alpha_spent, one.attempt) != (promised.p0, promised.alpha, promised.attempt):
        found.append("decided with another p0, alpha or attempt than was promised")
    if one.verdict == "PASS" and (one.upper_bound is None or one.upper_bound >= one.p0):
        found.append(f"said to pass, and its bound ({at_most(one.upper_bound)}) isn't below {share(one.p0)}")
    if one.verdict == "PASS" and whole and one.families < one.planned:
        found.append(f"said to pass, and only {one.families} of {one.planned} families were answered")
    return found
