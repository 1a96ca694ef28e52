"""Rows and mean features of each provenance slice, for notes on benign shifts."""

import json
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow.compute as pc
from jaxtyping import Float32
from pydantic import Field

from holdtrue.records import Record

__all__ = ["SliceCounts", "SliceShift", "count_slices", "merge_slices", "slice_shifts"]

ALL: Final = ""
"""The slice that every row is in."""
MOST_VALUES: Final = 500
"""Of a column, in a part: one with more, such as an identifier, makes no slices."""
KEPT: Final = 20_000
LEAST_ROWS: Final = 30
LEAST_SHARE: Final = 0.005
"""Of the rows: among many small slices some differ by chance, most of all in features that few rows have."""
LEAST_SHIFT: Final = 0.5
REPORTED: Final = 100

SliceCounts: TypeAlias = dict[str, tuple[int, list[float], list[float]]]
"""`column=value`: rows, and each feature's sum and sum of squares."""


class SliceShift(Record):
    """A feature by which a slice differs from the other rows."""

    schema_id = "holdtrue.audit-slice-shift/1"

    value: str
    """`column=value`."""
    rows: int = Field(ge=1)
    feature: str
    mean: float
    rest: float
    """Mean over the rows that aren't in the slice."""
    shift_sigma: float
    """(mean - rest) / s, s the standard deviation over all rows: Cohen's d with a common scale."""


def count_slices(slices: Any, features: Float32[np.ndarray, "rows features"]) -> SliceCounts:
    """Add up each slice's features.

    Args:
        slices: an Arrow array, a JSON object a row.
        features: of the same rows.
    """
    values = features.astype(np.float64)
    coded = pc.dictionary_encode(slices)
    kind = coded.indices.to_numpy(zero_copy_only=False)
    held: list[dict[str, str]] = [json.loads(text) for text in coded.dictionary.to_pylist()]
    found: SliceCounts = {ALL: _sums(values)}
    for column in sorted({column for each in held for column in each}):
        names = sorted({each[column] for each in held if column in each})
        if len(names) > MOST_VALUES:
            continue
        number = {name: at for at, name in enumerate(names)}
        group = np.array([number.get(each.get(column, ""), -1) if column in each else -1 for each in held])[kind]
        order = np.argsort(group, kind="stable")
        edges = np.searchsorted(group[order], np.arange(len(names) + 1))
        for at, name in enumerate(names):
            found[f"{column}={name}"] = _sums(values[order[edges[at] : edges[at + 1]]])
    return found


def merge_slices(counts: SliceCounts, more: SliceCounts) -> None:
    """Add a part's counts to others; new slices are no longer taken beyond a bound."""
    for key, (n, sums, squares) in more.items():
        if key in counts:
            before = counts[key]
            counts[key] = (
                before[0] + n,
                [a + b for a, b in zip(before[1], sums, strict=True)],
                [a + b for a, b in zip(before[2], squares, strict=True)],
            )
        elif len(counts) < KEPT:
            counts[key] = (n, sums, squares)


def slice_shifts(counts: SliceCounts, names: tuple[str, ...]) -> tuple[SliceShift, ...]:
    """Features by which slices differ from the rest by half a standard deviation or more.

    Args:
        counts: of all parts.
        names: the features', in order.

    Returns:
        The strongest first, by |shift| * sqrt(rows).
    """
    n, sums, squares = counts.get(ALL, (0, [], []))
    if n == 0:
        return ()
    total, spread = np.array(sums), np.sqrt(np.maximum(np.array(squares) / n - (np.array(sums) / n) ** 2, 0))
    found: list[SliceShift] = []
    least = max(LEAST_ROWS, LEAST_SHARE * n)
    for value, (rows, own, _) in sorted(counts.items()):
        if value == ALL or rows < least or n - rows < least:
            continue
        mean, rest = np.array(own) / rows, (total - np.array(own)) / (n - rows)
        shift = np.divide(mean - rest, spread, out=np.zeros_like(mean), where=spread > 1e-9)
        found += [
            SliceShift(
                value=value, rows=rows, feature=names[at], mean=mean[at], rest=rest[at], shift_sigma=float(shift[at])
            )
            for at in np.flatnonzero(np.abs(shift) >= LEAST_SHIFT)
        ]
    return tuple(sorted(found, key=lambda each: -abs(each.shift_sigma) * each.rows**0.5)[:REPORTED])


def _sums(values: np.ndarray) -> tuple[int, list[float], list[float]]:
    return len(values), values.sum(0).tolist(), (values * values).sum(0).tolist()
