"""Two sides' rows that themes are proposed from, and those that they are tested on."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from holdtrue.audit.judging.cascade import JUDGED_COLUMNS, judged_row
from holdtrue.audit.judging.sample import draw_sample
from holdtrue.audit.rows import Rows
from holdtrue.errors import SettingError
from holdtrue.judges.row_rubric import JudgedRow

__all__ = ["LEAST_HELD_OUT", "Side", "ThemeOptions", "draw_side", "side_of"]

LEAST_HELD_OUT: Final = 20
"""Rows of either side that a criterion must be tested on."""


@final
@dataclass(frozen=True)
class ThemeOptions:
    """How long to look."""

    seed: int
    rounds: int = 2
    """Rounds of proposals; one that brings nothing new is the last."""
    batches: int = 3
    """Of a round."""
    batch_rows: int = 10
    """Rows of either side in a batch."""
    held_out: int = 150
    """Rows of either side that criteria are tested on; no batch holds any of their families."""
    alpha: float = 0.01
    """Share of false findings borne."""
    control_runs: int = 1
    """Times that the whole loop runs on control against control; each costs what the loop itself costs."""

    def __post_init__(self) -> None:
        least = min(self.rounds, self.batches, self.batch_rows)
        if least < 1 or self.held_out < LEAST_HELD_OUT or self.control_runs < 0 or not 0 < self.alpha < 0.5:
            message = (
                f"{self}: needs rounds, batches and batch_rows of at least 1, held_out of at least {LEAST_HELD_OUT}, "
                "control_runs of at least 0, and alpha above 0 and below 0.5"
            )
            raise SettingError(message)


@final
@dataclass(frozen=True)
class Side:
    """One side's rows: numbers and texts, a family each."""

    batches: list[tuple[int, JudgedRow]]
    held_out: list[tuple[int, JudgedRow]]


def draw_side(rows: Rows, options: ThemeOptions, rng: np.random.Generator) -> Side | None:
    """Draw a side's rows for proposals and for tests.

    Args:
        rows: the dataset, or the control.
        options: how many.
        rng: of the draw.

    Returns:
        None where there are too few.
    """
    shown = options.rounds * options.batches * options.batch_rows
    return side_of(rows, draw_sample(rows.families, shown + options.held_out, rng).tolist(), options)


def side_of(rows: Rows, chosen: list[int], options: ThemeOptions) -> Side | None:
    """Part drawn rows, a family each, into those for proposals and those held out.

    Args:
        rows: where they are.
        chosen: row numbers, in random order.
        options: how many.

    Returns:
        None where there are too few.
    """
    shown = options.rounds * options.batches * options.batch_rows
    held = min(options.held_out, len(chosen) - min(shown, len(chosen) // 2))
    if held < LEAST_HELD_OUT:
        return None
    texts = [judged_row(fields) for fields in rows.take(chosen, JUDGED_COLUMNS)]
    pairs = list(zip(chosen, texts, strict=True))
    return Side(pairs[held:], pairs[:held])
