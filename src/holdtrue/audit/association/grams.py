"""Predictors of a row as 64-bit numbers: its prompt's phrases of 1-4 words, its provenance values, its topic.

A word is a run of letters, marks and digits, lower-cased, with the apostrophes inside it; of scripts written without
spaces each character is one. Punctuation is no word and doesn't break a phrase. A phrase's number is
`h(w1) C^(n-1) + ... + h(wn)` modulo 2^64, `h` being xxh3: it rolls along the text, for any length. The two lowest bits
say what kind of predictor it is, so that a provenance value can't pass for a phrase.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from jaxtyping import Bool, Int, UInt64

__all__ = [
    "COLUMNS",
    "LONGEST",
    "SLICE",
    "TOPIC",
    "flat_grams",
    "is_slice",
    "phrase_gram",
    "phrase_rows",
    "pieces",
    "row_grams",
    "slice_gram",
    "slice_rows",
    "text_grams",
    "topic_gram",
    "word_spans",
]

COLUMNS: Final = ("system", "prompt", "slices")
"""What the predictors are read from."""
LONGEST: Final = 4
"""Words of a phrase that is counted outright; longer ones are found by extending."""

FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
SHIFT: Final = np.uint64(2)
SLICE: Final = 1
TOPIC: Final = 2
APART: Final = r"[^\p{L}\p{M}\p{N}'’]+"
SPACELESS: Final = r"([\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])"
LOWERED: Final = bytes(ord(chr(at).lower()) if chr(at).isalnum() or at == ord("'") else 32 for at in range(128)) * 2
"""Of each ASCII byte its word character, else a blank."""
PIECE_CHARACTERS: Final = 1 << 23
"""Arrays of a piece fit into a few hundred megabytes, however long single rows are."""

Flat = tuple[Int[np.ndarray, " flat"], UInt64[np.ndarray, " flat"]]


def pieces(table: pa.Table, characters: int = PIECE_CHARACTERS) -> Iterator[tuple[int, pa.Table]]:
    """A table in slices of bounded text.

    Args:
        table: with `COLUMNS`.
        characters: bytes of text a piece holds at most, or one row.

    Yields:
        The number of the piece's first row in the table, and the piece.
    """
    if not table.num_rows:
        return
    sizes = sum(pc.binary_length(table.column(name)).to_numpy().astype(np.int64) for name in ("system", "prompt"))
    block = np.cumsum(sizes) // characters
    starts = np.concatenate([[0], np.flatnonzero(np.diff(block)) + 1, [table.num_rows]])
    for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        yield start, table.slice(start, end - start)


def row_grams(table: pa.Table, topics: Int[np.ndarray, " rows"] | None = None) -> Flat:
    """Every predictor of every row, once a row.

    Args:
        table: with `COLUMNS`.
        topics: a topic for each row; below 0 for none.

    Returns:
        Row indices in the table, ascending, and the predictors.
    """
    rows, grams, again = flat_grams(table, topics)
    kept = ~again
    doubtful = np.flatnonzero(again)
    kept[doubtful[_firsts(rows[doubtful], grams[doubtful])]] = True
    rows, grams = rows[kept], grams[kept]
    order = np.argsort(rows, kind="stable")
    return rows[order], grams[order]


def flat_grams(
    table: pa.Table, topics: Int[np.ndarray, " rows"] | None = None
) -> tuple[Int[np.ndarray, " flat"], UInt64[np.ndarray, " flat"], Bool[np.ndarray, " flat"]]:
    """Every predictor of every row, as often as it occurs, in no order: as `row_grams`, without the cost of sorting.

    Args:
        table: with `COLUMNS`.
        topics: a topic for each row; below 0 for none.

    Returns:
        Row indices, predictors, and which of them may occur in their row again: all others are there once.
    """
    words, hashes = _tokens(_texts(table))
    again = _met(words, hashes)
    found_rows, found, starts = ([each] for each in _phrases(words, hashes, LONGEST))
    of, slices = _slices(table.column("slices"))
    found_rows.append(of)
    found.append(slices)
    if topics is not None:
        known = np.flatnonzero(topics >= 0)
        names, codes = np.unique(topics[known], return_inverse=True)
        found_rows.append(known.astype(np.int32))
        found.append(np.array([topic_gram(int(name)) for name in names], dtype=np.uint64)[codes])
    rows, doubtful = np.concatenate(found_rows), np.zeros(sum(each.size for each in found), dtype=bool)
    # A phrase that is there twice begins with a word that is there twice.
    doubtful[: starts[0].size] = again[starts[0]]
    return rows, np.concatenate(found), doubtful


def text_grams(texts: pa.Array, longest: int = LONGEST) -> Flat:
    """Every phrase of every text, as often as it occurs, in no order.

    Args:
        texts: strings.
        longest: words of a phrase at most.
    """
    rows, grams, _ = _phrases(*_tokens(texts), longest)
    return rows, grams


def phrase_gram(words: Sequence[str]) -> int:
    """A phrase's number; its words as they are after splitting."""
    gram = np.zeros(1, dtype=np.uint64)
    for word in words:
        gram = gram * FACTOR + _hashes([word])
    return int(gram[0])


def slice_gram(value: str) -> int:
    """The number of a provenance value, `column=value`."""
    return int(_hashes([value])[0]) | SLICE


def topic_gram(topic: int) -> int:
    """A topic's number."""
    return int(_hashes([f"topic={topic}"])[0]) | TOPIC


def is_slice(grams: UInt64[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """Which predictors are provenance values."""
    found: np.ndarray = (grams & np.uint64(3)) == SLICE
    return found


def phrase_rows(table: pa.Table, words: Sequence[str]) -> Int[np.ndarray, " found"]:
    """Row indices in the table whose prompt holds a phrase of any length."""
    texts = _texts(table)
    # A cheap search for rows that may hold it spares splitting the others.
    piece = max((part for word in words for part in word.split("'")), key=len)
    near = np.flatnonzero(pc.match_substring(pc.utf8_lower(texts), piece).to_numpy(zero_copy_only=False))
    rows, hashes = _tokens(texts.take(pa.array(near)))
    gram = np.zeros(max(0, rows.size - len(words) + 1), dtype=np.uint64)
    for at in range(len(words)):
        gram = gram * FACTOR + hashes[at : at + gram.size]
    inside = rows[: gram.size] == rows[len(words) - 1 :][: gram.size]
    found: np.ndarray = near[np.unique(rows[: gram.size][inside & (gram == np.uint64(phrase_gram(words)))])]
    return found


def slice_rows(table: pa.Table, gram: int) -> Int[np.ndarray, " found"]:
    """Row indices in the table that have a provenance value, given by its number."""
    rows, grams = _slices(table.column("slices"))
    found: np.ndarray = np.unique(rows[grams == np.uint64(gram)])
    return found


def word_spans(texts: Sequence[str]) -> list[list[tuple[str, int, int]]]:
    """The words of some texts, each with its start and end in characters of the text as it stands."""
    lowered = pc.utf8_lower(pa.array(texts, pa.string()))  # a character stays one character
    found = []
    for text, words in zip(lowered.to_pylist(), _split(lowered).to_pylist(), strict=True):
        at, spans = 0, []
        for raw in words:
            word = _clean(raw)
            if word:
                start = text.index(raw.strip("'’"), at)
                at = start + len(word)
                spans.append((word, start, at))
        found.append(spans)
    return found


def _phrases(
    rows: Int[np.ndarray, " words"], hashes: UInt64[np.ndarray, " words"], longest: int
) -> tuple[Int[np.ndarray, " flat"], UInt64[np.ndarray, " flat"], Int[np.ndarray, " flat"]]:
    """Row, number and first word of every phrase."""
    gram, found, starts = hashes, [hashes], [np.arange(rows.size, dtype=np.int32)]
    for n in range(2, longest + 1):
        gram = gram[:-1] * FACTOR + hashes[n - 1 :]
        inside = np.flatnonzero(rows[: gram.size] == rows[n - 1 :]).astype(np.int32)
        starts.append(inside)
        found.append(gram[inside])
    first = np.concatenate(starts)
    return rows[first], np.concatenate(found), first


def _met(rows: Int[np.ndarray, " words"], hashes: UInt64[np.ndarray, " words"]) -> Bool[np.ndarray, " words"]:
    """Which words may be in their row again: all that are, and a few that share a slot of a hash table by chance."""
    bits = np.uint64(max(8, int(rows.size).bit_length() + 2))
    slots = ((hashes ^ (rows.astype(np.uint64) * FACTOR)) * FACTOR) >> (np.uint64(64) - bits)
    seen = np.bincount(slots.astype(np.int64), minlength=1 << int(bits))
    found: np.ndarray = seen[slots] > 1
    return found


def _firsts(rows: Int[np.ndarray, " flat"], grams: UInt64[np.ndarray, " flat"]) -> Bool[np.ndarray, " flat"]:
    """One of each equal pair of row and predictor, by a hash table: sorting would cost more than everything else."""
    bits = np.uint64(max(8, int(rows.size).bit_length() + 1))
    slots = ((grams ^ (rows.astype(np.uint64) * FACTOR)) * FACTOR) >> (np.uint64(64) - bits)
    table = np.zeros(1 << int(bits), dtype=np.int64)
    places = np.arange(rows.size)
    table[slots] = places
    winners = table[slots]
    kept: np.ndarray = winners == places
    # The rest are repeats of the pair that holds their slot, or met another pair there: few, so those are sorted.
    met = np.flatnonzero((grams[winners] != grams) | (rows[winners] != rows))
    order = met[np.lexsort((grams[met], rows[met]))]
    new = np.ones(order.size, dtype=bool)
    new[1:] = (rows[order[1:]] != rows[order[:-1]]) | (grams[order[1:]] != grams[order[:-1]])
    kept[order[new]] = True
    return kept


def _texts(table: pa.Table) -> pa.Array:
    """Prompts, with the system prompt before them where there is any."""
    system, prompt = (_one(table.column(name)) for name in ("system", "prompt"))
    if (pc.max(pc.binary_length(system)).as_py() or 0) == 0:
        return prompt
    return pc.binary_join_element_wise(system, prompt, "\n")


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _tokens(texts: pa.Array) -> Flat:
    """Row index and hash of every word; a row's words stand together, in order."""
    plain = pc.string_is_ascii(texts).to_numpy(zero_copy_only=False)
    if plain.all():
        return _hashed(_split_plain(texts))
    rest, others = np.flatnonzero(~plain), np.flatnonzero(plain)
    rows, hashes = _hashed(_split_plain(texts.take(pa.array(others))))
    more, of_more = _hashed(_split(pc.utf8_lower(texts.take(pa.array(rest)))))
    return np.concatenate([others[rows], rest[more]]).astype(np.int32), np.concatenate([hashes, of_more])


def _hashed(words: pa.Array) -> Flat:
    rows = np.repeat(np.arange(len(words), dtype=np.int32), pc.list_value_length(words).to_numpy())
    coded = words.flatten().dictionary_encode()
    unique = [_clean(word) for word in coded.dictionary.to_pylist()]
    hashes = _hashes(unique)
    codes = coded.indices.to_numpy()
    if not all(unique):
        kept = np.array([bool(word) for word in unique])[codes]
        rows, codes = rows[kept], codes[kept]
    return rows, hashes[codes]


def _split_plain(texts: pa.Array) -> pa.Array:
    """The same words of texts in ASCII, ten times faster: every byte is looked up, then blanks are the seams."""
    if not len(texts):
        return _split(texts)
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    raw = b"" if data is None else data[int(ends[0]) : int(ends[-1])].to_pybytes()
    moved = pa.py_buffer((ends - ends[0]).tobytes())
    return pc.ascii_split_whitespace(
        pa.Array.from_buffers(pa.string(), len(texts), [None, moved, pa.py_buffer(raw.translate(LOWERED))])
    )


def _split(lowered: pa.Array) -> pa.Array:
    if not pc.all(pc.string_is_ascii(lowered)).as_py():
        lowered = pc.replace_substring_regex(lowered, SPACELESS, r" \1 ")
    return pc.split_pattern_regex(lowered, APART)


def _clean(word: str) -> str:
    return word.strip("'’").replace("’", "'")


def _hashes(words: Sequence[str]) -> UInt64[np.ndarray, " words"]:
    found = np.array([xxhash.xxh3_64_intdigest(word.encode()) for word in words], dtype=np.uint64)
    hashes: np.ndarray = (found >> SHIFT) << SHIFT
    return hashes


def _slices(column: pa.ChunkedArray) -> Flat:
    """Provenance values of every row; each distinct set of them is read once."""
    coded = _one(column).dictionary_encode()
    sets = [
        [slice_gram(f"{name}={value}") for name, value in orjson.loads(text or "{}").items()]
        for text in coded.dictionary.to_pylist()
    ]
    sizes = np.array([len(each) for each in sets], dtype=np.int64)
    flat = np.array([gram for each in sets for gram in each], dtype=np.uint64)
    codes = coded.indices.to_numpy()
    counts = sizes[codes] if codes.size else np.zeros(0, dtype=np.int64)
    rows = np.repeat(np.arange(codes.size, dtype=np.int32), counts)
    starts = (np.cumsum(sizes) - sizes)[codes] if codes.size else counts
    within = np.arange(rows.size) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows, flat[np.repeat(starts, counts) + within]
