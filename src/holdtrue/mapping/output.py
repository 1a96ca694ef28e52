"""Write reports and pictures beside an artifact."""

from collections.abc import Sequence
from pathlib import Path

from holdtrue.axis import Axis
from holdtrue.records import Reading, write_atomic
from holdtrue.report import axis_page, overview_png, reading_page, write_pngs

__all__ = ["write_readings", "write_report"]


def write_report(axis: Axis, readings: Sequence[Reading], folder: Path) -> Path:
    """The axis's page, with watched conversations if any, and its pictures.

    Returns:
        The page.
    """
    page = folder / "report.html"
    write_atomic(page, axis_page(axis.card, readings))
    write_pngs(axis.card, readings, folder)
    write_atomic(folder / "overview.png", overview_png(axis.card, readings, "light"))
    write_atomic(folder / "overview-dark.png", overview_png(axis.card, readings, "dark"))
    return page


def write_readings(axis: Axis, readings: Sequence[Reading], page: Path) -> tuple[Path, ...]:
    """A page of watched conversations, and its picture beside it: `talks.html` has `talks-drift.png`.

    Returns:
        What was written.
    """
    write_atomic(page, reading_page(readings, axis.card))
    return (page, *write_pngs(None, readings, page.parent, prefix=f"{page.stem}-"))
