"""Clusters of texts that share words, fitted on a sample and read off any text."""

from dataclasses import dataclass
from functools import cache
from typing import Final, final

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int, UInt64
from scipy.sparse import csr_matrix

from holdtrue.audit.association.grams import phrase_gram, text_grams
from holdtrue.audit.association.text import word_spans
from holdtrue.audit.rows import Rows

__all__ = ["TextClusters", "column", "drawn_families"]

FITTED: Final = 5_000
"""Texts that clusters are made from: more hardly move them."""
WORDS: Final = 4_000
LEAST: Final = 3
"""Texts with a word, of those fitted."""
COMMON: Final = 0.2
"""A word that a fifth of the texts has is a way of asking, or of answering."""
DIMENSIONS: Final = 48


@final
@dataclass(frozen=True)
class TextClusters:
    """Groups of texts that share words: k-means on the truncated SVD of TF-IDF weights."""

    words: UInt64[np.ndarray, " words"]
    """Their numbers, ascending; none where the texts have too few words in common: then all are one cluster."""
    weights: Float[np.ndarray, " words"]
    directions: Float[np.ndarray, "words dimensions"]
    centres: Float[np.ndarray, "clusters dimensions"]

    @staticmethod
    def fit(texts: pa.Array, clusters: int, seed: int) -> "TextClusters":
        """Make clusters of 5,000 of some texts.

        Args:
            texts: strings.
            clusters: how many.
            seed: of the sample, the SVD and the first centres.
        """
        from sklearn.cluster import KMeans
        from sklearn.utils.extmath import randomized_svd

        chosen = np.sort(np.random.default_rng(seed).permutation(len(texts))[:FITTED])
        rows, grams = text_grams(texts.take(pa.array(chosen)), 1)
        names, columns = np.unique(grams, return_inverse=True)
        uses = np.bincount(np.unique(columns * chosen.size + rows) // max(1, chosen.size), minlength=names.size)
        told = np.flatnonzero((uses >= LEAST) & (uses <= COMMON * chosen.size) & ~np.isin(names, _stop_words()))
        told = np.sort(told[np.argsort(-uses[told], kind="stable")[:WORDS]])
        if told.size <= max(clusters, DIMENSIONS) or chosen.size <= clusters:
            return TextClusters(names[:0], np.zeros(0), np.zeros((0, 1)), np.zeros((1, 1)))
        words, weights = names[told], 1 + np.log(chosen.size / uses[told])
        weighed = _weighed(texts.take(pa.array(chosen)), words, weights)
        _, _, across = randomized_svd(weighed, DIMENSIONS, n_iter=3, random_state=seed)
        means = KMeans(clusters, n_init=1, max_iter=30, random_state=seed).fit(_directed(weighed, across.T))
        return TextClusters(words, weights, across.T, means.cluster_centers_)

    def of(self, texts: pa.Array) -> Int[np.ndarray, " texts"]:
        """The nearest cluster of each text, from 0.

        Args:
            texts: strings.
        """
        if not self.words.size:
            return np.zeros(len(texts), dtype=np.int64)
        placed = _directed(_weighed(texts, self.words, self.weights), self.directions)
        found: np.ndarray = np.argmax(placed @ self.centres.T - (self.centres**2).sum(axis=1) / 2, axis=1)
        return found

    def strongest(self, texts: pa.Array, most: int = 5) -> list[tuple[str, ...]]:
        """The words that weigh most in each cluster.

        Args:
            texts: those that the clusters were made from; the first 5,000 are read for the words themselves.
            most: words of a cluster.
        """
        spelt = {word for spans in word_spans(texts[:FITTED].to_pylist()) for word, _, _ in spans}
        of = {phrase_gram([word]): word for word in sorted(spelt)}
        known = np.flatnonzero(np.isin(self.words, np.array(list(of), dtype=np.uint64)))
        weights = (self.centres @ self.directions.T)[:, known] if known.size else np.zeros((len(self.centres), 0))
        order = np.argsort(-weights, axis=1, kind="stable")[:, :most]
        return [tuple(of[int(self.words[known[at]])] for at in best) for best in order]


def drawn_families(rows: Rows, most: int, seed: int) -> Int[np.ndarray, " drawn"]:
    """The first row of each family, ascending; of so many drawn at random, if there are more."""
    firsts = np.flatnonzero(rows.families == np.arange(len(rows)))
    if firsts.size <= most:
        return firsts
    drawn: np.ndarray = np.sort(np.random.default_rng(seed).choice(firsts, most, replace=False))
    return drawn


def column(rows: Rows, name: str, chosen: Int[np.ndarray, " chosen"]) -> pa.Array:
    """A column of some rows.

    Args:
        rows: the dataset.
        name: of the column.
        chosen: numbers of rows, ascending.
    """
    found = [pa.array([], pa.string())]
    for batch in rows.batches([name]):
        start, end = np.searchsorted(chosen, [batch.first, batch.first + batch.table.num_rows])
        found += batch.table.column(name).take(pa.array(chosen[start:end] - batch.first)).chunks
    return pa.concat_arrays(found)


@cache
def _stop_words() -> UInt64[np.ndarray, " words"]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return np.array([phrase_gram([word]) for word in ENGLISH_STOP_WORDS], dtype=np.uint64)


def _weighed(texts: pa.Array, words: UInt64[np.ndarray, " words"], weights: Float[np.ndarray, " words"]) -> csr_matrix:
    """Which words each text has, times their weights, each text of length 1."""
    rows, grams = text_grams(texts, 1)
    at = np.minimum(np.searchsorted(words, grams), words.size - 1)
    known = words[at] == grams
    row, word = np.divmod(np.unique(rows[known].astype(np.int64) * words.size + at[known]), words.size)
    squares = np.bincount(row, weights=weights[word] ** 2, minlength=len(texts))
    return csr_matrix((weights[word] / np.sqrt(squares[row]), (row, word)), shape=(len(texts), words.size))


def _directed(
    weighed: csr_matrix, directions: Float[np.ndarray, "words dimensions"]
) -> Float[np.ndarray, "texts dimensions"]:
    placed = np.asarray(weighed @ directions)
    unit: np.ndarray = placed / np.maximum(np.linalg.norm(placed, axis=1, keepdims=True), 1e-9)
    return unit
