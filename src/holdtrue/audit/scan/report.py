"""What a scan found, as records."""

from typing import ClassVar

from pydantic import Field

from holdtrue.audit.scan.slices import SliceCounts, SliceShift
from holdtrue.audit.scan.templates import Template, TemplateCounts
from holdtrue.records import Record

__all__ = ["HiddenText", "PartCounts", "ScanReport"]


class HiddenText(Record):
    """Rows with characters that a reader doesn't see, or takes for others."""

    schema_id: ClassVar[str] = "holdtrue.audit-hidden/1"

    n_rows: int = Field(ge=0)
    rows: tuple[int, ...]
    """Their numbers, the first 10,000."""
    in_prompt: int = Field(ge=0)
    """Rows whose prompt or system prompt has them."""
    in_response: int = Field(ge=0)
    """Rows whose reply has them."""
    classes: dict[str, int]
    """`bidirectional`, `look-alike`...: texts that have some."""
    code_points: dict[str, int]
    """`U+202E`: how often, the 100 commonest."""
    class_n: dict[str, int] = Field(default_factory=dict)
    """`bidirectional`: rows that have some."""
    class_rows: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    """Their numbers, the first 10,000 of each class."""


class PartCounts(Record):
    """A part's counts, which lie in the metadata of its features."""

    schema_id: ClassVar[str] = "holdtrue.audit-part-counts/1"

    rows: int = Field(ge=0)
    flagged: dict[str, int]
    asked: dict[str, int]
    sums: dict[str, float]
    hidden: HiddenText
    templates: TemplateCounts
    slices: SliceCounts


class ScanReport(Record):
    """`scan.json`: what was seen in every row of a dataset, at little cost."""

    schema_id: ClassVar[str] = "holdtrue.audit-scan/1"

    rows: int = Field(ge=0)
    means: dict[str, float]
    """Of each feature of the replies."""
    flagged: dict[str, int]
    """Rows of each peculiar outcome, those whose prompt asks for it left out."""
    asked: dict[str, int]
    """Rows whose prompt asks for it."""
    hidden: HiddenText
    templates: tuple[Template, ...]
    """Openings and closings that replies share, the commonest first."""
    slices: tuple[SliceShift, ...]
    """Where provenance slices differ, the strongest first."""
