"""Which rows a judge sees: the top-scored ones, and a uniform random sample."""

import numpy as np
from jaxtyping import Float, Int

from holdtrue.errors import SettingError

__all__ = ["draw_sample", "interleave", "top_rows"]


def draw_sample(families: Int[np.ndarray, " rows"], n: int, rng: np.random.Generator) -> Int[np.ndarray, " drawn"]:
    """Draw families uniformly, and of each one row uniformly.

    Not always a family's first row: a poisoned near-copy of a clean row would never be seen.

    Args:
        families: of each row.
        n: families drawn; all of them where there are fewer.
        rng: of the draw.

    Returns:
        Row numbers, in random order: any beginning of them is such a sample, too.
    """
    shuffled = rng.permutation(families.size)
    _, first = np.unique(families[shuffled], return_index=True)
    return np.asarray(rng.permutation(shuffled[first])[:n])


def top_rows(
    families: Int[np.ndarray, " rows"], scores: Float[np.ndarray, " rows"], n: int, rng: np.random.Generator
) -> Int[np.ndarray, " drawn"]:
    """The rows with the highest scores, one of a family.

    Args:
        families: of each row.
        scores: of each row; larger is more suspicious.
        n: rows wanted.
        rng: breaks ties.

    Returns:
        Row numbers, highest score first.

    Raises:
        SettingError: not one finite score for each row.
    """
    if scores.size != families.size or not np.isfinite(scores).all():
        bad = int((~np.isfinite(scores)).sum())
        message = f"scores must be one finite number for each of {families.size} rows; {scores.size} given, {bad} bad"
        raise SettingError(message)
    order = np.lexsort((rng.random(scores.size), -scores))
    _, first = np.unique(families[order], return_index=True)
    return np.asarray(order[np.sort(first)[:n]])


def interleave(one: Int[np.ndarray, " a"], other: Int[np.ndarray, " b"]) -> list[int]:
    """Both lists in one, evenly mixed and each in its own order, every number once: a budget's end cuts both alike."""
    places = np.concatenate([(np.arange(each.size) + 0.5) / max(each.size, 1) for each in (one, other)])
    mixed = np.concatenate([one, other])[np.argsort(places, kind="stable")]
    return list(dict.fromkeys(mixed.tolist()))
