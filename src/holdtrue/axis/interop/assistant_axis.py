"""Axes in the reference project's layout (arXiv 2601.10387): a .pt tensor [n_layers, d_model], assistant-pointing."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor

from holdtrue.axis.axis import Axis
from holdtrue.axis.bare import bare_card
from holdtrue.axis.fit import unit
from holdtrue.axis.interop.capping import (
    CappingConfig,
    cosines,
    is_capping,
    parse_capping,
    read_capping_pt,
    to_floors,
    write_capping_pt,
)
from holdtrue.axis.interop.torch_file import read_torch_file, real_tensor
from holdtrue.axis.recommend import LITERATURE_BAND
from holdtrue.errors import ArtifactError, EvidenceError, SettingError, WrongModel
from holdtrue.records import write_atomic

__all__ = ["CAPPING_FILE", "import_axis", "read_axis_pt", "write_axis_pt"]

CAPPING_FILE: Final = "capping_config.pt"
# The reference reads blocks 32 of 64, 22 of 46 and 40 of 80.
LITERATURE_READ: Final = 0.5
_KEYS: Final = ("axis", "assistant_axis", "vector")

Measure = Callable[[Float[Tensor, "n_layers d_model"]], Float[Tensor, " n_layers"]]


def read_axis_pt(path: Path) -> Float[Tensor, "n_layers d_model"]:
    """Read an axis from the reference's .pt layout, as fp32 and in the file's own orientation.

    Args:
        path: a tensor [n_layers, d_model], or a dict holding it under 'axis', 'assistant_axis' or 'vector'.

    Raises:
        ArtifactError: another layout, a zero or non-finite row, or a hostile or damaged file.
    """
    return _axis_of(read_torch_file(path), path)


def import_axis(
    path: Path,
    *,
    model_name: str,
    weights_digest: str,
    config_digest: str,
    template_digest: str,
    dtype: str,
    n_layers: int,
    d_model: int,
    default_vs_role: Measure | None = None,
    capping: Path | None = None,
    experiment: str | None = None,
) -> Axis:
    """Make an axis of a .pt file of the reference project.

    Args:
        path: the axis; or a capping configuration that covers every block, whose negated vectors then are the axis.
        model_name: the model it is for, as loaded.
        weights_digest: of that model.
        config_digest: of that model.
        template_digest: of its chat template.
        dtype: of its weights.
        n_layers: its decoder blocks.
        d_model: the width of its residual stream.
        default_vs_role: takes unit vectors and gives, per layer, the mean projection of default responses less that of
            role responses, measured on the model; an axis it finds negative at the layer to read is negated. None takes
            the file's orientation on trust, and says so.
        capping: a capping configuration whose caps become the card's floors.
        experiment: which of its experiments.

    Returns:
        An axis without checks, roles or calibration, with warnings that say so.

    Raises:
        ArtifactError: a malformed or hostile file, or caps that would push away from the assistant.
        WrongModel: shapes other than the model's.
        SettingError: no such experiment, or a configuration given twice.
        EvidenceError: `default_vs_role` finds no side to choose.
    """
    content = read_torch_file(path)
    config: CappingConfig | None
    if is_capping(content):
        if capping is not None:
            message = (
                f"{path} is a capping configuration itself; give the axis as the file and one configuration beside it"
            )
            raise SettingError(message)
        own = parse_capping(content, path, experiment)
        vectors, config = _rows_of(own, n_layers), own
    else:
        vectors = _axis_of(content, path)
        config = read_capping_pt(capping, experiment) if capping is not None else None
    if tuple(vectors.shape) != (n_layers, d_model):
        message = (
            f"{path} is for {vectors.shape[0]} blocks of width {vectors.shape[1]}, {model_name} has {n_layers} of "
            f"{d_model}; give the file of this model, or fit an axis with `holdtrue axis fit {model_name} --out DIR`"
        )
        raise WrongModel(message)

    band = _band(n_layers, config)
    read = sum(band) // 2 if config else int(LITERATURE_READ * n_layers)
    vectors, orientation, warnings = _oriented(vectors, read, default_vs_role, model_name)
    from_where = "the capping configuration's blocks" if config else "the literature's depth (arXiv 2601.10387)"
    card = bare_card(
        model=model_name,
        weights_digest=weights_digest,
        config_digest=config_digest,
        template_digest=template_digest,
        dtype=dtype,
        norms=vectors.norm(dim=1).tolist(),
        d_model=d_model,
        origin=f"imported from {path.name} (assistant-axis .pt); orientation: {orientation}",
        layer=read,
        band=band,
        reason=f"Block {read} and blocks {band[0]}-{band[1]} by {from_where}; nothing was measured on this model.",
        warnings=warnings,
    )
    axis = Axis(vectors, None, None, card)
    return axis if config is None else _with_floors(axis, config)


def write_axis_pt(axis: Axis, path: Path) -> tuple[Path, ...]:
    """Write the axis in the reference's layout: a tensor [n_layers, d_model], assistant-pointing, unnormalised.

    A calibrated axis also gets `NAME-capping_config.pt` beside it, with vectors on the negated unit axis and caps
    `-tau` at a benign firing rate of 5 % over `hold_band`, so that the reference's code does the same hold.

    Args:
        axis: the axis.
        path: the file; its layout has no room for a card, so warnings and provenance don't travel with it.

    Returns:
        The files written.

    Raises:
        StorageError: the disk is full, read-only or gone.
    """
    beside = path.parent / f"{path.stem}-{CAPPING_FILE}"
    buffer = io.BytesIO()
    torch.save(axis.vectors.detach().float().cpu().clone(), buffer)
    write_atomic(path, buffer.getvalue())
    if not axis.card.calibration:
        return (path,)
    write_capping_pt(axis, beside)
    return (path, beside)


def _axis_of(content: Any, path: Path) -> Float[Tensor, "n_layers d_model"]:
    found = content
    if isinstance(content, dict):
        key = next((key for key in _KEYS if key in content), None)
        if key is None:
            message = (
                f"{path}: a dict with keys {sorted(str(k)[:40] for k in content)[:6]}, expected the axis under "
                f"{', '.join(map(repr, _KEYS))}; a capping configuration goes beside the axis"
            )
            raise ArtifactError(message)
        found = content[key]
    vectors = real_tensor(found, 2, "the axis [n_layers, d_model]", path)
    empty = (vectors.norm(dim=1) == 0).nonzero().flatten().tolist()
    if empty:
        message = f"{path}: the axis is zero at block {empty[0]}, expected a direction at every block"
        raise ArtifactError(message)
    return vectors


def _rows_of(config: CappingConfig, n_layers: int) -> Float[Tensor, "n_caps d_model"]:
    if config.layers != tuple(range(n_layers)):
        message = (
            f"{config.source}: capping experiment {config.experiment!r} has vectors for {len(config.layers)} of "
            f"{n_layers} blocks, and an axis needs all; give the axis file, and this one beside it as the capping "
            "configuration"
        )
        raise ArtifactError(message)
    return -config.vectors


def _oriented(
    vectors: Float[Tensor, "n_layers d_model"], read: int, measure: Measure | None, model_name: str
) -> tuple[Float[Tensor, "n_layers d_model"], str, tuple[str, ...]]:
    unchecked = (
        "IMPORTED: not checked on this machine: neither held-out separation nor reliability is known, so the direction "
        "could be noise; `holdtrue axis fit` makes one that is checked."
    )
    if measure is None:
        assumed = (
            "ORIENTATION ASSUMED: the file is taken to point at the assistant, as its source documents, and nothing "
            "was measured; a reversed axis would push AWAY from the assistant. Import it with the model loaded to "
            "measure it."
        )
        return vectors, "assumed assistant-pointing, as the source documents it; not measured", (unchecked, assumed)
    gaps = measure(unit(vectors)).float().cpu()
    gap = float(gaps[read])
    if not bool(torch.isfinite(gaps).all()) or gap == 0:
        message = (
            f"the orientation can't be found: default responses less role responses project {gap} at block {read} of "
            f"{model_name}; give more prompts, or fit the axis with `holdtrue axis fit`"
        )
        raise EvidenceError(message)
    side = 1.0 if gap > 0 else -1.0
    how = f"measured on {model_name}: default responses project {abs(gap):.3g} above role responses at block {read}"
    if side < 0:
        how += "; the file pointed the other way, so it was negated"
    against = [at for at, value in enumerate(gaps.tolist()) if value * side <= 0]
    if not against:
        return vectors * side, how, (unchecked,)
    shown = ", ".join(map(str, against[:8])) + (", …" if len(against) > 8 else "")
    split = (
        f"ORIENTATION MIXED: at {len(against)} of {len(gaps)} blocks ({shown}) roles project above the default; "
        "don't hold there."
    )
    return vectors * side, how, (unchecked, split)


def _band(n_layers: int, config: CappingConfig | None) -> tuple[int, int]:
    if config is not None:
        if config.layers[-1] >= n_layers:
            message = f"{config.source} caps block {config.layers[-1]}, the model has blocks 0-{n_layers - 1}"
            raise WrongModel(message)
        return config.layers[0], config.layers[-1]
    low, high = (min(n_layers - 1, int(share * n_layers)) for share in LITERATURE_BAND)
    return low, high


def _with_floors(axis: Axis, config: CappingConfig) -> Axis:
    warnings = axis.card.warnings
    weakest = min(abs(cosine) for cosine in cosines(config, axis))
    floors = to_floors(config, axis)
    if weakest < 0.99:
        loose = (
            f"FLOORS APPROXIMATE: the capping vectors of {config.experiment!r} have a cosine of only {weakest:.2f} "
            "with the axis at some block, so floors along the axis aren't quite the same hold."
        )
        warnings = (*warnings, loose)
    return replace(axis, card=axis.card.model_copy(update={"floors": floors, "warnings": warnings}))
