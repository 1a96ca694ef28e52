"""A table as the page's template draws it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from holdtrue.report.stress.arms import Arm

__all__ = ["Row", "Table"]


@final
@dataclass(frozen=True)
class Row:
    """A line; where it belongs to an arm, the first cell carries the arm's mark."""

    cells: Sequence[str]
    arm: Arm | None = None
    strong: bool = False


@final
@dataclass(frozen=True)
class Table:
    """Columns and lines; `numeric` columns are set to the right."""

    columns: Sequence[str]
    rows: Sequence[Row]
    numeric: frozenset[int] = frozenset()
