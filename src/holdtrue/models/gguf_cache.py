"""Unpacked GGUF weights: dequantised once, kept as safetensors, checked at every load."""

import json
import logging
import os
import shutil
from pathlib import Path
from typing import Any, Final

import torch
from filelock import FileLock
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GgufConfig
from transformers import __version__ as transformers_version

from holdtrue.config import settings
from holdtrue.errors import ArtifactError, ModelError, StorageError
from holdtrue.models.digests import file_sha256
from holdtrue.models.gguf_file import mend_config, mend_tokenizer, read_facts
from holdtrue.models.quiet import quiet

__all__ = ["unpacked"]

_LOG: Final = logging.getLogger(__name__)
_MANIFEST: Final = "holdtrue-manifest.json"
# Raise it when the conversion changes, so that folders written by an older one are made anew.
_SCHEMA: Final = 1


def unpacked(gguf: Path) -> Path:
    """The folder of safetensors, configuration and tokenizer that a GGUF file unpacks to.

    Made on first use under ``cache_dir/models/<first 16 hex of its sha256>`` and shared by all processes:
    written beside and renamed, under a file lock.

    Args:
        gguf: the file.

    Returns:
        A folder that loads like any other.

    Raises:
        ArtifactError: not a GGUF file, a truncated one, or one that lacks weights.
        ModelError: transformers can't rebuild that architecture.
        StorageError: the cache can't be written.
    """
    digest = file_sha256(gguf)
    folder = settings().cache_dir / "models" / digest[:16]
    if folder.is_dir() and _is_whole(folder, digest):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f"{folder.name}.lock")):
            # Another process may have made it while this one waited.
            if not (folder.is_dir() and _is_whole(folder, digest)):
                _rebuild(gguf, digest, folder)
    except OSError as error:
        message = f"can't unpack {gguf.name!r} into {str(folder.parent)!r}: {error}; free space or set HOLDTRUE_CACHE"
        raise StorageError(message) from error
    return folder


def _rebuild(gguf: Path, digest: str, folder: Path) -> None:
    # One name suffices since the lock is held; what a killed process left under it goes.
    beside = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    if folder.exists():
        _LOG.warning("cached weights of %s in %s are damaged: unpacking them again", gguf.name, folder)
        shutil.rmtree(folder)
    beside.mkdir()
    try:
        _convert(gguf, beside)
        files = {path.name: _record(path) for path in sorted(beside.iterdir())}
        manifest = {"schema": _SCHEMA, "gguf_sha256": digest, "transformers": transformers_version, "files": files}
        (beside / _MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _convert(gguf: Path, out: Path) -> None:
    facts = read_facts(gguf)
    place: dict[str, Any] = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name}
    try:
        with quiet(bars_of_others=True):
            config = AutoConfig.from_pretrained(**place)
            mend_config(config, facts)
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                **place,
                config=config,
                quantization_config=GgufConfig(dequantize=True),
                dtype=torch.float32,
                output_loading_info=True,
            )
            model, report = loaded
            tokenizer: Any = AutoTokenizer.from_pretrained(**place)
            mend_tokenizer(tokenizer, facts)
            if missing := sorted(report["missing_keys"]):
                message = f"{str(gguf)!r} lacks {len(missing)} weights, such as {missing[0]!r}; download it again"
                raise ArtifactError(message)
            if report["mismatched_keys"]:
                message = f"shapes differ from the configuration's: {sorted(report['mismatched_keys'])[0]}"
                raise ValueError(message)
            model.save_pretrained(out)
            tokenizer.save_pretrained(out)
    except SafetensorError as error:  # it wraps what the disk said
        raise OSError(str(error)) from error
    except (ValueError, KeyError, TypeError, NotImplementedError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        message = (
            f"GGUF architecture {facts.architecture!r} in {gguf.name!r} can't be rebuilt by transformers"
            f" {transformers_version} ({reason}); load the model's safetensors folder instead"
        )
        raise ModelError(message) from error


def _record(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        os.fsync(file.fileno())
    stat = path.stat()
    return {"sha256": file_sha256(path), "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _is_whole(folder: Path, digest: str) -> bool:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        if manifest["schema"] != _SCHEMA or manifest["gguf_sha256"] != digest:
            return False
        return all(_is_unchanged(folder / name, record) for name, record in manifest["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _is_unchanged(path: Path, record: dict[str, Any]) -> bool:
    stat = path.stat()
    if stat.st_size != record["size"]:
        return False
    return bool(stat.st_mtime_ns == record["mtime_ns"] or file_sha256(path) == record["sha256"])
