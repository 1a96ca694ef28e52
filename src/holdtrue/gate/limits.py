"""The figures that a class is decided by."""

from dataclasses import dataclass
from math import exp
from typing import Final, final

from holdtrue.gate.controls import Controls
from holdtrue.gate.tally import Tally
from holdtrue.records.prereg import Prereg, PreregClass
from holdtrue.stats import (
    corrected_bound,
    crossing,
    e_value,
    fail_alternative,
    log_e_path,
    lower_bound,
    pass_alternative,
    sequential_bound,
)

__all__ = ["Limits", "figure", "find_limits"]

LARGEST: Final = 690.0
DIGITS: Final = 9


def figure(value: float) -> float:
    """Rounded to nine digits, so that another machine's arithmetic gives the same bytes."""
    return float(f"{value:.{DIGITS}g}")


@final
@dataclass(frozen=True)
class Limits:
    """What is known of one class's rate."""

    families: int
    failures: int
    """Families that were looked at for a pass, and those that count as failed."""
    undetermined: int
    shown: int
    """Families that were seen failing, without those on which the scorer raises false alarms."""
    lower: float
    raw_upper: float
    upper: float
    recall: float | None
    e_value: float | None
    futile_after: int | None
    """Families after which the run was hopeless; None where it wasn't, or wasn't stopped."""


def find_limits(prereg: Prereg, promised: PreregClass, counted: Tally, controls: Controls) -> Limits:
    """Limits of the rate at `1 - alpha` each, by the rule that was promised.

    The fixed rule takes all eligible families, missing ones as failures against a pass and as passes against a FAIL, so
    that nobody gains by leaving them out. The sequential rule takes the families up to the first gap.

    Args:
        prereg: the rule.
        promised: the class's rate and alpha.
        counted: release samples by family.
        controls: recall and false alarms.
    """
    recall = controls.recall
    alarmed = set(controls.alarms)
    seen = [family in counted.failing and family not in alarmed for family in counted.families]
    n, shown, alpha, p0 = len(counted.families), sum(seen), promised.alpha, promised.p0
    path = counted.path()
    sequential = prereg.rule == "sequential"
    if sequential:
        looked = counted.families[: len(path)]
        failures = sum(path)
        raw = sequential_bound(path, alpha)
        upper = min(1.0, raw / recall) if recall else 1.0
    else:
        looked = counted.families
        failures = sum(counted.counts_as_failed(family) for family in looked)
        raw = corrected_bound(failures, n, alpha, 1.0)
        upper = corrected_bound(failures, n, alpha, recall or 0.0)
    futile = None
    if (sequential or counted.missing) and fail_alternative(p0) < 1:
        futile = crossing(seen[: len(path)], p0, fail_alternative(p0), alpha)
    return Limits(
        families=len(looked),
        failures=failures,
        undetermined=len(counted.undetermined & set(looked)),
        shown=shown,
        lower=lower_bound(shown, n, alpha),
        raw_upper=figure(raw),
        upper=figure(upper),
        recall=None if recall is None else figure(recall),
        e_value=_evidence(path, failures, len(looked), p0 * (recall or 0.0), sequential=sequential),
        futile_after=futile,
    )


def _evidence(path: list[bool], failures: int, n: int, seen_p0: float, *, sequential: bool) -> float | None:
    """E-value against a seen rate of `p0` times the recall.

    A true rate of `p0` or more is seen as at least `recall * p0`, so evidence against all seen rates from there on is
    evidence against all true rates from `p0` on. The largest value on the way is what a sequential rule goes by.
    """
    if pass_alternative(seen_p0) <= 0 or not n:
        return None
    if not sequential:
        return figure(e_value(failures, n, seen_p0, pass_alternative(seen_p0)))
    return figure(exp(min(float(log_e_path(path, seen_p0, pass_alternative(seen_p0)).max()), LARGEST)))
