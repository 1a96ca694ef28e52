"""Could this test see anything? Arms whose outcome is known beforehand, and the power of so many families."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypedDict

from holdtrue.records import StressArm, StressDesign
from holdtrue.stats import detectable_difference
from holdtrue.stress.results.failures import Contrast, Rate
from holdtrue.stress.results.grouping import ALL, Json, free_arm
from holdtrue.stress.results.measures import MeasureContrast

__all__ = ["ALPHA", "Control", "controls", "powers"]

ALPHA: Final = 0.05
POWER: Final = 0.8
FEWEST: Final = 5
_NAMED: Final = {"worse": "worse", "same": "the same", "better": "better", "mixed": "worse in one, better in the other"}
_VERDICTS: Final = {
    ("worse", True): "so the test can see harm.",
    ("worse", False): "so the test is blind to it, or too small: that it finds nothing elsewhere means little.",
    ("same", True): "as it should; that no difference was seen is no proof that there is none.",
    ("same", False): "so something besides the axis moves the outcome.",
}


class Control(TypedDict):
    """What an arm had to show if the test works, and what it showed."""

    arm: str
    expected: str
    seen: str
    ok: bool | None
    """None where there was too little to say."""
    sentence: str


def controls(design: StressDesign, failures: Sequence[Contrast], measures: Sequence[MeasureContrast]) -> list[Control]:
    """Judge every arm with a known outcome against the free one, over all stability kinds.

    An arm counts as worse where it fails more families, or loses probe margin, at 0.05; p is corrected by Holm for arms
    that must come out worse, and not for those that must not.
    """
    free = free_arm(design)
    known = [arm for arm in design.arms if arm.expected != "open" and arm is not free]
    return [_control(arm, free, failures, measures) for arm in known]


def powers(design: StressDesign, table: Mapping[str, Mapping[str, Rate]]) -> dict[str, Json]:
    """The smallest differences that the families of each kind would have shown, from the free arm's observed rate.

    The level is that of Holm's first step, with every other arm compared.
    """
    free = free_arm(design)
    rates = table[free.name] if free is not None else {}
    alpha = ALPHA / max(len(design.arms) - 1, 1)
    found: dict[str, Json] = {}
    for kind, rate in rates.items():
        base = rate["rate"] if rate["rate"] is not None else 0.5
        shown = detectable_difference(rate["families"], base, alpha, POWER)
        found[kind] = {
            "families": rate["families"],
            "base_rate": rate["rate"],
            "alpha": alpha,
            "power": POWER,
            "worse": shown.worse,
            "better": shown.better,
        }
    return found


def _control(
    arm: StressArm, free: StressArm | None, failures: Sequence[Contrast], measures: Sequence[MeasureContrast]
) -> Control:
    def mine(row: Contrast | MeasureContrast) -> bool:
        return free is not None and (row["arm"], row["against"], row["kind"]) == (arm.name, free.name, ALL)

    rate = next((row for row in failures if mine(row)), None)
    margin = next((row for row in measures if mine(row) and row["measure"] == "margin"), None)
    if free is None or rate is None or rate["difference"] is None or rate["families"] < FEWEST:
        n = rate["families"] if rate is not None else 0
        sentence = (
            f"{arm.name} was expected to come out {_NAMED[arm.expected]}; {n} paired families are too few to say."
        )
        return {"arm": arm.name, "expected": arm.expected, "seen": "too little", "ok": None, "sentence": sentence}
    # A control that must show nothing is read without the correction, which would make it easier to pass.
    which: Literal["p", "p_holm"] = "p" if arm.expected == "same" else "p_holm"
    found, signs = [_found("failing families", rate, rate[which])], [_sign(rate["difference"], rate[which])]
    if margin is not None:
        found.append(_found("probe margin", margin, margin[which]))
        signs.append(-_sign(margin["difference"], margin[which]))
    # Where the two disagree, the arm is neither simply worse nor simply better.
    seen = "mixed" if {1, -1} <= set(signs) else "worse" if 1 in signs else "better" if -1 in signs else "same"
    ok = seen == arm.expected
    sentence = (
        f"{arm.name} was expected to come out {_NAMED[arm.expected]} against {free.name} and came out {_NAMED[seen]} "
        f"({'; '.join(found)}), {_VERDICTS[arm.expected, ok]}"
    )
    return {"arm": arm.name, "expected": arm.expected, "seen": seen, "ok": ok, "sentence": sentence}


def _sign(difference: float, p: float | None) -> int:
    return 0 if p is None or p >= ALPHA or not difference else 1 if difference > 0 else -1


def _found(what: str, row: Contrast | MeasureContrast, p: float | None) -> str:
    ci = row["ci"]
    around = "" if ci is None else f" ({_signed(ci[0])} to {_signed(ci[1])})"
    return f"{what} {_signed(row['difference'] or 0.0)}{around}, p {p or 0.0:.2g}"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
