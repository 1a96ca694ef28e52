"""Digests that say which weights and which configuration an artifact was made with."""

import hashlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig

from holdtrue.config import settings

__all__ = ["config_digest", "file_sha256", "files_digest", "state_digest"]

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
# They change with the library, the place or the precision, and the function computed doesn't.
_VOLATILE: Final = frozenset({"_name_or_path", "transformers_version", "dtype", "torch_dtype"})


def file_sha256(path: Path) -> str:
    """The sha256 of a file, hashed once and remembered in the cache until the file changes.

    A file counts as unchanged while its path, inode, size and both timestamps are. In a hub snapshot the
    file is a link to a blob whose name is the sha256 already, so that 140 GB needn't be read.

    Args:
        path: the file.

    Returns:
        64 hexadecimal digits.
    """
    real = path.resolve()
    if path.is_symlink() and real.parent.name == "blobs" and _SHA256.fullmatch(real.name):
        return real.name
    stat = real.stat()
    key = f"{real}\0{stat.st_ino}\0{stat.st_size}\0{stat.st_mtime_ns}\0{stat.st_ctime_ns}"
    note = settings().cache_dir / "digests" / hashlib.sha256(os.fsencode(key)).hexdigest()[:32]
    try:
        if _SHA256.fullmatch(known := note.read_text(encoding="ascii")):
            return known
    except (OSError, UnicodeDecodeError):
        pass
    with real.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    _remember(note, digest)
    return digest


def files_digest(paths: Iterable[Path]) -> str:
    """One digest over several weight files: the sha256 of sorted ``name:sha256`` lines.

    Args:
        paths: the files; names must differ.

    Returns:
        64 hexadecimal digits.
    """
    lines = sorted(f"{path.name}:{file_sha256(path)}" for path in paths)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def state_digest(model: nn.Module) -> str:
    """A digest of weights that live in memory only: sha256 over sorted names, shapes, dtypes and bytes.

    Args:
        model: the module.

    Returns:
        64 hexadecimal digits; not comparable with `files_digest`.
    """
    total = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        tensor: Tensor = value.detach().cpu().contiguous()
        total.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}\n".encode())
        total.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def config_digest(config: PreTrainedConfig) -> str:
    """The sha256 of the configuration as canonical JSON, without keys that don't change the function.

    Args:
        config: the model's configuration.

    Returns:
        64 hexadecimal digits.
    """
    text = json.dumps(_stable(config.to_dict()), sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _stable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _stable(entry) for key, entry in value.items() if str(key) not in _VOLATILE}
    if isinstance(value, list | tuple):
        return [_stable(entry) for entry in value]
    return value


def _remember(note: Path, digest: str) -> None:
    # Forgetting costs a second hash and no more, so a read-only or full cache is no error here.
    beside = note.with_name(f"{note.name}.{os.getpid()}")
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(digest, encoding="ascii")
        beside.replace(note)
    except OSError:
        beside.unlink(missing_ok=True)
