"""What can be told from the answers alone, the same by everyone who reads them."""

import re
from collections.abc import Sequence
from typing import Final

from holdtrue.records import Check

__all__ = ["INCOHERENT_LOG_PROB", "INCOHERENT_REPETITION", "broken", "incoherent", "repetition"]

INCOHERENT_REPETITION: Final = 0.5
"""An answer of which half the trigrams repeat earlier ones says nothing any more."""
INCOHERENT_LOG_PROB: Final = -5.0
"""Nats per token under the free model, which gives its own answers about -1."""
_WORD: Final = re.compile(r"\w+|[^\w\s]")


def broken(checks: Sequence[Check], answers: Sequence[str]) -> tuple[str, ...]:
    """The reasons among a scenario's checks for which these answers fail, in order and once each."""
    found: dict[str, None] = {}
    for check in checks:
        looked_at = answers[-1:] if check.turns == "last" else answers
        there = any(re.search(check.pattern, answer, re.IGNORECASE) for answer in looked_at)
        if there != check.wanted:
            found[check.reason] = None
    return tuple(found)


def repetition(answers: Sequence[str]) -> float:
    """The largest share of one answer's word trigrams that repeat an earlier trigram of the same answer."""
    return max((_repeated(answer) for answer in answers), default=0.0)


def _repeated(answer: str) -> float:
    words = [word.lower() for word in _WORD.findall(answer)]
    trigrams = list(zip(words, words[1:], words[2:], strict=False))
    return 0.0 if len(trigrams) < 6 else 1 - len(set(trigrams)) / len(trigrams)


def incoherent(answers: Sequence[str], log_prob: float | None) -> bool:
    """Whether a hold broke the model rather than held it: nothing said, the same over and over, or noise.

    Args:
        answers: of one trial.
        log_prob: of the last one under the free model, mean nats per token; None if it wasn't measured.
    """
    silent = any(not answer.strip() for answer in answers)
    noise = log_prob is not None and log_prob < INCOHERENT_LOG_PROB
    return silent or noise or repetition(answers) > INCOHERENT_REPETITION
