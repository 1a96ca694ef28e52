"""Capping configurations of the reference project (arXiv 2601.10387), and the floors they amount to.

Their code trims *above* a cap on a vector `v` that points *away* from the assistant:
`h <- h - max(<h, v> - cap, 0) * v`. With the assistant-pointing `a = -v` that is `h <- h + max(-cap - <h, a>, 0) * a`:
a floor `tau = -cap` on the assistant axis.
"""

import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import torch
from jaxtyping import Float
from torch import Tensor

from holdtrue.axis.axis import Axis
from holdtrue.axis.fit import unit
from holdtrue.axis.interop.torch_file import read_torch_file, real_tensor
from holdtrue.errors import ArtifactError, SettingError, WrongModel, did_you_mean
from holdtrue.records import write_atomic

__all__ = [
    "CappingConfig",
    "cosines",
    "is_capping",
    "parse_capping",
    "read_capping_pt",
    "to_floors",
    "write_capping_pt",
]

# Below this the configuration's vector isn't the axis at hand, whichever way it points.
MIN_COSINE: Final = 0.5


@final
@dataclass(frozen=True, eq=False)
class CappingConfig:
    """One experiment of a capping configuration, in its own orientation: caps from above."""

    source: str
    """The file, for messages."""
    experiment: str
    experiments: tuple[str, ...]
    """All that the file holds."""
    layers: tuple[int, ...]
    """Blocks it caps, rising."""
    vectors: Float[Tensor, "n_caps d_model"]
    """In the order of `layers`, fp32; the reference normalises them before projecting."""
    caps: tuple[float, ...]


def read_capping_pt(path: Path, experiment: str | None = None) -> CappingConfig:
    """Read one experiment of a `capping_config.pt`.

    Args:
        path: the file: `{"vectors": {name: {"vector", "layer"}}, "experiments": [{"id", "interventions": [{"vector",
            "cap"}]}]}`. Interventions without a cap are left out, as the reference's code does.
        experiment: its id, such as ``layers_46:54-p0.25``; may be None where the file holds just one.

    Raises:
        ArtifactError: another layout, or a hostile or damaged file.
        SettingError: no such experiment, or several and none named.
    """
    return parse_capping(read_torch_file(path), path, experiment)


def is_capping(content: Any) -> bool:
    """Whether a .pt file's content has the layout of a capping configuration."""
    return isinstance(content, dict) and "vectors" in content and "experiments" in content


def parse_capping(content: Any, path: Path, experiment: str | None) -> CappingConfig:
    """`read_capping_pt` for content that was read already."""
    if not is_capping(content):
        found = (
            f"keys {sorted(str(k)[:40] for k in content)[:6]}" if isinstance(content, dict) else type(content).__name__
        )
        message = f"{path}: found {found}, expected a capping configuration with 'vectors' and 'experiments'"
        raise ArtifactError(message)
    by_id: dict[str, list[Any]] = {}
    try:
        named = dict(content["vectors"])
        for entry in content["experiments"]:
            by_id.setdefault(str(entry["id"]), list(entry["interventions"]))
        chosen = _choose(list(by_id), experiment, path)
        rows = []
        for step in (step for step in by_id[chosen] if "cap" in step):
            row = named[step["vector"]]
            rows.append((_block(row["layer"]), row["vector"], str(step["vector"])[:60], _cap(step["cap"])))
    except (LookupError, RuntimeError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:80]}"
        message = (
            f"{path}: a part of the capping configuration is missing or of another kind ({reason}); expected "
            "experiments of 'vector' names and 'cap' numbers, vectors with 'layer'"
        )
        raise ArtifactError(message) from None
    rows.sort(key=_layer_of)
    layers = tuple(row[0] for row in rows)
    if not layers or len(set(layers)) < len(layers):
        what = "caps nothing" if not layers else "caps a block twice"
        message = f"{path}: experiment {chosen!r} {what}, expected one cap a block; choose another: {_listed(by_id)}"
        raise ArtifactError(message)
    vectors = [real_tensor(vector, 1, f"vector {name!r}", path) for _, vector, name, _ in rows]
    if len({len(vector) for vector in vectors}) > 1:
        message = f"{path}: vectors of different widths {sorted({len(v) for v in vectors})}, expected one"
        raise ArtifactError(message)
    if any(not float(vector.norm()) > 0 for vector in vectors):
        message = f"{path}: a vector is zero, so it has no direction; get the file again"
        raise ArtifactError(message)
    return CappingConfig(
        source=str(path),
        experiment=chosen,
        experiments=tuple(by_id),
        layers=layers,
        vectors=torch.stack(vectors),
        caps=tuple(row[3] for row in rows),
    )


def to_floors(config: CappingConfig, axis: Axis) -> dict[int, float]:
    """The floors on the unit assistant axis that a capping configuration means: `tau = -cap` where `cos(v, a) < 0`.

    Exact where the vector is the negated axis; otherwise the floor acts along the axis instead of along `-v`.

    Args:
        config: the configuration.
        axis: the assistant-pointing axis of the same model.

    Raises:
        ArtifactError: a vector points at the assistant, so its cap would push away from it; or isn't this axis at all.
        WrongModel: a block or a width that the axis doesn't have.
    """
    for layer, cosine in zip(config.layers, cosines(config, axis), strict=True):
        if abs(cosine) < MIN_COSINE:
            message = (
                f"{config.source}: the vector of block {layer} has cosine {cosine:+.2f} with the axis of "
                f"{axis.card.model}, expected {-MIN_COSINE} or less; it isn't this axis: give the axis that came with "
                "the configuration"
            )
            raise ArtifactError(message)
        if cosine > 0:
            message = (
                f"{config.source}: the vector of block {layer} points at the assistant (cosine {cosine:+.2f}), and a "
                "cap trims what lies above, so it would push AWAY from the assistant; expected vectors pointing away "
                "from it: check the axis's orientation, or get the configuration that came with the axis"
            )
            raise ArtifactError(message)
    return dict(zip(config.layers, (-cap for cap in config.caps), strict=True))


def cosines(config: CappingConfig, axis: Axis) -> list[float]:
    """Cosine of each vector with the assistant axis, in the order of `config.layers`; -1 is the reference's layout.

    Raises:
        WrongModel: a block or a width that the axis doesn't have.
    """
    width = config.vectors.shape[1]
    if width != axis.d_model or config.layers[-1] >= axis.n_layers:
        message = (
            f"{config.source} is for width {width} and blocks up to {config.layers[-1]}, the axis of "
            f"{axis.card.model} has {axis.n_layers} blocks of width {axis.d_model}; give that model's configuration"
        )
        raise WrongModel(message)
    directions = unit(config.vectors)
    return [float(direction @ axis.units[layer]) for layer, direction in zip(config.layers, directions, strict=True)]


def write_capping_pt(axis: Axis, path: Path, fire: float = 0.05) -> str:
    """Write the hold over `hold_band` as a capping configuration: vectors `-a`, caps `-tau`.

    Args:
        axis: calibrated.
        path: the file.
        fire: share of benign tokens that each floor touches.

    Returns:
        The experiment's id; its range is half open, as in the reference's own ids.

    Raises:
        EvidenceError: the axis has no calibration.
        StorageError: the disk is full, read-only or gone.
    """
    first, last = axis.card.hold_band
    names = {layer: f"layer_{layer}/negated_assistant_axis" for layer in range(first, last + 1)}
    name = f"layers_{first}:{last + 1}-fire{fire:g}"
    steps = [{"vector": names[layer], "cap": -axis.tau_for(fire, layer)} for layer in names]
    content = {
        "vectors": {names[layer]: {"vector": -axis.units[layer].cpu(), "layer": layer} for layer in names},
        "experiments": [{"id": name, "interventions": steps}],
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomic(path, buffer.getvalue())
    return name


def _choose(ids: list[str], experiment: str | None, path: Path) -> str:
    if experiment is None and len(ids) == 1:
        return ids[0]
    if experiment is None or experiment not in ids:
        asked = "none was named" if experiment is None else f"no {experiment!r}"
        hint = did_you_mean(experiment or "", [name[:60] for name in ids])
        message = f"{path}: {len(ids)} experiments and {asked}; {hint}"
        raise SettingError(message)
    return experiment


def _listed(by_id: dict[str, Any]) -> str:
    return ", ".join(repr(name[:60]) for name in list(by_id)[:12])


def _layer_of(row: tuple[int, Any, str, float]) -> int:
    return row[0]


def _block(value: Any) -> int:
    """A block's number, which some files hold as a tensor; `int()` alone would take 46.9 and True."""
    number = value.item() if isinstance(value, Tensor) else value
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        message = f"layer {str(number)[:20]!r}"
        raise ValueError(message)
    return number


def _cap(value: Any) -> float:
    number = value.item() if isinstance(value, Tensor) else value
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
        message = f"cap {str(number)[:20]!r}"
        raise ValueError(message)
    return float(number)
