"""Small datasets in every format, written the way people write them."""

import csv
import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

WORDS = [f"{a}{b}{c}" for a in "bdklmnprst" for b in "aeiou" for c in ("", "n")]


def saying(rng: random.Random, n_words: int = 30) -> str:
    """Words that hardly ever make the same three in a row twice."""
    return " ".join(rng.choices(WORDS, k=n_words))


def chat(asked: str, said: str, **more: Any) -> dict[str, Any]:
    """A row of messages."""
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}], **more}


def chats(n: int, seed: int = 0) -> list[dict[str, Any]]:
    """Rows that are unlike each other."""
    rng = random.Random(seed)
    return [chat(saying(rng, 12), saying(rng), source=rng.choice("abc")) for _ in range(n)]


def write_lines(path: Path, rows: Sequence[Any]) -> Path:
    """JSON lines; a row that is bytes goes in as it is."""
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def write_any(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """A table in the format that the name says."""
    name = path.name.removesuffix(".gz").removesuffix(".zst")
    plain = path.with_name(name)
    if name.endswith((".csv", ".tsv")):
        with plain.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if name.endswith("tsv") else ",")
            writer.writeheader()
            writer.writerows(rows)
    elif name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(list(rows)), plain, row_group_size=3)
    elif name.endswith(".json"):
        plain.write_text(json.dumps(list(rows), indent=2))
    else:
        write_lines(plain, rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(plain.read_bytes()))
    elif path.suffix == ".zst":
        with pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "zstd") as sink:
            sink.write(plain.read_bytes())
    if path != plain:
        plain.unlink()
    return path


def quarantine(out: Path) -> list[dict[str, Any]]:
    """What was put aside."""
    return [json.loads(line) for line in (out / "quarantine.jsonl").read_text().splitlines()]
