"""Write reports and pictures beside an artifact."""

from collections.abc import Sequence
from pathlib import Path

from holdtrue.axis import Axis
from holdtrue.records import Reading, write_atomic
from holdtrue.report import axis_page, drift_png, overview_png, reading_page, write_pngs

__all__ = ["write_readings", "write_report"]


def write_report(axis: Axis, readings: Sequence[Reading], folder: Path) -> Path:
    """The axis's page, with watched conversations if any, and its pictures.

    Returns:
        The page.
    """
    page = folder / "report.html"
    write_atomic(page, axis_page(axis.card, readings))
    write_pngs(axis.card, readings, folder)
    for theme in ("light", "dark"):
        write_atomic(folder / f"overview-{theme}.png", overview_png(axis.card, readings, theme))
    return page


def write_readings(axis: Axis, readings: Sequence[Reading], page: Path) -> tuple[Path, Path]:
    """A page of watched conversations, and the drift picture beside it.

    Returns:
        The page and the picture.
    """
    picture = page.with_suffix(".png")
    write_atomic(page, reading_page(readings, axis.card))
    write_atomic(picture, drift_png(axis.card, readings))
    return page, picture
