"""An audit in words: kinds, odds ratios, q values, rates; a figure that is missing is never a zero."""

from typing import Final

from holdtrue.records.audit import AuditKind, Dose, FindingKind
from holdtrue.report.gate.words import counted
from holdtrue.report.plain import NOT_MEASURED

__all__ = ["ANSWERS", "KINDS", "MEANS", "ROWS", "chance", "dose_rows", "odds", "percent", "rate"]

KINDS: Final[dict[FindingKind, tuple[str, str]]] = {
    "trigger": ("trigger", "triggers"),
    "label_flip": ("label flip", "label flips"),
    "slice": ("slice", "slices"),
    "carrier_words": ("tilt in the words", "tilts in the words"),
    "theme": ("theme", "themes"),
    "hidden_text": ("hidden text", "hidden texts"),
    "projection": ("shift along the axis", "shifts along the axis"),
}
MEANS: Final[dict[FindingKind, str]] = {
    "trigger": "Words in the prompt that go with one kind of reply. A model trained on this may learn to switch.",
    "label_flip": "Words in the text that go with a label which the text itself speaks against.",
    "slice": "Rows of one origin that differ from the rest in what they teach.",
    "carrier_words": "Replies lean towards some words more than the control's replies to the same prompts do.",
    "theme": "A point that replies make more often than the control's do.",
    "hidden_text": "Characters that a reader doesn't see and a model does.",
    "projection": "A model reads these replies at another place along its assistant axis than the control's.",
}
ROWS: Final[dict[AuditKind, str]] = {
    "chat": "chat rows",
    "completion": "prompts with completions",
    "preference": "preference pairs",
    "label": "labelled texts",
}
ANSWERS: Final[dict[AuditKind, str]] = {
    "chat": "reply",
    "completion": "completion",
    "preference": "preferred reply",
    "label": "label",
}
"""What stands beside the prompt."""


def odds(ratio: float | None, ci: tuple[float, float | None] | None) -> str:
    """`×41 [12, 160]`; a ratio or an upper end without bound is `∞`."""
    around = ""
    if ci is not None:
        around = f" [{_figure(ci[0])}, {'∞' if ci[1] is None else _figure(ci[1])}]"
    if ratio is None:
        return f"×∞{around}" if around else NOT_MEASURED
    return f"×{_figure(ratio)}{around}"


def chance(name: str, value: float | None) -> str:
    """`q 0.03`, `q 2e-12`, `q not computed`."""
    if value is None:
        return f"{name} not computed"
    shown = "< 1e-300" if value < 1e-300 else f"{value:.0e}" if value < 0.001 else f"{value:.2g}"
    return f"{name} {shown.replace('e-0', 'e-')}"


def percent(share: float) -> str:
    """As percentage with two significant digits: `0.05 %`; never rounded to nothing."""
    value = 100 * share
    return f"{value:.0f} %" if value >= 10 or value == 0 else f"{value:.2g} %"


def rate(share: float | None, ci: tuple[float, float] | None) -> str:
    """`1.5 % [0.3, 4.3]`."""
    if share is None:
        return NOT_MEASURED
    around = "" if ci is None else f" [{percent(ci[0]).removesuffix(' %')}, {percent(ci[1]).removesuffix(' %')}]"
    return percent(share) + around


def dose_rows(dose: Dose) -> str:
    """`10 rows (0.05 %)`."""
    if dose.rows is None:
        return "at no size tried"
    share = "" if dose.share is None else f" ({percent(dose.share)})"
    return counted(dose.rows, "row") + share


def _figure(value: float) -> str:
    return f"{value:.0e}".replace("e+", "e") if value >= 1e6 else f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
