"""The words of texts and their numbers.

A word is a run of letters, marks and digits, lower-cased, with the apostrophes inside it; of scripts written without
spaces each character is one. Punctuation is no word and doesn't break a phrase. A word's number is its xxh3, with the
two lowest bits left for what kind of predictor it is.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from jaxtyping import Int, Integer, UInt64

__all__ = ["code_words", "hashes_of", "one_chunk", "prompt_texts", "word_spans"]

SHIFT: Final = np.uint64(2)
APART: Final = r"[^\p{L}\p{M}\p{N}'’]+"
SPACELESS: Final = r"([\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])"
LOWERED: Final = bytes(ord(chr(at).lower()) if chr(at).isalnum() or at == ord("'") else 32 for at in range(128)) * 2
"""Of each ASCII byte its word character, else a blank."""

Coded = tuple[Int[np.ndarray, " words"], Integer[np.ndarray, " words"], UInt64[np.ndarray, " distinct"]]
Started = tuple[Int[np.ndarray, " starts"], Integer[np.ndarray, " words"], UInt64[np.ndarray, " distinct"]]


def prompt_texts(table: pa.Table) -> pa.Array:
    """Prompts, with the system prompt before them where there is any."""
    system, prompt = (one_chunk(table.column(name)) for name in ("system", "prompt"))
    if (pc.max(pc.binary_length(system)).as_py() or 0) == 0:
        return prompt
    return pc.binary_join_element_wise(system, prompt, "\n")


def one_chunk(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def hashes_of(words: Sequence[str]) -> UInt64[np.ndarray, " words"]:
    """Numbers of some words or values."""
    found = np.array([xxhash.xxh3_64_intdigest(word.encode()) for word in words], dtype=np.uint64)
    hashes: np.ndarray = (found >> SHIFT) << SHIFT
    return hashes


def code_words(texts: pa.Array) -> Started:
    """The words of some texts.

    Args:
        texts: strings.

    Returns:
        Where each row's words start, and where the last one's end; each word's place among the distinct ones; and
        their numbers. Two of the distinct ones may have the same number.
    """
    plain = pc.string_is_ascii(texts).to_numpy(zero_copy_only=False)
    if plain.all():
        rows, codes, hashes = _coded(_split_plain(texts))
    else:
        rest, others = np.flatnonzero(~plain), np.flatnonzero(plain)
        rows, codes, hashes = _coded(_split_plain(texts.take(pa.array(others))))
        more, of_more, more_hashes = _coded(_split(pc.utf8_lower(texts.take(pa.array(rest)))))
        rows = np.concatenate([others[rows], rest[more]])
        order = np.argsort(rows, kind="stable")
        codes = np.concatenate([codes, of_more + hashes.size])[order]
        hashes = np.concatenate([hashes, more_hashes])
    return np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(texts)))]), codes, hashes


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


def _coded(words: pa.Array) -> Coded:
    """Row and place of every word."""
    rows = np.repeat(np.arange(len(words), dtype=np.int32), pc.list_value_length(words).to_numpy())
    coded = words.flatten().dictionary_encode()
    unique = [_clean(word) for word in coded.dictionary.to_pylist()]
    codes = coded.indices.to_numpy()
    if not all(unique):
        kept = np.array([bool(word) for word in unique])[codes]
        rows, codes = rows[kept], codes[kept]
    return rows, codes, hashes_of(unique)


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
