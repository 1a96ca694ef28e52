"""Small datasets written by hand, as ingest would leave them, and the engine of one process."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from holdtrue.audit.association import Outcome
from holdtrue.audit.row_set import RowSet
from holdtrue.audit.rows import SCHEMA, Rows, RowsCard, read_part


class OneByOne:
    """Parts in order, in this process."""

    def over(self, work, rows, columns):
        for part in rows.parts:
            yield work(read_part(part, columns))


def made_rows(
    folder: Path,
    prompts: Sequence[str],
    *,
    responses: Sequence[str] | None = None,
    rejected: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    slices: Sequence[str] | None = None,
    families: Sequence[int] | None = None,
    systems: Sequence[str] | None = None,
    kind: str = "chat",
    parts: int = 3,
) -> Rows:
    """Write a dataset; each row is a family of its own unless they are given."""
    folder.mkdir(parents=True, exist_ok=True)
    n = len(prompts)
    hashes = [xxhash.xxh3_64_intdigest(prompt.encode()) for prompt in prompts]
    columns = {
        "source": ["data.jsonl"] * n,
        "line": list(range(1, n + 1)),
        "row_hash": hashes,
        "prompt_hash": hashes,
        "system": systems or [""] * n,
        "prompt": list(prompts),
        "response": responses or [""] * n,
        "rejected": rejected or [""] * n,
        "label": labels or [""] * n,
        "slices": slices or ["{}"] * n,
    }
    table = pa.table(columns, schema=SCHEMA)
    of = np.arange(n) if families is None else np.asarray(families)
    edges = np.linspace(0, n, parts + 1).astype(int)
    for at, (start, end) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        pq.write_table(table.slice(start, end - start), folder / f"part-{at:05d}.parquet")
        pq.write_table(pa.table({"family": of[start:end]}), folder / f"family-{at:05d}.parquet")
    card = RowsCard(
        kind=kind, dataset="made", data_digest="0" * 64, columns={}, part_rows=tuple(np.diff(edges).tolist()),
        families=len(set(of.tolist())), exact_duplicates=0, near_duplicates=0, quarantined=0, seed=0,
    )  # fmt: skip
    (folder / "rows.json").write_text(card.to_json())
    return Rows(folder)


def made_prompts(n: int, seed: int, *, words: int = 4000, length: tuple[int, int] = (8, 40)) -> list[str]:
    """Sentences of invented words, frequent and rare as in language."""
    rng = np.random.default_rng(seed)
    onsets, rhymes = (
        ["b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v"],
        ["a", "e", "i", "o", "u", "an", "el", "is", "or", "un"],
    )
    vocabulary = sorted({a + b + c + d for a in onsets for b in rhymes for c in onsets for d in rhymes})
    vocabulary = [vocabulary[at] for at in rng.permutation(len(vocabulary))[:words]]
    weights = 1 / (np.arange(words) + 3)
    drawn = rng.choice(words, size=(n, length[1]), p=weights / weights.sum())
    sizes = rng.integers(*length, size=n)
    return [" ".join(vocabulary[at] for at in row[:size]) + "." for row, size in zip(drawn, sizes, strict=True)]


def with_phrase(prompts: list[str], rows: Sequence[int], phrase: str, seed: int) -> list[str]:
    """The phrase put at a random place of some prompts."""
    rng, changed = np.random.default_rng(seed), list(prompts)
    for row in rows:
        split = changed[row].split()
        at = int(rng.integers(len(split) + 1))
        changed[row] = " ".join([*split[:at], phrase, *split[at:]])
    return changed


def odd(flagged, name="reply in capitals", kind="trigger", **more):
    """An outcome that every row was looked at for."""
    return Outcome(name, kind, RowSet.of(flagged), RowSet.of(np.ones_like(flagged)), **more)
