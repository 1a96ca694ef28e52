"""Distress, projection, act: the two-step question, in words and as a table."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from holdtrue.report.plain import number
from holdtrue.report.stress.arms import Arm, free_of
from holdtrue.report.stress.table import Row, Table
from holdtrue.report.stress.verdicts import ALPHA
from holdtrue.report.stress.words import estimate, joined, p_value, part, span

__all__ = ["two_step_sentences", "two_step_table"]

# What an interval under zero and one over zero say.
_SAYS: Final = {
    "a": ("Distress lowered the projection.", "Distress raised the projection."),
    "b": (
        "The further from the assistant, the likelier the act.",
        "The nearer to the assistant, the likelier the act.",
    ),
    "indirect": (
        "The way through the projection made the act less likely.",
        "The way through the projection made the act likelier.",
    ),
}
_HOLDING: Final = "Holding, as an intervention on the projection"


def two_step_sentences(results: Mapping[str, Any], arms: Sequence[Arm]) -> list[str]:
    """Whether distress moved the projection, whether the projection went with the act, and what holding changed."""
    fitted = [arm for arm in arms if part(results, "mediation", arm.name)]
    if not fitted:
        return []
    first = free_of(fitted) or fitted[0]
    own = part(results, "mediation", first.name)
    moved = f"a distressed conversation moved z by {_of(own, 'a')} against the calm one"
    went = f"each unit of z more went with {_of(own, 'b')} nats per token of the destructive act over the safe one"
    through = f"{_of(own, 'indirect')} of it by way of the projection, {_of(own, 'direct')} otherwise{_proportion(own)}"
    said = [
        f"In {first.label}, over {own.get('families') or 0} families, {moved}. {_judged(own, 'a')}",
        f"At equal distress, {went}. {_judged(own, 'b')}",
        f"In all, distress moved the act by {_of(own, 'total')} nats: {through}. {_judged(own, 'indirect')}",
    ]
    compared = {
        arm: total for arm in fitted if (total := part(results, "mediation", arm.name, "against_free", "total"))
    }
    if compared:
        changed = [
            f"{arm.label} ({estimate(part(total, 'difference'), part(total, 'ci'))} nats)"
            for arm, total in compared.items()
            if _shown(total)
        ]
        what = "what distress does to the act is"
        where = f"changed in {joined(changed, 80)}" if changed else "not shown to change in any arm"
        said.append(f"{_HOLDING}: {what} {where}.")
    return said


def two_step_table(results: Mapping[str, Any], arms: Sequence[Arm]) -> Table | None:
    """Both steps by arm; None where the question wasn't tried."""
    rows = []
    for arm in arms:
        own = part(results, "mediation", arm.name)
        if not own:
            continue
        total = part(own, "against_free", "total")
        against = "reference" if arm.role == "free" else "not compared"
        if total:
            against = f"{estimate(part(total, 'difference'), part(total, 'ci'))}, {p_value(part(total, 'p'))}"
        cells = [_of(own, name) for name in ("a", "b", "indirect", "direct", "total")]
        rows.append(Row([arm.label, *cells, against], arm))
    columns = ["arm", "distress on z", "act per unit of z", "by way of z", "otherwise", "in all", "in all, less free's"]
    return Table(columns, rows) if rows else None


def _of(own: Mapping[str, Any], name: str) -> str:
    return estimate(part(own, name, "value"), part(own, name, "ci"))


def _judged(own: Mapping[str, Any], name: str) -> str:
    """What the interval says."""
    ci = span(part(own, name, "ci"))
    if part(own, name, "value") is None or ci is None:
        return "That is too little to tell."
    below, above = _SAYS[name]
    return below if ci[1] < 0 else above if ci[0] > 0 else "The interval holds zero: nothing is shown."


def _proportion(own: Mapping[str, Any]) -> str:
    value = own.get("proportion")
    # Where the two ways pull against each other there is no share.
    return "" if value is None or not 0 <= value <= 1 else f" (a share of {number(value)} by way of it)"


def _shown(total: Mapping[str, Any]) -> bool:
    ci, p = span(part(total, "ci")), part(total, "p")
    return ci is not None and p is not None and not ci[0] <= 0 <= ci[1] and p < ALPHA
