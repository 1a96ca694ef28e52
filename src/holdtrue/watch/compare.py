"""Pairs of conversations, the first expected to be the more assistant-like: does the axis say so, and would any other?

Beside the count stand its controls: the same count for directions that know nothing of the assistant. Pairs that differ
in the same ways are ordered alike by a direction of noise as well.
"""

import textwrap
from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import binom, binomtest
from torch import Tensor

from holdtrue.axis import Axis
from holdtrue.errors import SettingError
from holdtrue.records import Transcript
from holdtrue.records.base import Record
from holdtrue.report.plain import plain
from holdtrue.watch.reader import Reader

__all__ = ["Comparison", "Pair", "compare", "compare_means"]

Means = Float[Tensor, "pairs d_model"]

DIRECTIONS: Final = 2000
MIN_ROLES: Final = 4
WEAK: Final = (
    "Pairs that share a model, a topic or a writer are correlated: a handful of them is weak evidence, and the "
    "interval counts them as independent. The fewer random directions do as well, the more the count says."
)


class Pair(Record):
    """Two conversations and where they project: means over their turns."""

    schema_id: ClassVar[str] = "holdtrue.pair/1"

    held: str
    drifting: str
    held_projection: float
    drifting_projection: float
    held_z: float | None
    """Against benign response means; None without calibration."""
    drifting_z: float | None
    right: bool
    """Whether the held one projects above the drifting one."""


class Comparison(Record):
    """How many pairs the axis orders as expected, and how many of the controls do as well or better."""

    schema_id: ClassVar[str] = "holdtrue.comparison/1"

    layer: int
    pairs: tuple[Pair, ...]
    k: int
    n: int
    interval: tuple[float, float]
    """95 % for the share of pairs in order, exact (Clopper and Pearson), as if they were independent."""
    n_directions: int
    random: float
    """Share of Gaussian directions that order as many pairs or more."""
    role_halves: float | None
    """The same for differences between random halves of the role vectors; None for an axis without role vectors."""
    shuffled: float
    """Chance of as many pairs or more if each pair's labels were swapped by coin: the sign test, exact."""
    caveat: str = WEAK

    @property
    def text(self) -> str:
        """The comparison for a terminal."""
        low, high = self.interval
        share = f"exact 95 % interval of the share {low:.2f} to {high:.2f}"
        halves = "  role halves against role halves: not measured, the artifact holds too few role vectors"
        if self.role_halves is not None:
            halves = f"  {self.role_halves:6.1%} of {self.n_directions} differences between random halves of the roles"
        lines = [
            *(_line(pair) for pair in self.pairs),
            f"{self.k} of {self.n} pairs in the expected order ({share}); as well or better do",
            f"  {self.random:6.1%} of {self.n_directions} random directions",
            halves,
            f"  {self.shuffled:6.1%} of shuffled labels (exact sign test)",
            *textwrap.wrap(self.caveat, 100),
        ]
        return "\n".join(lines)


def compare(
    reader: Reader, axis: Axis, pairs: Sequence[tuple[Transcript, Transcript]], rng: np.random.Generator
) -> Comparison:
    """Order pairs of conversations by their mean projection at the axis's layer.

    Args:
        reader: of that axis.
        axis: the axis.
        pairs: (held, drifting): the first of each is expected to be more assistant-like.
        rng: source of the control directions.

    Raises:
        SettingError: no pair.
        TranscriptError: a conversation is too long, or says nothing.
    """
    sides = [torch.stack([reader.resid_mean(pair[side]) for pair in pairs]) for side in (0, 1) if pairs]
    if not sides:
        message = "no pair of conversations to compare; give HELD and DRIFTING transcripts by turns"
        raise SettingError(message)
    names = [(_name(held), _name(drifting)) for held, drifting in pairs]
    return compare_means(axis, sides[0], sides[1], names, rng)


def compare_means(
    axis: Axis, held: Means, drifting: Means, names: Sequence[tuple[str, str]], rng: np.random.Generator
) -> Comparison:
    """The comparison of mean residual streams at the axis's layer, and its controls.

    Args:
        axis: the axis.
        held: of the conversations expected to be more assistant-like.
        drifting: of their counterparts.
        names: of both, for the report.
        rng: source of the control directions.
    """
    unit = axis.units[axis.layer]
    above, below = (held @ unit).tolist(), (drifting @ unit).tolist()
    pairs = tuple(
        Pair(
            held=name[0],
            drifting=name[1],
            held_projection=high,
            drifting_projection=low,
            held_z=axis.z(high) if axis.card.calibration else None,
            drifting_z=axis.z(low) if axis.card.calibration else None,
            right=high > low,
        )
        for name, high, low in zip(names, above, below, strict=True)
    )
    k, n = sum(pair.right for pair in pairs), len(pairs)
    gaps = (held - drifting).double().numpy()
    halves = _role_halves(axis, rng)
    bounds = binomtest(k, n).proportion_ci(0.95, method="exact")
    return Comparison(
        layer=axis.layer,
        pairs=pairs,
        k=k,
        n=n,
        interval=(float(bounds.low), float(bounds.high)),
        n_directions=DIRECTIONS,
        random=_as_good(gaps, rng.standard_normal((DIRECTIONS, axis.d_model)), k),
        role_halves=None if halves is None else _as_good(gaps, halves, k),
        shuffled=float(binom.sf(k - 1, n, 0.5)),
    )


def _as_good(
    gaps: Float[np.ndarray, "pairs d_model"], directions: Float[np.ndarray, "directions d_model"], k: int
) -> float:
    return float((((directions @ gaps.T) > 0).sum(axis=1) >= k).mean())


def _role_halves(axis: Axis, rng: np.random.Generator) -> Float[np.ndarray, "directions d_model"] | None:
    """Directions between the means of random halves of the role vectors: persona space without the assistant."""
    if axis.role_means is None or len(axis.role_means) < MIN_ROLES:
        return None
    roles = axis.role_means[:, axis.layer].double().numpy()
    half = len(roles) // 2
    order = rng.permuted(np.tile(np.arange(len(roles)), (DIRECTIONS, 1)), axis=1)
    signs = np.zeros((DIRECTIONS, len(roles)))
    np.put_along_axis(signs, order[:, :half], 1.0, axis=1)
    np.put_along_axis(signs, order[:, half : 2 * half], -1.0, axis=1)
    directions: Float[np.ndarray, "directions d_model"] = signs @ roles
    return directions


def _name(transcript: Transcript) -> str:
    return f"{transcript.title} ({transcript.source})"


def _line(pair: Pair) -> str:
    sides = []
    for name, projection, z in (
        (pair.held, pair.held_projection, pair.held_z),
        (pair.drifting, pair.drifting_projection, pair.drifting_z),
    ):
        figure = f"projection {projection:+.2f}" if z is None else f"z {z:+.2f}"
        sides.append(f"{plain(name, 40)} {figure}")
    return f"{'✓' if pair.right else '✗'} {sides[0]} {'>' if pair.right else 'is not above'} {sides[1]}"
