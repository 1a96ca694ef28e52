"""MinHash signatures of rows, and the band keys under which alike rows meet."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import xxhash
from datasketch import MinHash, MinHashLSH
from jaxtyping import UInt8, UInt32

__all__ = ["PERMUTATIONS", "band_keys", "bands", "signatures", "small"]

PERMUTATIONS: Final = 64
_GRAM: Final = 3
_PIECE: Final = 4096
"""Shingles hashed at once: a row of a million words costs time in proportion, and no memory."""
_WAITING: Final = 2**14
"""Shingles held before they are hashed."""


def bands(threshold: float) -> tuple[int, int]:
    """Bands and rows of a band, by datasketch's optimum with missed pairs weighed nine times false ones.

    Two rows of similarity `s` meet in one of `b` bands of `r` rows with chance `1 - (1 - s^r)^b`. False meetings cost
    only time, as every one is verified.

    Args:
        threshold: similarity from which on rows should meet.
    """
    lsh = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS, weights=(0.1, 0.9))
    return int(lsh.b), int(lsh.r)


def signatures(texts: Sequence[str], seed: int) -> UInt32[np.ndarray, "rows 64"]:
    """MinHash of each text's word 3-shingles (Broder 1997), by datasketch; of its words, if it has fewer.

    Args:
        texts: any; case and blanks don't count.
        seed: of the permutations.
    """
    out = np.empty((len(texts), PERMUTATIONS), dtype=np.uint32)
    pieces: list[list[bytes]] = []
    starts: list[int] = []
    done = waiting = 0
    for at, text in enumerate(texts, start=1):
        shingles = _shingles(text)
        waiting += len(shingles)
        starts.append(len(pieces))
        pieces.extend(shingles[first : first + _PIECE] for first in range(0, max(1, len(shingles)), _PIECE))
        if waiting >= _WAITING or at == len(texts):
            found = MinHash.bulk(pieces, num_perm=PERMUTATIONS, seed=seed + 1, hashfunc=xxhash.xxh32_intdigest)
            values = np.stack([each.hashvalues for each in found])
            out[done:at] = np.minimum.reduceat(values, starts, axis=0)
            pieces, starts, done, waiting = [], [], at, 0
    return out


def band_keys(signature: UInt32[np.ndarray, "rows 64"], shape: tuple[int, int]) -> UInt32[np.ndarray, "rows bands"]:
    """A number for each band of each row: equal for equal bands, and by chance for one other pair in 2^32.

    Args:
        signature: of the rows.
        shape: bands, rows of a band.
    """
    n_bands, per = shape
    odd = np.random.default_rng(0).integers(0, 2**63, size=per, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    values = signature[:, : n_bands * per].astype(np.uint64).reshape(len(signature), n_bands, per)
    # Multiply-shift of each value and a sum, modulo 2^64: the high half is well mixed.
    keys: UInt32[np.ndarray, "rows bands"] = ((values * odd).sum(axis=2) >> np.uint64(32)).astype(np.uint32)
    return keys


def small(signature: UInt32[np.ndarray, "rows 64"]) -> UInt8[np.ndarray, "rows 64"]:
    """The last 8 bits of each value: enough to compare, a quarter to keep (b-bit MinHash, Li and König 2010)."""
    return signature.astype(np.uint8)


def _shingles(text: str) -> list[bytes]:
    words = text.lower().encode().split()
    if len(words) * 24 < len(text):  # a script without blanks: its characters stand for words
        words = [character.encode() for character in text.lower() if not character.isspace()]
    return list(map(b" ".join, zip(words, words[1:], words[2:], strict=False))) if len(words) >= _GRAM else words
