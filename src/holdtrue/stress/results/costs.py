"""What holding costs: capability on verifiable items, tokens and seconds."""

from collections.abc import Sequence
from math import exp, log
from typing import TypedDict

from holdtrue.records import CapabilityTrial, StressDesign, Trial
from holdtrue.stats import clopper_pearson, cluster_bootstrap, paired_difference
from holdtrue.stress.results.grouping import ALL, Board, Json, check_keys, free_arm, pair, span, stream

__all__ = ["Capability", "capability_table", "overhead_table"]


class Capability(TypedDict):
    """Right answers of one arm, and the difference from the free arm's on the same items."""

    items: int
    correct: int
    rate: float | None
    ci: list[float]
    """Clopper and Pearson's over items, 95 %."""
    by_family: dict[str, Json]
    difference: float | None
    """Share of right answers minus the free arm's, on the items that both answered."""
    difference_ci: list[float] | None
    """Tango's, 95 %."""
    margin: float
    non_inferior: bool | None
    """True where the whole interval lies above `-margin`, False where all of it lies below; None where it is open."""


def capability_table(trials: Sequence[CapabilityTrial], design: StressDesign) -> dict[str, Capability]:
    """Capability by arm. The items of a family are made one by one, so here the unit is the item.

    Raises:
        RunError: an item of an arm that the design lacks, or one that is there twice.
    """
    check_keys(trials, design)
    own = {
        arm.name: {one.item: one for one in trials if one.arm == arm.name} for arm in design.arms if arm.script is None
    }
    free = free_arm(design)
    reference = own[free.name] if free is not None else {}
    return {
        arm: _capability(items, {} if free is not None and arm == free.name else reference, design.margin)
        for arm, items in own.items()
    }


def overhead_table(board: Board, design: StressDesign) -> dict[str, Json]:
    """Tokens and seconds by arm, and their ratios to the free arm's on the same trials.

    A ratio is the geometric mean of the families' own ratios, and its interval a bootstrap-t of their logarithms.
    Seconds include waiting for others in the batch.
    """
    free = free_arm(design)
    found: dict[str, Json] = {}
    for arm, kinds in board.items():
        trials = [
            trial for kind, cell in kinds.items() if kind != ALL for own in cell.values() for trial in own.values()
        ]
        entry: Json = {
            "trials": len(trials),
            "tokens_in": sum(trial.tokens_in for trial in trials),
            "tokens_out": sum(trial.tokens_out for trial in trials),
            "seconds": float(sum(trial.seconds for trial in trials)),
        }
        for name in ("tokens", "seconds"):
            ratio = None if free is None or arm == free.name else _ratio(board, design, (arm, free.name), name)
            entry |= {f"{name}_ratio": ratio and ratio[0], f"{name}_ratio_ci": ratio and span(ratio[1])}
        found[arm] = entry
    return found


def _capability(own: dict[str, CapabilityTrial], free: dict[str, CapabilityTrial], margin: float) -> Capability:
    families = sorted({one.family for one in own.values()})
    items, correct, rate, ci = _rate(list(own.values()))
    shared = [(one.correct, free[item].correct) for item, one in own.items() if item in free]
    difference, interval, verdict = None, None, None
    if shared:
        counts = [shared.count(each) for each in ((True, True), (True, False), (False, True), (False, False))]
        difference, interval = paired_difference(*counts)
        verdict = True if interval[0] > -margin else False if interval[1] < -margin else None
    return {
        "items": items,
        "correct": correct,
        "rate": rate,
        "ci": ci,
        "by_family": {
            family: dict(
                zip(
                    ("items", "correct", "rate", "ci"),
                    _rate([one for one in own.values() if one.family == family]),
                    strict=True,
                )
            )
            for family in families
        },
        "difference": difference,
        "difference_ci": span(interval),
        "margin": margin,
        "non_inferior": verdict,
    }


def _rate(items: Sequence[CapabilityTrial]) -> tuple[int, int, float | None, list[float]]:
    n, correct = len(items), sum(one.correct for one in items)
    return n, correct, correct / n if n else None, list(clopper_pearson(correct, n))


def _ratio(
    board: Board, design: StressDesign, arms: tuple[str, str], name: str
) -> tuple[float, tuple[float, float] | None] | None:
    logs: dict[tuple[str, str], list[float]] = {}
    for kind in board[arms[0]]:
        if kind == ALL:
            continue
        for family, pairs in pair(*(board[arm][kind] for arm in arms)).items():
            whole = [both for both in pairs if all(trial.error is None for trial in both)]
            spent = [sum(_spent(trial, name) for trial in side) for side in zip(*whole, strict=True)]
            if whole and min(spent) > 0:
                logs.setdefault(family, []).append(log(spent[0] / spent[1]))
    if not logs:
        return None
    found = cluster_bootstrap(logs, stream(design, "overhead", *arms, name))
    ends = found.interval
    return exp(found.value), None if ends is None else (exp(ends[0]), exp(ends[1]))


def _spent(trial: Trial, name: str) -> float:
    return trial.seconds if name == "seconds" else float(trial.tokens_in + trial.tokens_out)
