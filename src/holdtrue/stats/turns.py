"""How benign talk wanders from turn to turn: a noise model of turn scores that knows how little it knows.

Turns of one talk are not independent: a talk has its own level, and a turn resembles the one before. With `z[i, t]` the
score of turn `t` of talk `i`,

    z[i, t] = mean[t] + talk[i] + turn[i, t]
    var talk = share sd^2;    turn: AR(1) with rho, variance (1 - share) sd^2

A handful of short talks tells the two kinds of dependence apart only roughly, and an estimate alone would promise too
few false alarms. So what is kept are draws from the posterior: on a grid of (share, rho), with `mean` and `log sd` flat
and integrated out (the restricted likelihood), and a prior that shrinks towards moderate dependence. The mean is one
for all turns, or one per place in the talk; then each place costs a degree of freedom, and its mean is drawn too.
Nothing depends on the scores' unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float
from scipy.special import fdtrc

from holdtrue.errors import EvidenceError

__all__ = ["TurnNoise", "fit_turn_noise", "position_means"]

Series = Sequence[Sequence[float | None]]

MIN_TALKS: Final = 3
MIN_TURNS: Final = 8
MAX_SCORE: Final = 1e6
SHARES: Final = np.linspace(0.0, 0.9, 19)
RHOS: Final = np.linspace(-0.4, 0.9, 14)
RHO_SD: Final = 0.4
"""Prior of rho: normal about zero. Of the share: Beta(1, 2), mean one third."""


@final
@dataclass(frozen=True, eq=False)
class TurnNoise:
    """Posterior draws of the noise model, one per entry."""

    mean: Float[np.ndarray, "draws places"]
    """By place in the talk; the last one is for all later turns too."""
    sd: Float[np.ndarray, " draws"]
    """Of a single turn, both parts together."""
    share: Float[np.ndarray, " draws"]
    """Of the variance that belongs to the talk."""
    rho: Float[np.ndarray, " draws"]
    """Correlation of neighbouring turns within a talk, its level taken out."""

    def talks(self, n_turns: int, rng: np.random.Generator, *, repeats: int = 1) -> Float[np.ndarray, "talks n_turns"]:
        """Simulate benign talks: every draw of the parameters holds `repeats` of them, one after the other.

        Args:
            n_turns: length of each talk.
            rng: source of the noise.
            repeats: talks per draw.
        """
        mean = np.repeat(self.mean, repeats, axis=0)
        sd, share, rho = (np.repeat(part, repeats) for part in (self.sd, self.share, self.rho))
        level = sd * np.sqrt(share) * rng.standard_normal(len(mean))
        fresh = rng.standard_normal((n_turns, len(mean)))
        spread, fading = sd * np.sqrt(1 - share), np.sqrt(1 - rho**2)
        found = np.empty((len(mean), n_turns))
        turn = fresh[0]
        for t in range(n_turns):
            turn = fresh[0] if t == 0 else rho * turn + fading * fresh[t]
            found[:, t] = mean[:, min(t, mean.shape[1] - 1)] + level + spread * turn
        return found


def fit_turn_noise(talks: Series, draws: int, rng: np.random.Generator, *, places: int = 1) -> TurnNoise:
    """Draw parameters of the noise model from their posterior.

    Args:
        talks: turn scores of each talk, in order; None for an empty turn.
        draws: how many.
        rng: source of the draws.
        places: means to fit, the last one for all later turns; where `position_means` saw a difference, its number.

    Raises:
        EvidenceError: too few talks or turns, no spread, or scores that aren't finite.
    """
    values = _checked(talks)
    n_cells = len(SHARES) * len(RHOS)
    share, rho = (grid.ravel() for grid in np.meshgrid(SHARES, RHOS, indexing="ij"))
    # Generalised least squares at every cell: normal equations `gram mean = cross`.
    gram, cross = np.zeros((n_cells, places, places)), np.zeros((n_cells, places))
    square, logdet = np.zeros(n_cells), np.zeros(n_cells)
    patterns: dict[bytes, _Pattern] = {}
    for row in values:
        at = np.flatnonzero(~np.isnan(row))
        if not len(at):
            continue
        if at.tobytes() not in patterns:
            patterns[at.tobytes()] = _pattern(at, share, rho, places)
        pattern = patterns[at.tobytes()]
        told = pattern.inverse @ row[at]
        gram += pattern.gram
        cross += told @ pattern.design
        square += told @ row[at]
        logdet += pattern.logdet
    n = int((~np.isnan(values)).sum())
    if np.linalg.matrix_rank(gram[0]) < places:
        message = f"the mean at each of {places} places needs a turn there; ask for fewer"
        raise EvidenceError(message)
    centre = np.linalg.solve(gram, cross[:, :, None])[:, :, 0]
    residual = np.maximum(square - (cross * centre).sum(axis=1), 0)
    if not (residual > 1e-12 * n).all():
        message = f"{n} turn scores have no spread, so nothing can be said about their noise"
        raise EvidenceError(message)
    log_posterior = -0.5 * (logdet + np.linalg.slogdet(gram)[1] + (n - places) * np.log(residual))
    log_posterior += np.log1p(-share) - 0.5 * (rho / RHO_SD) ** 2
    weight = np.exp(log_posterior - log_posterior.max())
    cell = rng.choice(n_cells, draws, p=weight / weight.sum())
    sd = np.sqrt(residual[cell] / rng.chisquare(n - places, draws))
    root = np.linalg.inv(np.linalg.cholesky(gram))  # gram's inverse is root' root
    astray = np.einsum("dij,di->dj", root[cell], rng.standard_normal((draws, places)))
    return TurnNoise(centre[cell] + sd[:, None] * astray, sd, share[cell], rho[cell])


def position_means(talks: Series, level: float = 0.01) -> tuple[float, ...]:
    """Mean score by the turn's place in its talk, where the data show that the place matters; empty where they don't.

    Hotelling's T-squared on each talk's differences from its own mean: it allows any dependence within a talk. Only
    talks as long as the longest, without an empty turn, are compared; places no talk reaches have no mean.

    Args:
        talks: turn scores of each talk.
        level: significance at which a difference between places is believed.
    """
    values = _checked(talks)
    whole = values[~np.isnan(values).any(axis=1)]
    n, places = whole.shape
    if places < 2 or n <= places:
        return ()
    gaps = whole[:, 1:] - whole[:, :1]
    covariance = np.atleast_2d(np.cov(gaps, rowvar=False))
    centre = gaps.mean(axis=0)
    if np.linalg.matrix_rank(covariance) < places - 1:
        return ()
    squared = n * float(centre @ np.linalg.solve(covariance, centre))
    ratio = squared * (n - places + 1) / ((n - 1) * (places - 1))
    if fdtrc(places - 1, n - places + 1, ratio) >= level:
        return ()
    return tuple(float(mean) for mean in whole.mean(axis=0))


@final
@dataclass(frozen=True, eq=False)
class _Pattern:
    """What talks with the same turns spoken have in common, at every grid cell."""

    design: Float[np.ndarray, "t places"]
    inverse: Float[np.ndarray, "cells t t"]
    """Of the turns' correlation matrix."""
    logdet: Float[np.ndarray, " cells"]
    """Of the matrix itself."""
    gram: Float[np.ndarray, "cells places places"]


def _pattern(
    at: np.ndarray, share: Float[np.ndarray, " cells"], rho: Float[np.ndarray, " cells"], places: int
) -> _Pattern:
    lag = np.abs(at[:, None] - at[None, :])
    correlation = share[:, None, None] + (1 - share)[:, None, None] * rho[:, None, None] ** lag
    design, inverse = np.eye(places)[np.minimum(at, places - 1)], np.linalg.inv(correlation)
    return _Pattern(design, inverse, np.linalg.slogdet(correlation)[1], design.T @ inverse @ design)


def _checked(talks: Series) -> Float[np.ndarray, "talks turns"]:
    """Scores as a table, NaN where a turn is empty or missing."""
    width = max(map(len, talks), default=0)
    spoken = sum(score is not None for talk in talks for score in talk)
    usable = sum(sum(score is not None for score in talk) > 1 for talk in talks)
    if usable < MIN_TALKS or spoken < MIN_TURNS:
        message = (
            f"the noise of turns needs {MIN_TALKS} talks of 2 turns and {MIN_TURNS} turns in all; got {usable} and "
            f"{spoken}; calibrate with more benign prompts"
        )
        raise EvidenceError(message)
    table = np.full((len(talks), width), np.nan)
    for row, talk in enumerate(talks):
        scores = [np.nan if score is None else score for score in talk]
        if any(score is not None and not abs(score) < MAX_SCORE for score in talk):
            message = f"talk {row} holds a turn score that is not a number of standard deviations; fit the axis again"
            raise EvidenceError(message)
        table[row, : len(scores)] = scores
    return table
