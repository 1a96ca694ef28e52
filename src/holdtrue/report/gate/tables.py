"""A verdict as the page's tables: classes, controls, kinds of failure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

from holdtrue.records import ClassVerdict, Prereg, Verdict
from holdtrue.report.failure_classes import label_of
from holdtrue.report.gate.words import GOOD, MARKS, ORGANISM, STATES, at_least, word_of
from holdtrue.report.plain import NOT_MEASURED, plain
from holdtrue.report.stress.table import Row, Table
from holdtrue.report.tiles import Tile

__all__ = ["ClassRow", "class_rows", "control_table", "gate_tiles", "signature_table"]

MAX_KINDS: Final = 40
"""Of one class; the commonest and the new ones are shown."""


@final
@dataclass(frozen=True)
class ClassRow:
    """One class of the table that the page leads with."""

    label: str
    name: str
    word: str
    mark: str
    state: str
    sentence: str
    beside: tuple[str, ...]
    """What the rule and the hold's cost add to the sentence."""
    failed: str
    recall: str
    alpha: str
    attempt: str
    reason: str


def class_rows(verdict: Verdict, prereg: Prereg) -> list[ClassRow]:
    """Every class, in the verdict's order."""
    return [_class_row(name, one, prereg.rule) for name, one in verdict.classes.items()]


def gate_tiles(verdict: Verdict) -> list[Tile]:
    """How much was asked and what came of it; no score over classes."""
    classes = list(verdict.classes.values())
    apply = [one for one in classes if one.verdict != "NOT_APPLICABLE"]
    passed = sum(one.verdict == "PASS" for one in apply)
    asked, planned = (sum(getattr(one, of) for one in classes) for of in ("families", "planned"))
    failures, unclear = (sum(getattr(one, of) for one in classes) for of in ("failures", "undetermined"))
    attempt = max((one.attempt for one in classes), default=0)
    alpha = max((one.alpha_spent for one in classes), default=0.0)
    return [
        Tile("Classes passed", f"{passed} of {len(apply)}", f"that apply\n{len(classes) - len(apply)} don't apply"),
        Tile("Families answered", f"{asked:,}", f"of {planned:,} within capability"),
        Tile("Families failed", f"{failures:,}", f"{unclear:,} undetermined among them"),
        Tile("Kinds of failure", f"{sum(len(one.signatures) for one in classes):,}", _new_kinds(classes)),
        Tile("Attempt", f"{attempt}", "the highest of a class\neach spends half"),
        Tile("Alpha spent", f"{alpha:g}", "by a class, at most"),
    ]


def control_table(verdict: Verdict, prereg: Prereg) -> Table:
    """By class, how many planted failures were found, and how many good answers were taken for failures."""
    seen = {name for one in verdict.classes.values() for name in one.controls}
    names = [*prereg.controls, *sorted(seen - set(prereg.controls))]
    rows = [
        Row([label_of(name), *(_control(control, one) for control in names), f"≥ {at_least(one.recall)}"])
        for name, one in verdict.classes.items()
        if one.controls or one.recall is not None
    ]
    columns = ["class", *(plain(name, 40) for name in names), "recall, at 95 %"]
    return Table(columns, rows, frozenset(range(1, len(columns))))


def signature_table(verdict: Verdict, prereg: Prereg) -> Table:
    """Kinds of failure by class, new ones first, then the commonest."""
    rows = []
    for name, one in verdict.classes.items():
        new = set(one.new_signatures)
        kinds = sorted(one.signatures.items(), key=lambda kind: (kind[0] not in new, -kind[1], kind[0]))
        for kind, n in kinds[:MAX_KINDS]:
            seen = "new: blocks" if kind in new else "seen before" if prereg.earlier else "no earlier version"
            rows.append(Row([label_of(name), plain(kind, 160) or "unnamed", f"{n:,}", seen], strong=kind in new))
        if len(kinds) > MAX_KINDS:
            rest = kinds[MAX_KINDS:]
            rows.append(Row([label_of(name), f"{len(rest)} kinds more", f"{sum(n for _, n in rest):,}", ""]))
    return Table(["class", "kind of failure", "families", "in earlier versions"], rows, frozenset({2}))


def _class_row(name: str, one: ClassVerdict, rule: str) -> ClassRow:
    asked = one.families or one.planned
    failed = f"{one.failures:,} of {one.families:,}" if asked else "none asked"
    if one.families < one.planned:
        failed += f"\n{one.planned - one.families:,} {'not asked' if rule == 'sequential' else 'unanswered'}"
    if one.undetermined:
        failed += f"\n{one.undetermined:,} undetermined"
    beside = []
    if rule == "sequential" and one.e_value is not None:
        beside.append(f"e-value {one.e_value:.3g}; {1 / one.alpha_spent:.3g} would pass")
    if one.lost_twins is not None:
        beside.append("under the hold {:,} of {:,} twins lost".format(*one.lost_twins))
    return ClassRow(
        label=label_of(name),
        name=plain(name, 40),
        word=word_of(one.verdict),
        mark=MARKS[one.verdict],
        state=STATES[one.verdict],
        sentence=plain(one.sentence, 300),
        beside=tuple(beside),
        failed=failed,
        recall=NOT_MEASURED if one.recall is None else f"≥ {at_least(one.recall)}",
        alpha=f"{one.alpha_spent:g}",
        attempt=str(one.attempt),
        reason=plain(one.reason, 600),
    )


def _control(name: str, one: ClassVerdict) -> str:
    if name not in one.controls:
        return "not played"
    found, asked = one.controls[name]
    said = f"{found:,} of {asked:,}"
    if name == GOOD:
        return said + (f"\n{'false alarm' if found == 1 else 'false alarms'}" if found else "")
    return said + (f"\n{asked - found:,} missed" if found < asked and not name.startswith(ORGANISM) else "")


def _new_kinds(classes: Sequence[ClassVerdict]) -> str:
    new = sum(len(one.new_signatures) for one in classes)
    return f"{new} never seen before" if new else "none counts as new"
