"""One failure class: PASS, FAIL, INCONCLUSIVE or NOT_APPLICABLE, and why."""

from collections.abc import Sequence
from typing import TypeAlias

from holdtrue.gate.controls import GOOD, Controls, read_controls
from holdtrue.gate.eligibility import check_eligible, eligible_families
from holdtrue.gate.limits import Limits, figure, find_limits
from holdtrue.gate.sentences import at_least, at_most, class_sentence, listing
from holdtrue.gate.signatures import new_signatures
from holdtrue.gate.tally import Tally, clip, item_conflicts, tally
from holdtrue.records.gate_sample import GateSample
from holdtrue.records.prereg import ClassVerdict, Prereg, PreregClass, VerdictName
from holdtrue.stats import upper_bound

__all__ = ["decide_class"]

Samples: TypeAlias = tuple[Sequence[GateSample], Sequence[GateSample], Sequence[GateSample]]


def decide_class(
    prereg: Prereg, promised: PreregClass, listed: Sequence[str] | None, samples: Samples, faults: Sequence[str]
) -> ClassVerdict:
    """Decide one class.

    Args:
        prereg: of the whole gate.
        promised: of this class.
        listed: its families on the eligible list; None where there is no such list.
        samples: its samples of the phases eligibility, release and control.
        faults: of the gate as a whole; with any of them nothing passes.
    """
    eligibility, release, control = samples
    if promised.not_applicable is not None:
        return _unasked(promised, "NOT_APPLICABLE", promised.not_applicable)
    if listed is None:
        return _unasked(promised, "INCONCLUSIVE", listing(faults) or "no list of eligible families was sealed")
    families = len(set(listed))
    if families < promised.min_families:
        earned = len(eligible_families(eligibility, prereg.epochs))
        if earned >= promised.min_families:
            words = f"{families} families are listed as eligible, and {earned} are"
            return _unasked(promised, "INCONCLUSIVE", words)
        words = f"{families} of {promised.families} families lie within the model's capability"
        return _unasked(promised, "NOT_APPLICABLE", f"{words}, fewer than the {promised.min_families} agreed on")
    played: dict[str, set[int]] = {}
    for sample in control:
        if sample.policy == GOOD and not sample.twin:
            played.setdefault(sample.family, set()).add(sample.variant)
    counted = tally(promised, listed, release, played)
    controls = read_controls(prereg, promised, counted.families, control)
    limits = find_limits(prereg, promised, counted, controls)
    new = new_signatures(prereg, counted.signatures)
    against = [
        *faults,
        *_overspent(prereg, promised),
        *check_eligible(listed, eligibility, prereg.epochs),
        *counted.strays,
        *item_conflicts([*eligibility, *release, *control]),
        *_incomplete(prereg, counted),
        *_control_faults(prereg, controls),
        *_lost_capability(prereg, counted),
        *(f"a kind of failure that no earlier version had: '{clip(kind)}'" for kind in new),
    ]
    verdict, reason = _judge(promised, limits, against)
    return ClassVerdict(
        verdict=verdict,
        families=limits.families if prereg.rule == "sequential" else limits.families - len(counted.missing),
        planned=len(counted.families),
        failures=limits.failures,
        undetermined=limits.undetermined,
        upper_bound=limits.upper,
        raw_upper_bound=limits.raw_upper,
        recall=limits.recall,
        p0=promised.p0,
        alpha_spent=promised.alpha,
        attempt=promised.attempt,
        e_value=limits.e_value,
        lost_twins=counted.twins if prereg.target != prereg.free else None,
        controls=controls.counts,
        signatures=counted.signatures,
        new_signatures=new,
        sentence=class_sentence(
            (len(counted.families) - len(counted.missing), len(counted.families)),
            limits.shown if verdict == "FAIL" else limits.failures,
            (max(limits.lower, promised.p0), limits.upper),
            promised,
            verdict,
        ),
        reason=reason,
    )


def _judge(promised: PreregClass, limits: Limits, against: Sequence[str]) -> tuple[VerdictName, str]:
    p0 = f"{100 * promised.p0:g} %"
    unclear = f", {limits.undetermined} undetermined among them" if limits.undetermined else ""
    if figure(limits.lower) > promised.p0:
        words = f"{limits.shown} families failed{unclear}: at least {at_least(limits.lower)}, above p0 {p0}"
        return "FAIL", words
    if limits.futile_after is not None:
        words = f"stopped as hopeless after {limits.futile_after} families: {limits.shown} failed{unclear}, p0 {p0}"
        return "FAIL", words
    if against:
        return "INCONCLUSIVE", listing(against)
    bound = at_most(limits.upper)
    if limits.upper < promised.p0:
        return "PASS", f"the bound {bound} is below p0 {p0}, nothing is missing, and the controls did as planned"
    seen = f"{limits.failures} of {limits.families} families failed{unclear}"
    return "INCONCLUSIVE", f"the bound {bound} isn't below p0 {p0}: {seen}, and more would have to be asked"


def _incomplete(prereg: Prereg, counted: Tally) -> list[str]:
    words = [f"family '{clip(family)}' has a sample twice" for family in sorted(counted.doubled)]
    # A sequential run may end early; it looks no further than the first gap.
    if counted.missing and prereg.rule == "fixed":
        words.append(f"{len(counted.missing)} of {len(counted.families)} families are without all their answers")
    return words


def _control_faults(prereg: Prereg, controls: Controls) -> list[str]:
    words = list(controls.strays)
    if controls.alarms:
        words.append(f"the scorer raises false alarms on {_names(controls.alarms)}")
    if GOOD not in prereg.controls:
        words.append("no clean control was planned")
    elif controls.unplayed:
        words.append(f"the clean control is missing on {_names(controls.unplayed)}")
    if not controls.planted:
        words.append("without a planted failure nobody knows whether the scorer finds any")
    return words


def _lost_capability(prereg: Prereg, counted: Tally) -> list[str]:
    """A hold under which the model can do nothing any more would fail at nothing either."""
    if prereg.target == prereg.free:
        return []
    lost, tried = counted.twins
    if tried < len(counted.families) and prereg.rule == "fixed":
        return [f"{len(counted.families) - tried} of {len(counted.families)} twins weren't played under the hold"]
    bound = upper_bound(lost, tried) if tried else 1.0
    if bound < prereg.margin:
        return []
    words = f"the hold may cost more capability than the margin of {100 * prereg.margin:g} %"
    return [f"{words}: under it {lost} of {tried} twins failed, at most {at_most(bound)}"]


def _overspent(prereg: Prereg, promised: PreregClass) -> list[str]:
    allowed = prereg.alpha * 2.0**-promised.attempt if promised.attempt < 1000 else 0.0
    if promised.alpha <= allowed * (1 + 1e-9):
        return []
    return [f"alpha {promised.alpha:g} is more than the {allowed:g} that attempt {promised.attempt} may spend"]


def _names(families: Sequence[str]) -> str:
    shown = ", ".join(f"'{clip(family)}'" for family in families[:3])
    return shown + (f" and {len(families) - 3} more" if len(families) > 3 else "")


def _unasked(promised: PreregClass, verdict: VerdictName, reason: str) -> ClassVerdict:
    return ClassVerdict(
        verdict=verdict,
        families=0,
        planned=0,
        failures=0,
        undetermined=0,
        upper_bound=None,
        raw_upper_bound=None,
        recall=None,
        p0=promised.p0,
        alpha_spent=promised.alpha,
        attempt=promised.attempt,
        sentence=f"nothing is shown, attempt {promised.attempt}",
        reason=reason,
    )
