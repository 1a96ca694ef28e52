"""Is there an axis? The one line that a card comes down to."""

from dataclasses import dataclass
from typing import Literal, final

from holdtrue.records import AxisCard, Calibration
from holdtrue.report.plain import number, with_interval

__all__ = ["Verdict", "calibration_at", "verdict_on"]


@final
@dataclass(frozen=True)
class Verdict:
    """The line at the top of a report and the sentence under it."""

    state: Literal["found", "none", "unknown"]
    line: str
    why: str


def calibration_at(card: AxisCard, layer: int) -> Calibration | None:
    """The calibration of one layer, None when there is none."""
    return next((calibration for calibration in card.calibration if calibration.layer == layer), None)


def verdict_on(card: AxisCard) -> Verdict:
    """Found, not found, or never measured.

    Not found when the card's objections say so: one judgement serves the page, the terminal and the exit code.
    Not measured when there are no held-out checks, as for imported axes.
    """
    check = card.read_check
    where = f"block {card.recommended_layer}"
    if reasons := card.objections():
        sentence = "; ".join(reasons)
        return Verdict("none", "NO reliable axis was found", f"{sentence[0].upper()}{sentence[1:]}.")
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
