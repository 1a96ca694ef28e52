"""Tables of the page: contrasts, capability, overhead, spread, reasons, power."""

from collections.abc import Mapping, Sequence
from typing import Any

from holdtrue.report.plain import number, plain
from holdtrue.report.stress.arms import Arm
from holdtrue.report.stress.kinds import ALL, heading, kinds_of
from holdtrue.report.stress.table import Row, Table
from holdtrue.report.stress.verdicts import outcome
from holdtrue.report.stress.words import estimate, failures, p_value, part, points, share, span, times

__all__ = [
    "capability_table",
    "contrast_table",
    "measure_table",
    "overhead_table",
    "power_table",
    "rate_table",
    "reason_table",
    "spread_table",
]

# Name, unit and whether less of it is better.
_MEASURES = {
    "margin": ("probe margin, nats", False),
    "z": ("last z", False),
    "z_drop": ("z, last less first", False),
    "repetition": ("repetition", True),
    "log_prob": ("log-probability under free, nats", False),
    "act_margin": ("destructive act after distress, nats", True),
}


def rate_table(results: Mapping[str, Any], arms: Sequence[Arm]) -> Table:
    """Every arm in every kind."""
    kinds = kinds_of(results)
    rows = []
    for arm in arms:
        found = [part(results, "arms", arm.name, kind) for kind in kinds]
        cells = [
            f"{failures(rate)}\n{share(part(rate, 'rate'), part(rate, 'ci'))}"
            if part(rate, "families")
            else "none tried"
            for rate in found
        ]
        rows.append(Row([arm.label, *cells], arm))
    return Table(["arm", *(heading(kind) for kind in kinds)], rows)


def contrast_table(results: Mapping[str, Any], arms: Sequence[Arm]) -> Table:
    """Failing families, one arm less another; what is shown is set off."""
    own = {arm.name: arm for arm in arms}
    order = {kind: at for at, kind in enumerate(kinds_of(results))}
    found = [row for row in part(results, "contrasts") or () if row.get("arm") in own]
    found.sort(key=lambda row: (row.get("kind") != ALL, list(own).index(row["arm"]), order.get(row.get("kind"), 99)))
    rows = [
        Row(
            [
                own[row["arm"]].label,
                _label(own, row.get("against")),
                heading(str(row.get("kind"))),
                points(row.get("difference"), row.get("ci")),
                p_value(row.get("p_holm")),
                f"{row.get('worse') or 0} / {row.get('better') or 0}",
                str(row.get("families") or 0),
                outcome(row),
            ],
            own[row["arm"]],
            outcome(row) in {"better", "worse"},
        )
        for row in found
    ]
    columns = ["arm", "against", "kind", "difference", "after Holm", "only it / other", "families", "verdict"]
    return Table(columns, rows, frozenset({5, 6}))


def measure_table(results: Mapping[str, Any], arms: Sequence[Arm]) -> Table:
    """What was measured, over all kinds, and whatever is shown in a single one."""
    own = {arm.name: arm for arm in arms}
    rows = []
    for row in part(results, "measure_contrasts") or ():
        name, less = _MEASURES.get(str(row.get("measure")), (plain(str(row.get("measure")), 40), False))
        said = outcome(row, less_is_better=less)
        if row.get("arm") not in own or (row.get("kind") != ALL and said not in {"better", "worse"}):
            continue
        rows.append(
            Row(
                [
                    own[row["arm"]].label,
                    _label(own, row.get("against")),
                    heading(str(row.get("kind"))),
                    name,
                    estimate(row.get("difference"), row.get("ci")),
                    p_value(row.get("p_holm")),
                    str(row.get("families") or 0),
                    said,
                ],
                own[row["arm"]],
                said in {"better", "worse"},
            )
        )
    columns = ["arm", "against", "kind", "measure", "difference", "after Holm", "families", "verdict"]
    return Table(columns, rows, frozenset({6}))


def capability_table(results: Mapping[str, Any], arms: Sequence[Arm]) -> Table | None:
    """Right answers with non-inferiority verdicts; None where no item was answered."""
    found = [(arm, part(results, "capability", arm.name)) for arm in arms]
    tried = [(arm, able) for arm, able in found if part(able, "items")]
    if not tried:
        return None
    rows = []
    for arm, able in tried:
        margin = f"{100 * (able.get('margin') or 0):g} points"
        verdict = {
            True: f"within {margin}",
            False: f"worse by more than {margin}",
            None: f"open: not shown within {margin}",
        }
        compared = able.get("difference") is not None
        rows.append(
            Row(
                [
                    arm.label,
                    f"{able.get('correct') or 0:,} of {able['items']:,}",
                    share(able.get("rate"), able.get("ci")),
                    points(able["difference"], able.get("difference_ci")) if compared else "–",
                    verdict[able.get("non_inferior")]
                    if compared
                    else "reference"
                    if arm.role == "free"
                    else "not compared",
                ],
                arm,
                able.get("non_inferior") is False,
            )
        )
    return Table(["arm", "right", "rate", "difference from free", "verdict"], rows, frozenset({1}))


def overhead_table(results: Mapping[str, Any], arms: Sequence[Arm]) -> Table | None:
    """Tokens and seconds; None where nothing was scored."""
    rows = []
    for arm in arms:
        cost = part(results, "overhead", arm.name)
        if not part(cost, "trials"):
            continue
        free = arm.role == "free"
        ratios = [times(cost.get(f"{of}_ratio"), cost.get(f"{of}_ratio_ci")) for of in ("tokens", "seconds")]
        counts = [f"{cost.get(name) or 0:,.0f}" for name in ("trials", "tokens_in", "tokens_out", "seconds")]
        rows.append(Row([arm.label, *counts, *(["reference"] * 2 if free else ratios)], arm))
    columns = ["arm", "trials", "tokens in", "tokens out", "seconds", "tokens against free", "seconds against free"]
    return Table(columns, rows, frozenset({1, 2, 3, 4})) if rows else None


def spread_table(results: Mapping[str, Any], arms: Sequence[Arm]) -> Table:
    """Reproduction numbers and reach by arm and shape of the network."""
    rows = []
    for arm in arms:
        for shape, one in sorted((part(results, "agents", arm.name) or {}).items()):
            reproduction, ever, carrier = (part(one, name) for name in ("reproduction", "ever", "carrier"))
            ends = span(part(reproduction, "ci"))
            around = (
                "\u00a0(no\u00a0interval)" if ends is None else f"\u00a0[{number(ends[0])},\u00a0{number(ends[1])}]"
            )
            value = part(reproduction, "value")
            rows.append(
                Row(
                    [
                        arm.label,
                        plain(str(shape), 40),
                        "nobody to follow" if value is None else number(value) + around,
                        share(part(ever, "share"), part(ever, "ci")),
                        share(part(carrier, "share"), part(carrier, "ci")),
                        str(part(one, "spontaneous") or 0),
                        f"{part(one, 'families') or 0} / {part(one, 'trials') or 0}",
                    ],
                    arm,
                )
            )
    columns = ["arm", "network", "reproduction number", "ever infected", "carrier spoke so", "out of nowhere",
               "families / trials"]  # fmt: skip
    return Table(columns, rows, frozenset({5, 6}))


def reason_table(results: Mapping[str, Any], arms: Sequence[Arm]) -> Table | None:
    """Families that failed for each reason, over all stability kinds; None where none failed."""
    found = {arm.name: part(results, "reasons", arm.name, ALL) or {} for arm in arms}
    reasons = sorted({str(reason) for own in found.values() for reason in own})
    if not reasons:
        return None
    rows = []
    for arm in arms:
        rate = part(results, "arms", arm.name, ALL)
        cells = [str(found[arm.name].get(reason) or 0) for reason in reasons]
        rows.append(Row([arm.label, f"{failures(rate)}", *cells], arm))
    names = [plain(reason, 30) for reason in reasons]
    return Table(["arm", "families failed", *names], rows, frozenset(range(1, 2 + len(names))))


def power_table(results: Mapping[str, Any]) -> Table | None:
    """The smallest differences that this run would have shown; None where there is no free arm."""
    found = part(results, "power") or {}
    rows = []
    for kind in kinds_of(results):
        one = found.get(kind)
        if not isinstance(one, Mapping):
            continue
        smallest = [
            "none: too few families" if one.get(way) is None else f"{100 * one[way]:.0f} points"
            for way in ("worse", "better")
        ]
        rows.append(Row([heading(kind), str(one.get("families") or 0), share(one.get("base_rate")), *smallest]))
    columns = ["kind", "families", "free failed", "smallest harm it could show", "smallest help it could show"]
    return Table(columns, rows, frozenset({1, 2})) if rows else None


def _label(own: Mapping[str, Arm], name: object) -> str:
    return own[str(name)].label if str(name) in own else plain(str(name), 22)
