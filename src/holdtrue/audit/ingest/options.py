"""What can be asked of an ingest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, final, get_args

from holdtrue.errors import SettingError, did_you_mean
from holdtrue.records.audit import AuditKind

__all__ = ["FIELDS", "IngestOptions"]

FIELDS: Final = (
    "messages", "system", "prompt", "input", "response", "chosen", "rejected", "text", "label",
)  # fmt: skip
"""What a column can be named as."""


@final
@dataclass(frozen=True)
class IngestOptions:
    """How to read a dataset.

    Raises:
        SettingError: a value is impossible; the line names those that aren't.
    """

    kind: AuditKind | None = None
    """None recognises it from the first rows."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Column for each of `FIELDS`, where their names don't tell."""
    similarity: float = 0.7
    """Least Jaccard similarity of word 3-shingles that puts a row into an earlier row's family."""
    seed: int = 0
    """Of MinHash's permutations."""
    memory_bytes: int = 2**30
    """Half of it is DuckDB's, which then spills to the output folder."""
    processes: int = 2
    block_bytes: int = 16 * 2**20
    """Text that becomes one part."""

    def __post_init__(self) -> None:
        if self.kind is not None and self.kind not in get_args(AuditKind):
            message = f"kind '{self.kind}' is unknown; {did_you_mean(self.kind, list(get_args(AuditKind)))}"
            raise SettingError(message)
        for name in self.columns:
            if name not in FIELDS:
                message = f"field '{name}' is unknown; {did_you_mean(name, list(FIELDS))}"
                raise SettingError(message)
        if not 0 < self.similarity <= 1:
            message = f"similarity {self.similarity} must be above 0 and at most 1, such as 0.7"
            raise SettingError(message)
        for name, value, least in (
            ("processes", self.processes, 1),
            ("memory_bytes", self.memory_bytes, 256 * 2**20),
            ("block_bytes", self.block_bytes, 1),
            ("seed", self.seed, 0),
        ):
            if value < least:
                message = f"{name} {value} is too small; at least {least}"
                raise SettingError(message)
        if self.seed >= 2**32:
            message = f"seed {self.seed} is too large; below {2**32}"
            raise SettingError(message)
