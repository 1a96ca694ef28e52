"""The outcomes that prompts are tested against: peculiar replies, labels against their texts, a judge's flags."""

from pathlib import Path

from holdtrue.audit.association import Outcome
from holdtrue.audit.row_set import RowSet
from holdtrue.audit.rows import Rows
from holdtrue.audit.scan import OUTCOMES, asked_column, outcome_column

__all__ = ["peculiar_outcomes"]


def peculiar_outcomes(scanned: Path, rows: Rows) -> tuple[Outcome, ...]:
    """What stands in for a judge: weak, and without the rows whose prompt asks for the thing.

    Args:
        scanned: the scan's folder.
        rows: that were scanned; labelled texts have no replies, and so no such outcome.
    """
    if rows.card.kind == "label":
        return ()
    found = []
    for each in OUTCOMES:
        unasked = RowSet.of(~asked_column(scanned, rows, each.name))
        flagged = RowSet.of(outcome_column(scanned, rows, each.name)) & unasked
        found.append(Outcome(each.name, "trigger", flagged, unasked, everyday=each.everyday))
    return tuple(found)
