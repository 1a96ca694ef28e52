"""The card of an axis of which nothing was measured."""

import importlib.metadata
from collections.abc import Sequence
from datetime import UTC, datetime

from holdtrue.records import AxisCard, LayerCheck

__all__ = ["bare_card"]


def bare_card(
    *,
    model: str,
    weights_digest: str,
    config_digest: str,
    template_digest: str,
    dtype: str,
    norms: Sequence[float],
    d_model: int,
    origin: str,
    layer: int,
    band: tuple[int, int],
    reason: str,
    warnings: tuple[str, ...] = (),
) -> AxisCard:
    """A card without checks, roles, calibration or design: what an imported axis has.

    Args:
        model: the model it is for.
        weights_digest: of that model.
        config_digest: of that model.
        template_digest: of its chat template.
        dtype: of its weights.
        norms: length of the axis at each block.
        d_model: width of the residual stream.
        origin: where the axis comes from.
        layer: the one to read.
        band: first and last block to hold.
        reason: why these.
        warnings: what a reader must know first.
    """
    unknown = dict.fromkeys(
        ("auroc", "auroc_ci", "d_prime", "split_half", "split_half_ci", "random_auroc", "pc1_share", "cos_pc1")
    )
    return AxisCard(
        model=model,
        weights_digest=weights_digest,
        config_digest=config_digest,
        template_digest=template_digest,
        dtype=dtype,
        n_layers=len(norms),
        d_model=d_model,
        origin=origin,
        package_version=importlib.metadata.version("holdtrue"),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        recommended_layer=layer,
        hold_band=band,
        reason=reason,
        layers=tuple(LayerCheck(layer=at, norm=norm, **unknown) for at, norm in enumerate(norms)),
        roles=(),
        default_pc=None,
        default_rank=None,
        calibration=(),
        histograms=(),
        self_test=None,
        design=None,
        n_planned=0,
        n_rollouts=0,
        n_accepted=0,
        n_tokens=0,
        seconds=0.0,
        warnings=warnings,
    )
