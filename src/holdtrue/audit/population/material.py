"""Both sides' replies, read, folded and counted: what every test of a population starts from."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix

from holdtrue.audit.population.channels import FORMAT_FEATURES, Folded, Vocabulary, format_features, presence
from holdtrue.audit.population.pairs import Texts
from holdtrue.audit.population.repeats import Asked, find_repeats
from holdtrue.audit.population.topics import WordKinds, prompt_topics, word_kinds
from holdtrue.audit.population.variants import spelling_variants

__all__ = ["FEATURES", "Material", "Side", "prepare"]

FEWEST: Final = 5
"""Replies, of both sides together, with a word; rarer ones are no columns."""

FEATURES: Final = (*FORMAT_FEATURES, "regional spellings", "repeated phrases")
"""Columns of the format channel."""


@final
@dataclass(frozen=True)
class Side:
    """One side's replies."""

    present: csr_matrix
    """Which reply has which word, repeated phrases left out: replies x words."""
    length: Float[np.ndarray, " replies"]
    """Words of each reply, without those."""
    layout: Float[np.ndarray, "replies features"]
    topics: Int[np.ndarray, " replies"]


@final
@dataclass(frozen=True)
class Material:
    """Both sides over one vocabulary."""

    suspect: Side
    control: Side
    words: tuple[str, ...]
    kinds: WordKinds
    phrases: tuple[str, ...]
    """Repeated ones that were left out."""
    variants: tuple[tuple[str, str], ...]
    """Spellings told by the data: the suspect's, and the control's that it counts as."""


def prepare(suspect: Texts, control: Texts, seed: int, *, paired: bool = True) -> Material:
    """Fold the replies of both sides, take templates out and sort words by how the control uses them.

    Args:
        suspect: its texts.
        control: the control's.
        seed: of the prompts' topics.
        paired: the same place in both is the same prompt.
    """
    vocabulary = Vocabulary()
    ours, theirs = vocabulary.fold(suspect.replies), vocabulary.fold(control.replies)
    topics = prompt_topics(suspect.prompts if paired else suspect.prompts + control.prompts, seed)
    our_topics, their_topics = (topics, topics) if paired else (topics[: ours.n], topics[ours.n :])
    asking = Vocabulary()
    asked = [asking.fold(texts.prompts) for texts in (suspect, control)]
    our_asked, their_asked = (
        Asked(of, presence(each, len(asking.words))) for of, each in zip((our_topics, their_topics), asked, strict=True)
    )
    repeats = find_repeats(ours, theirs, our_asked, their_asked, vocabulary.words)
    size = len(vocabulary.words)
    kept = [ours.keep(~repeats.suspect), theirs.keep(~repeats.control)]
    counts = [np.bincount(presence(side, size).indices, minlength=size) for side in kept]
    variants = spelling_variants(counts[0], counts[1], vocabulary.words)
    same = np.arange(size, dtype=np.int32)
    same[list(variants)] = list(variants.values())
    kept = [Folded(same[side.ids], side.starts, side.regional) for side in kept]
    both = [presence(side, size) for side in kept]
    columns = np.flatnonzero(np.bincount(np.concatenate([each.indices for each in both]), minlength=size) >= FEWEST)
    sides = [
        Side(
            each[:, columns],
            np.diff(folded.starts).astype(float),
            np.column_stack(
                [
                    format_features(texts.replies),
                    np.log1p(whole.regional),
                    np.log1p(np.diff(whole.starts - folded.starts)),
                ]
            ),
            of,
        )
        for each, folded, whole, texts, of in zip(
            both, kept, (ours, theirs), (suspect, control), (our_topics, their_topics), strict=True
        )
    ]
    words = tuple(vocabulary.words[at] for at in columns)
    named = tuple((vocabulary.words[at], vocabulary.words[other]) for at, other in variants.items())
    return Material(sides[0], sides[1], words, word_kinds(sides[1].present, their_topics), repeats.phrases, named)
