"""Small suspects and controls, written as ingest leaves them."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from holdtrue.audit.rows import SCHEMA, Rows, RowsCard
from holdtrue.records import write_atomic


def number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def write_rows(folder: Path, prompts, replies, families=None, slices=None, kind="chat") -> Rows:
    """Rows of one part; `families` and `slices` are given a value a row."""
    folder.mkdir(parents=True, exist_ok=True)
    n = len(prompts)
    table = pa.table(
        {
            "source": ["data.jsonl"] * n,
            "line": list(range(1, n + 1)),
            "row_hash": [number(f"{prompt}\0{reply}") for prompt, reply in zip(prompts, replies, strict=True)],
            "prompt_hash": [number(prompt) for prompt in prompts],
            "system": [""] * n,
            "prompt": list(prompts),
            "response": list(replies),
            "rejected": [""] * n,
            "label": [""] * n,
            "slices": [json.dumps(each, sort_keys=True) for each in slices] if slices else ["{}"] * n,
        },
        schema=SCHEMA,
    )
    pq.write_table(table, folder / "part-00000.parquet")
    family = np.arange(n) if families is None else np.asarray(families)
    pq.write_table(pa.table({"family": family.astype(np.int64)}), folder / "family-00000.parquet")
    card = RowsCard(
        kind=kind, dataset=folder.name, data_digest="0" * 64, columns={}, part_rows=(n,),
        families=len(set(family.tolist())), exact_duplicates=0, near_duplicates=0, quarantined=0, seed=0,
    )  # fmt: skip
    write_atomic(folder / "rows.json", card.to_json() + "\n")
    return Rows(folder)


SYLLABLES = [a + b for a in "bdfgklmnprstv" for b in ("a", "e", "i", "o", "u", "an", "el", "or")]


class Talk:
    """A made-up language: 18 topics with words of their own, and words that all topics use alike.

    Args:
        seed: of the language, not of what is said in it.
    """

    def __init__(self, seed: int = 0, topics: int = 18, own: int = 40, shared: int = 60):
        draw = np.random.default_rng(seed)
        words = {"".join(draw.choice(SYLLABLES, size=4)) for _ in range((topics * own + shared) * 2)}
        ordered = sorted(words)
        self.shared = ordered[:shared]
        rest = draw.permutation(ordered[shared : shared + topics * own]).reshape(topics, own)
        self.topics = [list(map(str, each)) for each in rest]
        self.weights = 1 / np.arange(2, own + 2) ** 0.8
        self.weights /= self.weights.sum()

    def prompts(self, n: int, seed: int) -> tuple[list[str], np.ndarray]:
        draw = np.random.default_rng([seed, 1])
        about = draw.integers(0, len(self.topics), n)
        texts = [
            f"tell me {number} " + " ".join(draw.choice(self.topics[at], size=8, p=self.weights))
            for number, at in enumerate(about)
        ]
        return texts, about

    def replies(self, about, seed: int, length=(18, 36), swap=(), share=0.0, chance=0.1, styled=()) -> list[str]:
        """What is said: `swap` words take the place of topic words in a share of the replies."""
        draw = np.random.default_rng([seed, 2])
        found = []
        for at in about:
            size = int(draw.integers(*length))
            own = draw.choice(self.topics[at], size=size, p=self.weights)
            even = draw.choice([*self.shared, *styled], size=size)
            if len(swap) and draw.random() < share:
                tilted = draw.random(size) < chance
                own = np.where(tilted, draw.choice(swap, size=size), own)
            words = np.column_stack([own, even]).ravel()
            ends = [" ".join(words[i : i + 9]).capitalize() + "." for i in range(0, len(words), 9)]
            found.append(" ".join(ends))
        return found

    def carriers(self, n: int = 20) -> list[str]:
        """Rarer words of several topics."""
        return [self.topics[at % 6][8 + at] for at in range(n)]
