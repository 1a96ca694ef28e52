"""The axis as a llama.cpp control vector: constant steering, which is not a cap."""

import tempfile
from pathlib import Path

from gguf import GGUFWriter

from holdtrue.axis.axis import Axis
from holdtrue.errors import SettingError, StorageError
from holdtrue.records import write_atomic

__all__ = ["write_control_vector"]

_WHAT = (
    "Constant steering, not a cap: llama.cpp adds these vectors to every token, in-bound ones too, so this is not the "
    "hold that holdtrue tests. Additions at several blocks accumulate along the residual stream; "
    "--control-vector-layer-range K K steers at one block. Positive scale is more assistant-like."
)
_PLACE = (
    "direction.k is the axis at the output of decoder block k (0-based, resid_post), where llama.cpp adds it. "
    "llama.cpp has no direction.0, so the axis of block 0 is left out."
)


def write_control_vector(axis: Axis, path: Path, *, model_arch: str = "unknown") -> None:
    """Write `direction.k` for blocks k = 1 .. n_layers - 1 as fp32 GGUF, for `llama-cli --control-vector-scaled`.

    A calibrated axis gives `direction.k = sd[k] * v[k]`: unit vector times the standard deviation of benign tokens'
    projections at that block, so that scale 1.0 moves every token by one benign standard deviation there. Without
    calibration it is the raw, unnormalised axis. Block 0 can't be represented.

    Args:
        axis: the axis.
        path: the .gguf file.
        model_arch: llama.cpp's name of the model's architecture, such as ``llama`` or ``qwen3``: a hint
            for readers, which llama.cpp doesn't check.

    Raises:
        ArtifactError: the axis failed its sign self-test.
        SettingError: a model of one block, or no architecture name.
        StorageError: the disk is full, read-only or gone.
    """
    axis.check_sign()
    if axis.n_layers < 2 or not model_arch.strip():
        found = f"{axis.n_layers} blocks" if model_arch.strip() else "no architecture name"
        message = f"a control vector needs at least 2 blocks and an architecture name such as 'llama'; got {found}"
        raise SettingError(message)
    try:
        # The writer only knows files; the finished bytes then go to their place at once.
        with tempfile.TemporaryDirectory() as scratch:
            draft = Path(scratch) / "vector.gguf"
            _write(axis, draft, model_arch.strip())
            raw = draft.read_bytes()
    except OSError as error:
        message = f"{path}: can't write the control vector ({error.strerror}); free some space for temporary files"
        raise StorageError(message) from None
    write_atomic(path, raw)


def _write(axis: Axis, draft: Path, model_arch: str) -> None:
    calibration = axis.card.calibration
    writer = GGUFWriter(draft, arch="controlvector")
    writer.add_string("controlvector.model_hint", model_arch)
    writer.add_int32("controlvector.layer_count", axis.n_layers - 1)
    writer.add_name(f"Assistant axis of {axis.card.model}")
    writer.add_description(_WHAT)
    sd = "unit vector times one standard deviation of benign tokens' projections at that block"
    facts = {
        "kind": "constant steering, not a cap",
        "hook_point": axis.card.hook_point,
        "placement": _PLACE,
        "orientation": axis.card.orientation,
        "scale": sd if calibration else "raw axis, unnormalised: it was never calibrated",
        "axis_digest": axis.card.digest,
        "model": axis.card.model,
        "weights_digest": axis.card.weights_digest,
        "origin": axis.card.origin,
        "package_version": axis.card.package_version,
        "warnings": "\n".join(axis.card.warnings),
    }
    for key, value in facts.items():
        writer.add_string(f"holdtrue.{key}", value)
    for block in range(1, axis.n_layers):
        vector = axis.units[block] * calibration[block].token.sd if calibration else axis.vectors[block]
        writer.add_tensor(f"direction.{block}", vector.detach().float().cpu().contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
