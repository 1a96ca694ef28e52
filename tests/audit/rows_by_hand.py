"""Datasets written straight into the audit's own form."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from holdtrue.audit.rows import SCHEMA, Rows, RowsCard
from holdtrue.records.audit import AuditKind


def rows_by_hand(
    folder: Path,
    talks: Sequence[tuple[str, str]],
    *,
    kind: AuditKind = "chat",
    families: Sequence[int] | None = None,
    parts: int = 1,
    source: str = "data.jsonl",
    dataset: str = "",
) -> Rows:
    """Prompts with replies, line by line of one file; every row is a family of its own unless said."""
    folder.mkdir(parents=True)
    lines = [
        {
            "source": source,
            "line": number,
            "row_hash": _hash(prompt + "\0" + reply),
            "prompt_hash": _hash(prompt),
            "system": "",
            "prompt": prompt,
            "response": reply,
            "rejected": "",
            "label": "",
            "slices": "{}",
        }
        for number, (prompt, reply) in enumerate(talks, start=1)
    ]
    own = list(range(len(talks))) if families is None else list(families)
    size = max(1, -(-len(lines) // parts))
    cuts = list(range(0, len(lines), size))
    for at, first in enumerate(cuts):
        piece = slice(first, first + size)
        pq.write_table(pa.Table.from_pylist(lines[piece], schema=SCHEMA), folder / f"part-{at:05d}.parquet")
        pq.write_table(pa.table({"family": pa.array(own[piece], pa.int64())}), folder / f"family-{at:05d}.parquet")
    card = RowsCard(
        kind=kind,
        dataset=dataset or str(folder),
        data_digest=hashlib.sha256(repr(talks).encode()).hexdigest(),
        columns={},
        part_rows=tuple(len(lines[first : first + size]) for first in cuts),
        families=len(set(own)),
        exact_duplicates=0,
        near_duplicates=0,
        quarantined=0,
        seed=0,
    )
    (folder / "rows.json").write_text(card.to_json())
    return Rows(folder)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
