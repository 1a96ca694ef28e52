"""Deterministic scorers: a transcript in, an outcome out, the same on every machine."""

from holdtrue.gate.scoring.outcome import Score
from holdtrue.gate.scoring.score import score, scorers_digest

__all__ = ["Score", "score", "scorers_digest"]
