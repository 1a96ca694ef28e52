"""Ratios with their spread."""

import statistics
from collections.abc import Sequence

__all__ = ["ratio_line"]


def ratio_line(name: str, ours: Sequence[float], theirs: Sequence[float], unit: str = "s") -> str:
    """Median of each side, and of the pairwise ratio theirs / ours, with the smallest and largest."""
    ratios = sorted(b / a for a, b in zip(ours, theirs, strict=True))
    return (
        f"{name}: ours {statistics.median(ours):.3g} {unit}, theirs {statistics.median(theirs):.3g} {unit}, "
        f"theirs/ours {statistics.median(ratios):.3f} [{ratios[0]:.3f}, {ratios[-1]:.3f}] over {len(ratios)} pairs"
    )
