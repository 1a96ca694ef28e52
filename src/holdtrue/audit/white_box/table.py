"""The readings as a table."""

from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from holdtrue.audit.white_box.compare import ReadSample
from holdtrue.records import write_atomic

__all__ = ["TABLE_FILE", "write_table"]

TABLE_FILE: Final = "white_box.parquet"

_SCHEMA: Final = pa.schema(
    [
        pa.field("side", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("family", pa.int64(), nullable=False),  # among its own side's
        pa.field("of_interest", pa.bool_(), nullable=False),
        pa.field("z", pa.float64()),
        pa.field("projection", pa.float64()),
        pa.field("log_likelihood", pa.float64()),
        pa.field("n_tokens", pa.int64(), nullable=False),
        pa.field("cut", pa.bool_(), nullable=False),
        pa.field("unread", pa.string()),
        pa.field("partner", pa.int64()),  # row of the other side
    ]
)


def write_table(out: Path, read: ReadSample) -> Path:
    """Write `white_box.parquet`, whole or not at all.

    Args:
        out: its folder.
        read: the readings.

    Returns:
        Its path.
    """
    pairs = dict(zip(read.sample.uniform, read.sample.control, strict=True)) if read.sample.paired else {}
    back = {other: row for row, other in pairs.items()}
    lines: list[dict[str, object]] = []
    sides = ((read.rows, read.suspect, read.z, pairs), (read.control, read.theirs, read.z_control, back))
    for data, readings, z, partner in sides:
        for row, reading in sorted(readings.items()):
            fields = reading.model_dump(exclude={"side", "row"})
            family = 0 if data is None else int(data.families[row])
            of_interest = reading.side == "suspect" and row in read.of_interest
            lines.append(
                {
                    "side": reading.side,
                    "row": row,
                    "family": family,
                    "of_interest": of_interest,
                    "z": z.get(row),
                    "partner": partner.get(row),
                    **fields,
                }
            )
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(lines, schema=_SCHEMA), buffer)
    path = out / TABLE_FILE
    write_atomic(path, buffer.getvalue().to_pybytes())
    return path
