"""What a gate can show, printed before it is run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, final

from holdtrue.errors import SettingError
from holdtrue.gate.sentences import at_most, level_text
from holdtrue.stats import (
    certifiable_rate,
    chance_to_pass,
    families_needed,
    families_to_stop,
    recall_limit,
    sequential_bound,
    sequential_chance,
    spend,
)

__all__ = ["ClassPlan", "GatePlan", "gate_plan"]

FACTORS = (0.0, 0.1, 1 / 3, 1.0, 2.0)
FAILURES = (0, 1, 2)


@final
@dataclass(frozen=True)
class ClassPlan:
    """What one class can show."""

    failure_class: str
    families: int
    attempt: int
    alpha: float
    """Spent by this attempt."""
    recall: float
    """Lower limit of the recall if a failure is planted in each family and all are found."""
    certifiable: float
    """The bound without a failure: a `p0` above it can pass."""
    needed: tuple[int, ...]
    """Families needed for a pass with 0, 1 and 2 failures."""
    chances: tuple[float, ...]
    """To pass, at each true rate."""


@final
@dataclass(frozen=True)
class GatePlan:
    """A plan for all classes."""

    p0: float
    alpha: float
    rule: Literal["fixed", "sequential"]
    true_rates: tuple[float, ...]
    classes: tuple[ClassPlan, ...]

    def as_json(self) -> dict[str, Any]:
        """The plan as plain data."""
        return asdict(self)

    def text(self) -> str:
        """The plan as a table, and under it what it means."""
        heads = ["class", "families", "attempt", "level", "needed with 0 / 1 / 2 failed", "certifies"]
        heads += [f"P(pass) at {100 * rate:.3g} %" for rate in self.true_rates]
        rows = [heads]
        for plan in self.classes:
            cells = [plan.failure_class, str(plan.families), str(plan.attempt), level_text(plan.alpha)]
            cells += [" / ".join(map(str, plan.needed)), at_most(plan.certifiable)]
            rows.append(cells + [f"{chance:.3f}" for chance in plan.chances])
        widths = [max(len(row[at]) for row in rows) for at in range(len(heads))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        short = [plan.failure_class for plan in self.classes if plan.certifiable >= self.p0]
        lines.append(f"p0 {100 * self.p0:g} %, alpha {self.alpha:g} over all attempts, {self.rule} rule.")
        lines.append("Needed and certified hold if every planted failure is found; a family is one unit.")
        if short:
            lines.append(f"Can't pass at this p0, whatever the model does: {', '.join(short)}.")
        return "\n".join(lines)


def gate_plan(
    families: Mapping[str, int],
    p0: float = 0.01,
    alpha: float = 0.05,
    attempts: Mapping[str, int] | None = None,
    true_rates: Sequence[float] | None = None,
    rule: Literal["fixed", "sequential"] = "fixed",
) -> GatePlan:
    """Plan a gate: families needed, rates that can be certified, chances to pass.

    Args:
        families: eligible families by class, or those offered where eligibility isn't known yet.
        p0: the largest rate that may pass.
        alpha: over all attempts there will ever be.
        attempts: which attempt it is, by class; the first where it isn't said.
        true_rates: at which the chance to pass is given; 0, p0 / 10, p0 / 3, p0 and 2 p0 by default.
        rule: the fixed one, or the e-process.

    Raises:
        SettingError: rates, levels or counts that can't be.
    """
    if not 0 < p0 < 1:
        message = f"p0 {p0} must lie between 0 and 1, such as 0.01"
        raise SettingError(message)
    rates = tuple(true_rates if true_rates is not None else (min(1.0, factor * p0) for factor in FACTORS))
    classes = []
    for name, n in families.items():
        if n < 0:
            message = f"class {name} has {n} families; give 0 or more"
            raise SettingError(message)
        attempt = (attempts or {}).get(name, 1)
        classes.append(_class_plan(name, n, p0, (attempt, spend(alpha, attempt)), rates, rule))
    return GatePlan(p0, alpha, rule, rates, tuple(classes))


def _class_plan(
    name: str, n: int, p0: float, spent: tuple[int, float], rates: tuple[float, ...], rule: str
) -> ClassPlan:
    attempt, alpha = spent
    recall = recall_limit(n, n) if n else 0.0
    if rule == "sequential":
        certifiable = min(1.0, sequential_bound([False] * n, alpha) / recall) if recall else 1.0
        chances = [sequential_chance(n, rate, p0 * recall, alpha) if recall else 0.0 for rate in rates]
    else:
        certifiable = certifiable_rate(n, alpha, recall)
        chances = [chance_to_pass(n, rate, p0, alpha, recall) for rate in rates]
    needed = tuple(_needed(failures, p0, alpha, rule) for failures in FAILURES)
    return ClassPlan(name, n, attempt, alpha, recall, certifiable, needed, tuple(chances))


def _needed(failures: int, p0: float, alpha: float, rule: str) -> int:
    """Families needed where the recall's limit grows with them: each holds a planted failure that is found."""
    count = families_to_stop if rule == "sequential" else families_needed

    def least(n: int) -> int:
        recall = recall_limit(n, n)
        return count(failures, p0 * recall, alpha)

    # More families mean a higher limit of the recall, so that fewer are needed: the first that suffice are found by
    # going up from what a perfect recall would need.
    n = count(failures, p0, alpha)
    while (wanted := least(n)) > n:
        n = n + 1 if wanted - n < 8 else n + (wanted - n) // 4
    return n
