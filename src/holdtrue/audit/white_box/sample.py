"""Which rows are read: a uniform sample, rows of interest, and the control's answers to the same prompts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Int, UInt64

from holdtrue.audit.rows import Rows
from holdtrue.errors import SettingError

__all__ = ["MIN_PAIRED", "Sample", "draw", "partners"]

MIN_LIMIT: Final = 20
INTEREST_SHARE: Final = 4
"""Rows of interest take at most one in four readings."""
MIN_PAIRED: Final = 12
"""Families with a partner, from which on the two sides are compared in pairs: their signs can then fall 4,096 ways."""


@final
@dataclass(frozen=True)
class Sample:
    """Rows to read."""

    uniform: tuple[int, ...]
    """Of the suspect: of its rows with a partner if the sides are paired, else of all."""
    interest: tuple[int, ...]
    """Of the suspect, besides those."""
    control: tuple[int, ...]
    """Of the control: the partners of `uniform` in its order, or rows of its own if unpaired."""
    paired: bool
    n_paired: int
    """The suspect's rows that have a partner."""


def draw(rows: Rows, control: Rows | None, of_interest: Iterable[int], limit: int, rng: np.random.Generator) -> Sample:
    """Draw what is read.

    Args:
        rows: the suspect.
        control: the same prompts answered by someone trusted, or None.
        of_interest: rows of findings.
        limit: readings of both sides together.
        rng: source of the draws.

    Raises:
        SettingError: a limit too small to compare anything, or a row that isn't there.
    """
    if limit < MIN_LIMIT:
        message = f"limit={limit}: too few rows to compare anything; read {MIN_LIMIT} or more, such as 1000"
        raise SettingError(message)
    wanted = np.unique(np.fromiter(of_interest, dtype=np.int64))
    if wanted.size and not (wanted[0] >= 0 and wanted[-1] < len(rows)):
        bad = int(wanted[0] if wanted[0] < 0 else wanted[-1])
        message = f"row {bad} of interest isn't among rows 0-{len(rows) - 1} of {rows.card.dataset}; leave it out"
        raise SettingError(message)
    interest = _some(wanted, limit // INTEREST_SHARE, rng)
    left = limit - interest.size
    if control is None:
        uniform = _some(np.arange(len(rows)), left, rng)
        return _sample(uniform, interest, np.zeros(0, dtype=np.int64), paired=False, n_paired=0)
    found = partners(prompt_hashes(rows), prompt_hashes(control))
    having = np.flatnonzero(found >= 0)
    if np.unique(rows.families[having]).size < MIN_PAIRED:
        uniform, other = (_some(np.arange(len(side)), left // 2, rng) for side in (rows, control))
        return _sample(uniform, interest, other, paired=False, n_paired=having.size)
    uniform = _some(having, left // 2, rng)
    return _sample(uniform, interest, found[uniform], paired=True, n_paired=having.size)


def partners(suspect: UInt64[np.ndarray, " rows"], control: UInt64[np.ndarray, " others"]) -> Int[np.ndarray, " rows"]:
    """For each row of the suspect the control's row to pair it with: the k-th of a prompt with the k-th, else -1.

    Args:
        suspect: hashes of its prompts.
        control: the same of the control's.
    """
    order = np.argsort(suspect, kind="stable")
    theirs = np.argsort(control, kind="stable")
    mine, other = suspect[order], control[theirs]
    place = np.searchsorted(other, mine) + np.arange(mine.size) - np.searchsorted(mine, mine)
    found = np.full(suspect.size, -1, dtype=np.int64)
    there = place < np.searchsorted(other, mine, side="right")
    found[order[there]] = theirs[place[there]]
    return found


def prompt_hashes(rows: Rows) -> UInt64[np.ndarray, " rows"]:
    """Every row's prompt hash: eight bytes a row are all that pairing keeps in memory."""
    found = [batch.table.column("prompt_hash").to_numpy() for batch in rows.batches(["prompt_hash"])]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.uint64)


def _some(rows: Int[np.ndarray, " n"], most: int, rng: np.random.Generator) -> Int[np.ndarray, " m"]:
    return rows if rows.size <= most else np.sort(rng.choice(rows, most, replace=False))


def _sample(
    uniform: Int[np.ndarray, " n"],
    interest: Int[np.ndarray, " m"],
    control: Int[np.ndarray, " k"],
    *,
    paired: bool,
    n_paired: int,
) -> Sample:
    extra = np.setdiff1d(interest, uniform)
    return Sample(tuple(uniform.tolist()), tuple(extra.tolist()), tuple(control.tolist()), paired, n_paired)
