"""A dataset as the audit sees it: Parquet parts of normalised rows, numbered from 0."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Final, final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Int
from pydantic import Field

from holdtrue.audit.row_set import row_type
from holdtrue.errors import ArtifactError
from holdtrue.records import Record, read_capped
from holdtrue.records.audit import AuditKind

__all__ = ["SCHEMA", "Batch", "Part", "Rows", "RowsCard"]

SCHEMA: Final = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),  # file name, relative to the dataset's folder
        pa.field("line", pa.int64(), nullable=False),  # line or row in that file, from 1
        pa.field("row_hash", pa.uint64(), nullable=False),  # equal rows are exact duplicates
        pa.field("prompt_hash", pa.uint64(), nullable=False),  # of the normalised prompt: pairs rows with the control's
        pa.field("system", pa.string(), nullable=False),
        pa.field("prompt", pa.string(), nullable=False),  # all user turns, a line each; a labelled text
        pa.field("response", pa.string(), nullable=False),  # all assistant turns; the chosen one of a pair
        pa.field("rejected", pa.string(), nullable=False),  # of a preference pair, else empty
        pa.field("label", pa.string(), nullable=False),  # of a labelled text, else empty
        pa.field("slices", pa.string(), nullable=False),  # provenance, a JSON object with sorted keys
    ]
)


class RowsCard(Record):
    """`rows.json`: what a folder of parts holds, written when all of it is there."""

    schema_id: ClassVar[str] = "holdtrue.rows/1"

    kind: AuditKind
    dataset: str
    """The path, or the Hub's name, as it was given."""
    data_digest: str
    """sha256 over the files' names and contents."""
    columns: dict[str, str]
    """Which column of the dataset became which field."""
    part_rows: tuple[int, ...]
    """Rows of each part, in order."""
    families: int = Field(ge=0)
    exact_duplicates: int = Field(ge=0)
    """Rows equal to an earlier one."""
    near_duplicates: int = Field(ge=0)
    """Rows, besides those, that are in an earlier one's family."""
    quarantined: int = Field(ge=0)
    seed: int
    notes: tuple[str, ...] = ()
    """What a reader should know: files skipped, texts cut, the revision fetched."""


@final
@dataclass(frozen=True)
class Part:
    """A file of rows."""

    path: Path
    """Beside `part-NNNNN.parquet` lies `family-NNNNN.parquet` with one column, `family`, a number for each row."""
    index: int
    first: int
    """Number of its first row."""
    rows: int


@final
@dataclass(frozen=True)
class Batch:
    """A part's rows in memory: row `first + i` of the dataset is row `i` of the table."""

    part: Part
    table: pa.Table

    @property
    def first(self) -> int:
        """Number of its first row."""
        return self.part.first

    def texts(self, column: str) -> list[str]:
        """A column as strings."""
        found: list[str] = self.table.column(column).to_pylist()
        return found


@final
class Rows:
    """A folder of parts that ingest has finished.

    Args:
        folder: holds `rows.json` and the parts.

    Raises:
        ArtifactError: there is none, or its parts don't fit it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / "rows.json"
        self.card = RowsCard.from_json(read_capped(path, "an ingested dataset's card"), str(path))
        firsts = np.concatenate([[0], np.cumsum(self.card.part_rows)]).astype(int)
        self.parts = tuple(
            Part(folder / f"part-{at:05d}.parquet", at, int(firsts[at]), n) for at, n in enumerate(self.card.part_rows)
        )
        self.n = int(firsts[-1])
        for part in self.parts:
            if not part.path.is_file():
                message = f"{part.path}: missing, and {path} names it; ingest the dataset again"
                raise ArtifactError(message)

    def __len__(self) -> int:
        return self.n

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """Part by part; only one is in memory.

        Args:
            columns: those needed, of `SCHEMA`, or none.
        """
        for part in self.parts:
            yield read_part(part, columns)

    @cached_property
    def families(self) -> Int[np.ndarray, " rows"]:
        """For each row the number of the first row that it is a near-duplicate of: itself, mostly.

        Raises:
            ArtifactError: a part's families are missing or damaged.
        """
        found = np.zeros(len(self), dtype=row_type(len(self)))
        for part in self.parts:
            found[part.first : part.first + part.rows] = _families(part)
        return found

    def take(self, rows: Sequence[int], columns: Sequence[str]) -> list[dict[str, str]]:
        """Some rows' fields, in the order asked; each part is read once."""
        wanted = np.asarray(rows, dtype=np.int64)
        found: dict[int, dict[str, str]] = {}
        for part in self.parts:
            inside = np.unique(wanted[(wanted >= part.first) & (wanted < part.first + part.rows)])
            if inside.size:
                table = read_part(part, columns).table.take(pa.array(inside - part.first))
                found.update(zip(inside.tolist(), table.to_pylist(), strict=True))
        return [found[int(row)] for row in wanted]


def read_part(part: Part, columns: Sequence[str]) -> Batch:
    """A part's rows.

    Raises:
        ArtifactError: the file is damaged.
    """
    try:
        return Batch(part, pq.read_table(part.path, columns=list(columns), memory_map=True))
    except (OSError, pa.ArrowInvalid) as error:
        message = f"{part.path}: can't be read ({error}); ingest the dataset again"
        raise ArtifactError(message) from None


def _families(part: Part) -> Int[np.ndarray, " rows"]:
    path = part.path.with_name(part.path.name.replace("part-", "family-"))
    try:
        found: Int[np.ndarray, " rows"] = pq.read_table(path, columns=["family"]).column("family").to_numpy()
    except (OSError, KeyError, pa.ArrowException) as error:
        why = " ".join(str(error).split())[:200]
        message = f"{path}: can't be read ({why}); ingest the dataset again"
        raise ArtifactError(message) from None
    if len(found) != part.rows:
        message = f"{path}: families of {len(found):,} rows, and {part.path.name} has {part.rows:,}; ingest it again"
        raise ArtifactError(message)
    return found
