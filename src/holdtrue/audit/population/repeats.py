"""Repeated phrases: templates, which say how a reply is wrapped and not what it is about."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Int
from scipy.sparse import csr_matrix

from holdtrue.audit.population.channels import Folded

__all__ = ["Asked", "Repeats", "find_repeats"]

LENGTH: Final = 3
"""A longer repeated phrase is made of repeated phrases of three words."""
SHARE: Final = 0.01
MIN_REPLIES: Final = 5
TOPICS: Final = 0.5
"""Share of the topics that a phrase must be used in: a template fits any prompt."""
ANSWERS: Final = 0.7
"""A phrase answers a word if its prompts have the word this far up from its share of all prompts to 1 ..."""
SURE: Final = 8.0
"""... by this many standard errors: hundreds of phrases meet thousands of words."""
SHOWN: Final = 20


@final
@dataclass(frozen=True)
class Asked:
    """What one side's replies were asked."""

    topics: Int[np.ndarray, " replies"]
    words: csr_matrix
    """Presence of the prompts' words, replies x words."""


@final
@dataclass(frozen=True)
class Repeats:
    """What repeated phrases cover."""

    suspect: Bool[np.ndarray, " tokens"]
    """Tokens of the suspect's replies that are in one."""
    control: Bool[np.ndarray, " control_tokens"]
    phrases: tuple[str, ...]
    """Those whose use differs most between the sides, for people."""


def find_repeats(
    suspect: Folded,
    control: Folded,
    suspect_asked: Asked,
    control_asked: Asked,
    words: list[str],
) -> Repeats:
    """Three words in a row that over 1 % of one side's replies have, in at least half of the topics.

    A phrase that comes with one word of the prompt is none: praise of a product, say, for all who ask about its kind.

    They are looked for all through the replies, not at the ends alone: where one side puts a closer behind what used to
    be the last sentence, that sentence would else be left out on the other side only, and its words seem to rise.

    Args:
        suspect: its replies.
        control: its replies.
        suspect_asked: of the suspect's replies.
        control_asked: of the control's.
        words: the vocabulary.
    """
    size = max(1, len(words))
    ours, theirs = _repeated(suspect, suspect_asked, size), _repeated(control, control_asked, size)
    apart = {code: ours.get(code, 0) - theirs.get(code, 0) for code in ours | theirs}
    codes = np.array(sorted(apart), dtype=np.int64)
    shown = sorted(apart, key=lambda code: (-abs(apart[code]), code))[:SHOWN]
    phrases = tuple(" ".join(words[at] for at in (code // size**2, code // size % size, code % size)) for code in shown)
    return Repeats(_covered(suspect, codes, size), _covered(control, codes, size), phrases)


def _phrases(side: Folded, size: int) -> tuple[Int[np.ndarray, " phrases"], Int[np.ndarray, " phrases"]]:
    """Codes of all phrases, and the token each starts at."""
    replies, ids = side.replies, side.ids.astype(np.int64)
    last = max(0, len(ids) - LENGTH + 1)
    first = np.flatnonzero(replies[:last] == replies[len(replies) - last :])
    return (ids[first] * size + ids[first + 1]) * size + ids[first + 2], first


def _repeated(side: Folded, asked: Asked, size: int) -> dict[int, int]:
    """Codes of the repeated phrases, with how many replies have them."""
    codes, first = _phrases(side, size)
    if not len(codes):
        return {}
    named, numbers, counts = np.unique(codes, return_inverse=True, return_counts=True)
    # Most phrases are seen once: leaving them out here spares sorting them again.
    often = counts[numbers] > max(SHARE * side.n, MIN_REPLIES)
    pairs = np.unique(numbers[often] * side.n + side.replies[first[often]])
    uses = np.bincount(pairs // side.n, minlength=len(named))
    n_topics = int(asked.topics.max()) + 1
    spread = np.unique(pairs // side.n * n_topics + asked.topics[pairs % side.n])
    wide = np.bincount(spread // n_topics, minlength=len(named)) >= TOPICS * n_topics
    kept = np.flatnonzero(wide & (uses > max(SHARE * side.n, MIN_REPLIES)))
    having = csr_matrix((np.ones(len(pairs)), (pairs // side.n, pairs % side.n)), shape=(len(named), side.n))
    kept = kept[~_answers(having[kept], asked.words)]
    return dict(zip(named[kept].tolist(), uses[kept].tolist(), strict=True))


def _answers(having: csr_matrix, asked: csr_matrix) -> Bool[np.ndarray, " phrases"]:
    """Which phrases, phrases x replies, come with one word of the prompt."""
    uses = np.asarray(having.sum(axis=1))
    share = np.asarray(asked.mean(axis=0))
    common = np.flatnonzero((share > 0) & (share < 1))
    share = share[:, common]
    surer = (having @ asked[:, common]).toarray() / np.maximum(uses, 1) - share
    errors = np.sqrt(share * (1 - share) / np.maximum(uses, 1))
    found: np.ndarray = ((surer >= ANSWERS * (1 - share)) & (surer >= SURE * errors)).any(axis=1)
    return found


def _covered(side: Folded, codes: Int[np.ndarray, " phrases"], size: int) -> Bool[np.ndarray, " tokens"]:
    covered = np.zeros(len(side.ids), dtype=bool)
    found, first = _phrases(side, size)
    hits = first[np.isin(found, codes)]
    for step in range(LENGTH):
        covered[hits + step] = True
    return covered
