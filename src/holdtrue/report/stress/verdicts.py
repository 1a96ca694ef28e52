"""Is an arm better or worse than doing nothing? Said only where the interval and the corrected p both say so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, final

from holdtrue.report.plain import plain
from holdtrue.report.stress.arms import Arm, free_of, rivals
from holdtrue.report.stress.kinds import ALL
from holdtrue.report.stress.words import estimate, failures, joined, p_value, part, points, share, span
from holdtrue.report.verdict import Verdict

__all__ = ["ALPHA", "ArmVerdict", "Outcome", "arm_verdicts", "blindness", "contrast_of", "headline", "outcome"]

ALPHA: Final = 0.05
Outcome = Literal["better", "worse", "not shown", "not compared"]


@final
@dataclass(frozen=True)
class ArmVerdict:
    """One arm against the free one, over all stability kinds."""

    arm: Arm
    outcome: Outcome
    line: str
    margin_outcome: Outcome
    margin_line: str
    """Of the probe; empty where it wasn't read."""


def outcome(row: Mapping[str, Any] | None, *, less_is_better: bool = True) -> Outcome:
    """What a contrast shows at 0.05 after Holm's correction."""
    ci, p, difference = span(part(row, "ci")), part(row, "p_holm"), part(row, "difference")
    if difference is None or p is None:
        return "not compared"
    if ci is None or ci[0] <= 0 <= ci[1] or p >= ALPHA:
        return "not shown"
    return "better" if (difference < 0) == less_is_better else "worse"


def contrast_of(
    results: Mapping[str, Any], arm: Arm, against: Arm | None, *, kind: str = ALL, measure: str | None = None
) -> Mapping[str, Any] | None:
    """The contrast of two arms in one kind, of failing families or of a measure; None where it wasn't made."""
    rows: Sequence[Mapping[str, Any]] = part(results, "contrasts" if measure is None else "measure_contrasts") or ()
    wanted = (arm.name, None if against is None else against.name, kind, measure)
    return next(
        (row for row in rows if (row.get("arm"), row.get("against"), row.get("kind"), row.get("measure")) == wanted),
        None,
    )


def arm_verdicts(results: Mapping[str, Any], arms: Sequence[Arm]) -> list[ArmVerdict]:
    """A verdict for every arm but the free one, in the design's order."""
    free = free_of(arms)
    return [_verdict(results, arm, free) for arm in arms if arm is not free]


def headline(verdicts: Sequence[ArmVerdict], arms: Sequence[Arm]) -> str:
    """How the ways of holding that are being asked about came out, in a sentence."""
    asked = [each for each in verdicts if each.arm in rivals(arms)]
    if not asked:
        return "Nothing was compared with doing nothing."
    named = {
        state: [each.arm.label for each in asked if each.outcome == state]
        for state in ("better", "worse", "not shown", "not compared")
    }
    said = [f"{len(names)} came out {state} ({joined(names)})" for state, names in list(named.items())[:2] if names]
    if names := named["not shown"]:
        said.append(f"for {len(names)} no difference is shown ({joined(names)})")
    if names := named["not compared"]:
        said.append(f"{len(names)} could not be compared ({joined(names)})")
    ways = "the one way" if len(asked) == 1 else f"{len(asked)} ways"
    return f"Of {ways} of holding, by failing families against doing nothing: {'; '.join(said)}."


def blindness(results: Mapping[str, Any]) -> Verdict:
    """Whether the test could see anything: what the arms with a known outcome came to."""
    controls = [one for one in part(results, "controls") or () if isinstance(one, Mapping)]
    harmful = [one for one in controls if one.get("expected") == "worse"]
    failed = [plain(str(one.get("arm")), 40) for one in controls if one.get("ok") is False]
    if any(one.get("ok") is False for one in harmful):
        blind = [plain(str(one.get("arm")), 40) for one in harmful if one.get("ok") is False]
        return Verdict(
            "none",
            "This test was blind, or too small",
            f"What must come out worse did not: {joined(blind)}. That nothing is found elsewhere means little.",
        )
    if failed:
        return Verdict(
            "none",
            "Something besides the axis moves the outcome",
            f"What must make no difference did: {joined(failed)}. Differences can't be put down to the axis.",
        )
    if not harmful:
        why = "No arm was there that must come out worse, so nothing shows that this test can see harm."
        return Verdict("unknown", "Whether this test can see harm was not tried", why)
    if any(one.get("ok") is not True for one in controls):
        why = "Too few families were tried to say whether the arms with a known outcome came out as they must."
        return Verdict("unknown", "Too little to say whether this test can see harm", why)
    seen = joined([str(one.get("arm")) for one in harmful])
    same = [str(one.get("arm")) for one in controls if one.get("expected") == "same"]
    beside = f" {joined(same)}, which must make no difference, made none that shows." if same else ""
    return Verdict("found", "This test can see harm", f"What must come out worse did: {seen}.{beside}")


def _verdict(results: Mapping[str, Any], arm: Arm, free: Arm | None) -> ArmVerdict:
    row = contrast_of(results, arm, free)
    margin = contrast_of(results, arm, free, measure="margin")
    own, base = (None if each is None else part(results, "arms", each.name, ALL) for each in (arm, free))
    if not part(own, "families"):
        line = "nothing was tried."
    else:
        line = f"failed {failures(own)} families, {share(part(own, 'rate'), part(own, 'ci'))}"
        if row is not None and row.get("difference") is not None and free is not None:
            line += (
                f"; {free.label} {failures(base)}. Difference {points(row['difference'], row.get('ci'))}, "
                f"{p_value(row.get('p_holm'))} after Holm."
            )
        else:
            line += "; not compared: no arm shares its families and leaves the model free."
    said = ""
    if margin is not None and margin.get("difference") is not None:
        said = f"{estimate(margin['difference'], margin.get('ci'))} nats, {p_value(margin.get('p_holm'))} after Holm"
    return ArmVerdict(arm, outcome(row), line, outcome(margin, less_is_better=False), said)
