"""Load a chat model by name: find its files, place it on a device, check that it is whole."""

from functools import partial
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from holdtrue.errors import ArtifactError, ModelError, SettingError, did_you_mean
from holdtrue.models.chat_model import ChatModel, wrap
from holdtrue.models.digests import file_sha256, files_digest
from holdtrue.models.find import Found, find
from holdtrue.models.gguf_cache import unpacked
from holdtrue.models.quiet import quiet
from holdtrue.models.template import read_template

__all__ = ["load", "quick_dtype"]

_DTYPES: Final = {
    "auto": None,
    "float32": torch.float32,
    "fp32": torch.float32,
    "bfloat16": torch.bfloat16,
    "bf16": torch.bfloat16,
    "float16": torch.float16,
    "fp16": torch.float16,
}
_DEVICES: Final = ("auto", "cpu", "cuda", "cuda:0", "mps")


def load(
    spec: str | Path,
    *,
    device: str = "auto",
    dtype: str = "auto",
    template: Path | None = None,
    layers: str | None = None,
) -> ChatModel:
    """Load a chat model for reading and steering.

    No code from a model's folder runs and nothing is unpickled: weights come from safetensors or GGUF.

    Args:
        spec: the bundled alias ``smollm2-135m``, a `.gguf` file, a folder, or a hub id.
        device: ``auto`` takes CUDA (spread over the GPUs if there are several), else MPS, else the CPU.
        dtype: ``auto`` is float32 on a CPU, elsewhere what the configuration says; bfloat16 for a GGUF.
        template: a file of jinja, or of JSON with ``chat_template``, in place of the model's own.
        layers: path of the decoder blocks, such as ``model.layers``, where structure leaves a choice.

    Returns:
        The model, in evaluation mode.

    Raises:
        ModelNotFound: nothing loadable at that name.
        MissingExtra: the bundled weights aren't installed.
        ArtifactError: a file is truncated, damaged, incomplete or pickled.
        ModelError: transformers can't run the architecture, or it needs code of its own.
        AmbiguousModel: the decoder blocks can't be told apart.
        NoChatTemplate: a base model, and no `template`.
        SettingError: no such device or dtype here.
    """
    placement = _placement(device)
    precision: torch.dtype | str | None = _precision(dtype)
    text = read_template(template) if template is not None else None
    found = find(spec)
    folder = unpacked(found.path) if found.is_gguf else found.path
    if precision is None and placement == "cpu":
        precision = torch.float32
    elif precision is None:
        # The unpacked copy is float32 whatever the file held; the models behind GGUFs are bfloat16.
        precision = torch.bfloat16 if found.is_gguf else "auto"
    model, tokenizer = _read(folder, found, placement, precision)
    digest = partial(file_sha256, found.path) if found.is_gguf else partial(files_digest, found.weight_files())
    return wrap(
        model, tokenizer, name=found.name, spec=str(spec), template=text, layers=layers, weights_digest_of=digest
    )


def _read(folder: Path, found: Found, placement: str, dtype: torch.dtype | str | None) -> tuple[Any, Any]:
    spread: Any = None if placement == "cpu" else placement if placement == "auto" else {"": placement}
    try:
        with quiet():
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                folder,
                config=config,
                dtype=dtype,
                device_map=spread,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                output_loading_info=True,
            )
    except (SafetensorError, OSError) as error:
        message = f"files of model {found.name!r} in {str(folder)!r} are damaged or missing: {_one_line(error)}"
        raise ArtifactError(message) from error
    except (ValueError, KeyError, TypeError, NotImplementedError, ImportError, RuntimeError) as error:
        message = _cannot(found.name, error)
        raise ModelError(message) from error
    model, report = loaded
    if missing := sorted(report["missing_keys"]):
        # transformers would fill them with random numbers and go on.
        message = f"model {found.name!r} lacks {len(missing)} weights, such as {missing[0]!r}; download it again"
        raise ArtifactError(message)
    if not tokenizer.is_fast:
        message = (
            f"model {found.name!r} has only a slow tokenizer, which gives no offsets; save a tokenizer.json with it"
        )
        raise ModelError(message)
    return model, tokenizer


def quick_dtype(device: str, dtype: str) -> str:
    """The precision for runs that compare a model with itself, or count its failures.

    On a processor that multiplies bfloat16 natively they take half the time.

    Args:
        device: as for `load`.
        dtype: as for `load`; anything but ``auto`` stays.
    """
    on_cpu = device == "cpu" or (device == "auto" and not torch.cuda.is_available())
    able = torch.cpu.get_capabilities() if dtype == "auto" and on_cpu else {}
    return "bfloat16" if able.get("avx512_bf16") or able.get("amx_bf16") else dtype


def _placement(device: str) -> str:
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    apple = torch.backends.mps.is_available()
    if device == "auto":
        # "auto" goes on to accelerate, which spreads the blocks over all GPUs.
        return "auto" if gpus > 1 else "cuda:0" if gpus else "mps" if apple else "cpu"
    here = [
        "auto",
        "cpu",
        *(["cuda"] if gpus else []),
        *(f"cuda:{n}" for n in range(gpus)),
        *(["mps"] if apple else []),
    ]
    if device not in here:
        known = device in _DEVICES or device.startswith("cuda:")
        why = "isn't on this machine" if known else "is no device"
        message = f"device {device!r} {why}; {did_you_mean(device, here)}"
        raise SettingError(message)
    return "cuda:0" if device == "cuda" else device


def _precision(dtype: str) -> torch.dtype | None:
    if dtype not in _DTYPES:
        message = f"dtype {dtype!r} is unknown; {did_you_mean(dtype, list(_DTYPES))}"
        raise SettingError(message)
    return _DTYPES[dtype]


def _cannot(name: str, error: Exception) -> str:
    text = _one_line(error)
    if "trust_remote_code" in text or "custom code" in text:
        return (
            f"model {name!r} needs code from its own folder, which holdtrue never runs; use one that transformers knows"
        )
    return f"model {name!r} can't be loaded by transformers: {text}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:240] or type(error).__name__
