"""Parts' counts, added up."""

from collections import Counter
from typing import Final, final

from holdtrue.audit.scan.features import FEATURES
from holdtrue.audit.scan.part import MOST_HIDDEN_ROWS
from holdtrue.audit.scan.report import HiddenText, PartCounts, ScanReport
from holdtrue.audit.scan.slices import SliceCounts, merge_slices, slice_shifts
from holdtrue.audit.scan.templates import TemplateCounts, common_templates, merge_templates

__all__ = ["Totals"]

SHOWN_CODE_POINTS: Final = 100


@final
class Totals:
    """Counts of the parts so far."""

    def __init__(self) -> None:
        self.rows = 0
        self._flagged: Counter[str] = Counter()
        self._asked: Counter[str] = Counter()
        self._sums: dict[str, float] = dict.fromkeys(FEATURES, 0.0)
        self._hidden_rows: list[int] = []
        self._hidden: Counter[str] = Counter()
        self._classes: Counter[str] = Counter()
        self._points: Counter[str] = Counter()
        self._class_n: Counter[str] = Counter()
        self._class_rows: dict[str, list[int]] = {}
        self._templates: TemplateCounts = {}
        self._slices: SliceCounts = {}

    def add(self, part: PartCounts) -> None:
        """Another part's."""
        self.rows += part.rows
        self._flagged.update(part.flagged)
        self._asked.update(part.asked)
        for name, value in part.sums.items():
            self._sums[name] += value
        hidden = part.hidden
        self._hidden_rows += hidden.rows[: MOST_HIDDEN_ROWS - len(self._hidden_rows)]
        self._hidden.update(rows=hidden.n_rows, prompt=hidden.in_prompt, response=hidden.in_response)
        self._classes.update(hidden.classes)
        self._points.update(hidden.code_points)
        self._class_n.update(hidden.class_n)
        for name, rows in hidden.class_rows.items():
            named = self._class_rows.setdefault(name, [])
            named += rows[: MOST_HIDDEN_ROWS - len(named)]
        merge_templates(self._templates, part.templates)
        merge_slices(self._slices, part.slices)

    def report(self) -> ScanReport:
        """Of all."""
        return ScanReport(
            rows=self.rows,
            means={name: value / max(self.rows, 1) for name, value in self._sums.items()},
            flagged=dict(self._flagged),
            asked=dict(self._asked),
            hidden=HiddenText(
                n_rows=self._hidden["rows"],
                rows=tuple(self._hidden_rows),
                in_prompt=self._hidden["prompt"],
                in_response=self._hidden["response"],
                classes=dict(sorted(self._classes.items())),
                code_points=dict(self._points.most_common(SHOWN_CODE_POINTS)),
                class_n=dict(sorted(self._class_n.items())),
                class_rows={name: tuple(rows) for name, rows in sorted(self._class_rows.items())},
            ),
            templates=common_templates(self._templates, self.rows),
            slices=slice_shifts(self._slices, tuple(FEATURES)),
        )
