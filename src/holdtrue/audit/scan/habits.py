"""How a dataset's replies are spelt: a character-bigram model counted on a sample, to tell the unusual ones."""

import hashlib
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float32, Float64, Int, UInt8

from holdtrue.audit.rows import Rows, read_part
from holdtrue.audit.scan.layout import Text, chunks

__all__ = ["Habits", "learn_habits"]

SAMPLE_PARTS: Final = 8
SAMPLE_ROWS: Final = 20_000
SAMPLE_CHARACTERS: Final = 4_000
"""Of each reply: one huge row shall not be the model."""
UNUSUAL: Final = 0.003
"""Share of the sample above the limit."""
SHRINK: Final = 50
"""Ordinary characters that each reply is given besides its own, so that short ones don't stand out by chance."""
SYMBOLS: Final = 256


@final
@dataclass(frozen=True)
class Habits:
    """A character-bigram model of a dataset's replies and the limit above which a reply is unusual."""

    bits: Float32[np.ndarray, " bigrams"]
    """-log2 of a symbol's chance after the one before it."""
    usual: float
    """Mean over the sample, in bits a character."""
    limit: float
    """The sample's 99.7 % quantile of the shrunk excess."""

    @property
    def digest(self) -> str:
        """Of the model, as hex: features made by another one are not these."""
        return hashlib.sha256(self.bits.tobytes() + np.array([self.usual, self.limit]).tobytes()).hexdigest()

    def surprise(self, text: Text) -> Float64[np.ndarray, " rows"]:
        """How far each text is above the limit, in bits a character.

        With n characters that cost b bits in all, (b - n * usual) / (n + 50) - limit: a cross-entropy's excess over the
        dataset's own, shrunk towards nothing for short texts.
        """
        costs = np.zeros(text.codes.size + 1)
        np.cumsum(self.bits.take(_bigrams(text)), dtype=np.float64, out=costs[1:])
        spent = np.diff(costs[text.starts])
        excess: Float64[np.ndarray, " rows"] = (spent - text.sizes * self.usual) / (text.sizes + SHRINK) - self.limit
        return excess


def learn_habits(rows: Rows, column: str) -> Habits:
    """Count a sample of the dataset: rows evenly spread over up to 8 of its parts.

    One half makes the model, the other sets what is usual, as replies that the model has seen would look more usual
    than they are.

    Args:
        rows: the dataset.
        column: what is read, of `rows.SCHEMA`.
    """
    sample = _sample(rows, column)
    half = pa.array(np.arange(sample.num_rows) % 2 == 0)
    counted, held_out = _texts(sample.filter(half)), _texts(sample.filter(pc.invert(half)))
    counts = np.zeros(SYMBOLS * SYMBOLS, np.int64)
    for text in counted:
        counts += np.bincount(_bigrams(text), minlength=counts.size)
    smooth = counts.reshape(SYMBOLS, SYMBOLS) + 0.1
    bits = -np.log2(smooth / smooth.sum(1, keepdims=True)).astype(np.float32).ravel()
    characters = sum(text.codes.size for text in held_out)
    spent = sum(float(bits.take(_bigrams(text)).sum(dtype=np.float64)) for text in held_out)
    level = Habits(bits, spent / max(characters, 1), 0.0)
    excess = np.concatenate([level.surprise(text) for text in held_out])
    return Habits(bits, level.usual, float(np.quantile(excess, 1 - UNUSUAL)) if excess.size else 0.0)


def _texts(table: pa.Table) -> list[Text]:
    return [Text.of(piece.column(0).combine_chunks()) for piece in chunks(table)]


def _sample(rows: Rows, column: str) -> pa.Table:
    at = np.unique(np.linspace(0, len(rows.parts) - 1, min(SAMPLE_PARTS, len(rows.parts))).astype(int)).tolist()
    share = SAMPLE_ROWS // max(len(at), 1)
    found = [pa.schema([pa.field(column, pa.string())]).empty_table()]
    for part in (rows.parts[index] for index in at):
        taken: Int[np.ndarray, " taken"] = np.unique(np.linspace(0, part.rows - 1, min(share, part.rows)).astype(int))
        texts = read_part(part, [column]).table.column(column).take(pa.array(taken))
        cut = pc.utf8_slice_codeunits(texts, 0, SAMPLE_CHARACTERS)
        found.append(pa.table({column: cut}))
    return pa.concat_tables(found)


def _bigrams(text: Text) -> Int[np.ndarray, " chars"]:
    symbols: UInt8[np.ndarray, " chars"]
    if text.ascii:
        symbols = text.folded.astype(np.uint8)
    else:  # the rest of Unicode in 128 groups: a stranger's neighbours are strange wherever it falls
        symbols = np.where(text.folded < 128, text.folded, 128 + text.folded % 128).astype(np.uint8)
    pairs = symbols.astype(np.int32)
    pairs[1:] += symbols[:-1].astype(np.int32) * SYMBOLS
    first = text.starts[:-1][text.sizes > 0]
    pairs[first] = symbols[first]  # after the symbol 0, which stands for a beginning
    return pairs
