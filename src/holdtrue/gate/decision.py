"""The decision: a pure function of what was promised and what was answered."""

from collections.abc import Iterable, Mapping
from typing import Final, get_args

from holdtrue.gate.class_decision import decide_class
from holdtrue.gate.tally import clip
from holdtrue.records.gate_sample import GateSample, Phase
from holdtrue.records.prereg import ClassVerdict, Eligible, Prereg, Verdict, VerdictName

__all__ = ["decide", "overall"]

PHASES: Final[tuple[Phase, ...]] = get_args(Phase)


def decide(prereg: Prereg, samples: Iterable[GateSample], eligible: Eligible | None) -> Verdict:
    """Decide each failure class, and the whole, from the outcomes that stand in the samples.

    Looks at no clock, no file and no order of the samples, and draws nothing: the same input gives the same bytes. What
    is missing, twice there or not planned never helps: it can keep a class from passing, and can't make it pass.

    Args:
        prereg: what was promised before the first answer.
        samples: of all phases, in any order.
        eligible: who was asked; None where it never came to that.
    """
    planned = [promised.failure_class for promised in prereg.classes]
    by_class: dict[str, dict[Phase, list[GateSample]]] = {name: {phase: [] for phase in PHASES} for name in planned}
    faults = [
        f"the pre-registration names {name} twice" for name in sorted({n for n in planned if planned.count(n) > 1})
    ]
    foreign: set[str] = set()
    for sample in samples:
        if sample.failure_class in by_class:
            by_class[sample.failure_class][sample.phase].append(sample)
        else:
            foreign.add(sample.failure_class)
    faults += [f"samples of class '{clip(name)}', which wasn't planned" for name in sorted(foreign)]
    if eligible is not None:
        unplanned = sorted(set(eligible.families) - set(planned))
        faults += [f"the eligible list has class '{clip(name)}', which wasn't planned" for name in unplanned]
    lists: Mapping[str, tuple[str, ...]] | None = None
    if eligible is not None and eligible.prereg == prereg.digest:
        lists = eligible.families
    elif eligible is not None:
        faults.append("the eligible list belongs to another pre-registration")
    classes: dict[str, ClassVerdict] = {}
    for promised in prereg.classes:
        own = by_class[promised.failure_class]
        listed = None if lists is None else lists.get(promised.failure_class, ())
        classes[promised.failure_class] = decide_class(
            prereg, promised, listed, (own["eligibility"], own["release"], own["control"]), faults
        )
    return Verdict(
        prereg=prereg.digest,
        target=prereg.target,
        verdict=overall([each.verdict for each in classes.values()]),
        classes=classes,
    )


def overall(verdicts: Iterable[VerdictName]) -> VerdictName:
    """The worst of the classes that apply: FAIL, then INCONCLUSIVE, then PASS; NOT_APPLICABLE where none does.

    No blend: each class that applies must pass for itself, which needs no correction for their number (an
    intersection-union test, Berger 1982, Technometrics 24, 295-300).
    """
    found = set(verdicts)
    for name in ("FAIL", "INCONCLUSIVE", "PASS"):
        if name in found:
            return name
    return "NOT_APPLICABLE"
