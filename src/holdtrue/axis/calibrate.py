"""Where benign assistant talk projects, and the floors that follow from it."""

import numpy as np
from jaxtyping import Float

from holdtrue.errors import EvidenceError, SettingError
from holdtrue.records import Calibration, Histogram, Quantiles

__all__ = ["calibrate", "floor_for", "histogram", "quantiles", "z_score"]

LOWER = (0.0, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45)
PROBS = (*LOWER, 0.5, *(1 - p for p in reversed(LOWER)))
MIN_TOKENS, MIN_RESPONSES = 100, 5


def quantiles(values: Float[np.ndarray, " n"]) -> Quantiles:
    """Summarise projections by count, mean, standard deviation and quantiles.

    Raises:
        EvidenceError: fewer than two values, or one that isn't finite.
    """
    if len(values) < 2 or not np.isfinite(values).all():
        message = (
            f"calibration needs at least 2 finite projections; got {len(values)}, {np.isfinite(values).sum()} finite"
        )
        raise EvidenceError(message)
    exact = values.astype(np.float64)
    return Quantiles(
        n=len(exact),
        mean=float(exact.mean()),
        sd=float(exact.std(ddof=1)),
        probs=PROBS,
        values=tuple(float(v) for v in np.quantile(exact, PROBS)),
    )


def calibrate(responses: list[Float[np.ndarray, "n_layers _"]]) -> tuple[Calibration, ...]:
    """Calibrate every layer from benign responses.

    Args:
        responses: projections of each response's tokens onto the unit axes; BOS and template tokens already left out.

    Raises:
        EvidenceError: too little benign talk for a floor at 1 % or for a spread of response means.
    """
    spoken = [response for response in responses if response.shape[1] > 0]
    n_tokens = sum(response.shape[1] for response in spoken)
    if len(spoken) < MIN_RESPONSES or n_tokens < MIN_TOKENS:
        message = (
            f"calibration needs {MIN_RESPONSES} benign responses and {MIN_TOKENS} tokens; got {len(spoken)} and "
            f"{n_tokens}; give more benign prompts or let the answers run longer"
        )
        raise EvidenceError(message)
    tokens = np.concatenate(spoken, axis=1)
    means = np.stack([response.mean(axis=1) for response in spoken], axis=1)
    return tuple(
        Calibration(layer=layer, token=quantiles(tokens[layer]), response=quantiles(means[layer]))
        for layer in range(tokens.shape[0])
    )


def floor_for(calibration: Calibration, fire: float) -> float:
    """The floor tau that a share `fire` of benign tokens lies under: the cap touches just those.

    Raises:
        SettingError: `fire` isn't a share strictly between 0 and 1.
    """
    if not 0 < fire < 1:
        message = f"fire={fire!r}: a firing rate is a share of benign tokens between 0 and 1, such as 0.05"
        raise SettingError(message)
    return float(np.interp(fire, calibration.token.probs, calibration.token.values))


def z_score(calibration: Calibration, projection: float) -> float:
    """A response mean against benign response means; negative is less assistant-like."""
    return (projection - calibration.response.mean) / calibration.response.sd


def histogram(label: str, values: Float[np.ndarray, " n"]) -> Histogram:
    """Counts for drawing, over the central 99.8 % so that a few giants don't flatten the rest."""
    bins = int(np.clip(2 * np.sqrt(len(values)), 8, 60))
    low, high = np.quantile(values, [0.001, 0.999])
    counts, edges = np.histogram(values, bins=bins, range=(float(low), float(max(high, low + 1e-6))))
    return Histogram(label=label, edges=tuple(float(e) for e in edges), counts=tuple(int(c) for c in counts))
