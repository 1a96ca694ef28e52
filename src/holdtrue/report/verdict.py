"""Is there an axis? The one line that a card comes down to."""

from dataclasses import dataclass
from typing import Literal, final

from holdtrue.records import AxisCard, Calibration, LayerCheck
from holdtrue.report.plain import interval, number, with_interval

__all__ = ["Verdict", "calibration_at", "read_check", "verdict_on"]

# How the axis package opens the warnings that say that the direction is noise or points the wrong way.
_FATAL = ("NO AXIS", "SELF-TEST")


@final
@dataclass(frozen=True)
class Verdict:
    """The line at the top of a report and the sentence under it."""

    state: Literal["found", "none", "unknown"]
    line: str
    why: str


def read_check(card: AxisCard) -> LayerCheck | None:
    """The checks of the recommended layer, None when the card holds none for it."""
    return next((check for check in card.layers if check.layer == card.recommended_layer), None)


def calibration_at(card: AxisCard, layer: int) -> Calibration | None:
    """The calibration of one layer, None when there is none."""
    return next((calibration for calibration in card.calibration if calibration.layer == layer), None)


def verdict_on(card: AxisCard) -> Verdict:
    """Found, not found, or never measured.

    Not found when the card warns of it, when the self-test failed, or when at the recommended layer the split-half
    interval reaches zero, the AUROC interval reaches 0.5, or the AUROC doesn't beat random directions. Not measured
    when there are no held-out checks, as for imported axes.
    """
    check = read_check(card)
    where = f"block {card.recommended_layer}"
    if reasons := _against(card, check):
        return Verdict("none", "NO reliable axis was found", f"At {where}: {'; '.join(reasons)}.")
    if check is None or check.split_half_ci is None or check.auroc_ci is None:
        line = "Whether this direction is an assistant axis was not measured"
        return Verdict(
            "unknown", line, f"No complete held-out checks at {where}: nothing here says how reliable it is."
        )
    beaten = "" if check.random_auroc is None else f", against {number(check.random_auroc)} for random directions"
    return Verdict(
        "found",
        "An assistant axis was found",
        f"At {where} it separates held-out default answers from role answers with AUROC "
        f"{with_interval(check.auroc, check.auroc_ci)}{beaten}, and axes fitted on disjoint halves agree with "
        f"cosine {with_interval(check.split_half, check.split_half_ci)}.",
    )


def _against(card: AxisCard, check: LayerCheck | None) -> list[str]:
    """Every reason to say that there is no axis."""
    reasons = []
    if check is not None:
        if check.split_half_ci is not None and check.split_half_ci[0] <= 0:
            reasons.append(f"the split-half cosine's interval {interval(check.split_half_ci)} reaches zero")
        if check.auroc_ci is not None and check.auroc_ci[0] <= 0.5:
            reasons.append(f"the AUROC's interval {interval(check.auroc_ci)} reaches chance")
        if check.auroc is not None and check.random_auroc is not None and check.auroc <= check.random_auroc:
            reasons.append(f"AUROC {number(check.auroc)} doesn't beat random directions ({number(check.random_auroc)})")
    if card.self_test is not None and not card.self_test.passed:
        reasons.append("the self-test failed: default answers don't project above role answers")
    if not reasons and any(warning.startswith(_FATAL) for warning in card.warnings):
        reasons.append("the card warns that the direction is noise or points the wrong way")
    return reasons
