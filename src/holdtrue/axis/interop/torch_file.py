"""Torch's .pt files from strangers: tensors, numbers and text are read, anything else is refused and never run."""

import pickle
import re
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor

from holdtrue.errors import ArtifactError

__all__ = ["read_torch_file", "real_tensor"]

MAX_BYTES: Final = 64 * 2**30
# Everything a malformed archive or opcode stream makes the restricted reader raise.
_DAMAGE: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)


def read_torch_file(path: Path) -> Any:
    """Read a .pt file with torch's restricted reader (`weights_only`), on the CPU.

    Raises:
        ArtifactError: missing, too large, damaged, compressed beyond its size, or holding anything but tensors,
            numbers, text and containers of them.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            message = f"{path}: {size} bytes is too large for an axis (limit {MAX_BYTES}); is it a model's file?"
            raise ArtifactError(message)
        _check_archive(path, size)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch comments on the pickle's protocol
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        message = (
            f"{path}: can't read it as a torch file ({error.strerror or 'not one'}); expected a .pt file of tensors"
        )
        raise ArtifactError(message) from None
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"it asks for {asked[1]}" if asked else "it holds code or other objects"
        message = (
            f"{path}: refused, never unpickled: {what}, and only tensors, numbers and text are read; "
            "have its author save it again with torch.save from plain tensors and floats"
        )
        raise ArtifactError(message) from None
    except _DAMAGE as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        message = f"{path}: truncated or damaged torch file ({size} bytes: {reason}); copy or download it again"
        raise ArtifactError(message) from None


def real_tensor(value: object, ndim: int, name: str, path: Path) -> Float[Tensor, "..."]:
    """A stored, finite floating-point tensor as fp32.

    Args:
        value: what stood in the file.
        ndim: how many dimensions it must have.
        name: what it is, for the message.
        path: the file, for the message.

    Raises:
        ArtifactError: another kind of value, or a view larger than what the file stores.
    """
    if not isinstance(value, Tensor):
        message = f"{path}: {name} is {type(value).__name__}, expected a tensor"
        raise ArtifactError(message)
    plain = value.layout == torch.strided and value.device.type == "cpu" and value.is_floating_point()
    if not plain or value.ndim != ndim or value.numel() == 0:
        shown = f"{value.dtype} of shape {list(value.shape)} on {value.device.type}"
        message = f"{path}: {name} is {shown}, expected {ndim} dimensions of floating point"
        raise ArtifactError(message)
    # Zero strides let a few stored bytes pose as terabytes until something copies them.
    if value.numel() * value.element_size() > value.untyped_storage().nbytes():
        message = f"{path}: {name} of shape {list(value.shape)} is larger than what the file stores for it; refused"
        raise ArtifactError(message)
    real = value.detach().float().contiguous()
    if not bool(torch.isfinite(real).all()):
        message = f"{path}: {name} holds NaN or infinite values; get the file again"
        raise ArtifactError(message)
    return real


def _check_archive(path: Path, size: int) -> None:
    """Torch stores its archives uncompressed; one that isn't could unfold to any size in memory."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, *_DAMAGE) as error:
        message = f"{path}: damaged torch archive ({' '.join(str(error).split())[:120]}); copy or download it again"
        raise ArtifactError(message) from None
    unfolded = sum(entry.file_size for entry in entries)
    if unfolded > size or any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        message = f"{path}: {size} bytes would unfold to {unfolded}; torch stores its files uncompressed: a zip bomb?"
        raise ArtifactError(message)
