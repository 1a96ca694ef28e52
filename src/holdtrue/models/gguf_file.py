"""What a GGUF file says about itself, and what the converter would lose of it."""

import struct
from pathlib import Path
from typing import Any, Final

import numpy as np
from gguf import GGUFReader
from tokenizers import processors
from transformers import PreTrainedConfig, PreTrainedTokenizerFast

from holdtrue.errors import ArtifactError, ModelError

__all__ = ["GgufFacts", "mend_config", "mend_tokenizer", "read_facts"]

# transformers rebuilds no rotary scaling from a GGUF; these are what Llama 3.1 and 3.2 were released with.
_LLAMA3_FACTORS: Final = (8.0, 32.0)
_LLAMA3: Final = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
# Blocks of the 27B models, whose attention scale isn't one over the root of the head's width.
_GEMMA_27B_BLOCKS: Final = {"gemma2": 46, "gemma3": 62}


class GgufFacts:
    """The metadata of one GGUF file and its few tensors that are really configuration.

    Args:
        metadata: scalar keys and their values; arrays are left out.
        rope_freqs: the factors that divide the rotary frequencies, or None where the file has none.
        tensor_names: names of all tensors.
    """

    def __init__(self, metadata: dict[str, Any], rope_freqs: np.ndarray | None, tensor_names: frozenset[str]) -> None:
        self.metadata = metadata
        self.rope_freqs = rope_freqs
        self.tensor_names = tensor_names
        self.architecture: str = str(metadata["general.architecture"])

    def own(self, key: str) -> Any:
        """The value of an architecture's own key such as ``rope.scaling.type``, or None."""
        return self.metadata.get(f"{self.architecture}.{key}")


def read_facts(path: Path) -> GgufFacts:
    """Parse the header and the tensor table, which also proves that the file is whole.

    Args:
        path: the file.

    Returns:
        What it says.

    Raises:
        ArtifactError: not a GGUF file, or a truncated or damaged one.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(4)
        if magic != b"GGUF":
            message = f"{str(path)!r} is not a GGUF file: it starts with {magic!r}, not b'GGUF'; download it again"
            raise ArtifactError(message)
        reader = GGUFReader(path)
        metadata = {key: field.contents() for key, field in reader.fields.items() if len(field.data) == 1}
        freqs = next(
            (np.array(t.data, dtype=np.float64) for t in reader.tensors if t.name == "rope_freqs.weight"), None
        )
        names = frozenset(tensor.name for tensor in reader.tensors)
        return GgufFacts(metadata, freqs, names)
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, MemoryError, struct.error) as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        message = f"{str(path)!r} is a truncated or damaged GGUF file ({reason}); download it again"
        raise ArtifactError(message) from None


def mend_config(config: PreTrainedConfig, facts: GgufFacts) -> None:
    """Put back, in place, what transformers leaves behind when it rebuilds a configuration from a GGUF.

    Rotary scaling (linear, YaRN, and Llama 3's, which a GGUF holds as a tensor of factors), Gemma's
    attention scale and Qwen3's head width. Without them the model runs and is quietly another function.

    Args:
        config: the rebuilt configuration.
        facts: the file it was rebuilt from.

    Raises:
        ModelError: the file scales its rotary frequencies in a way that isn't known here.
    """
    if facts.architecture in _GEMMA_27B_BLOCKS:
        is_27b = config.num_hidden_layers == _GEMMA_27B_BLOCKS[facts.architecture]
        scale = config.hidden_size // config.num_attention_heads if is_27b else config.head_dim
        config.query_pre_attn_scalar = scale
    if facts.architecture == "qwen3" and (width := facts.own("attention.key_length")):
        config.head_dim = int(width)
    scaling = _rope_scaling(config, facts)
    if scaling:
        rope = config.rope_parameters
        # Where kinds of layer have rotary parameters of their own, the scaling is the global layers'.
        rope.get("full_attention", rope).update(scaling)


def mend_tokenizer(tokenizer: PreTrainedTokenizerFast, facts: GgufFacts) -> None:
    """Let the tokenizer add the BOS token, in place, if the file says that its tokenizer did.

    Args:
        tokenizer: the rebuilt tokenizer.
        facts: the file it was rebuilt from.
    """
    # llama.cpp's own default where the key is missing: sentencepiece vocabularies add one.
    default = facts.metadata.get("tokenizer.ggml.model") == "llama"
    adds = bool(facts.metadata.get("tokenizer.ggml.add_bos_token", default))
    bos, bos_id = tokenizer.bos_token, tokenizer.bos_token_id
    if not adds or bos is None or tokenizer("a").input_ids[:1] == [bos_id]:
        return
    template = processors.TemplateProcessing(
        single=f"{bos}:0 $A:0", pair=f"{bos}:0 $A:0 {bos}:1 $B:1", special_tokens=[(bos, bos_id)]
    )
    backend = tokenizer.backend_tokenizer
    before = backend.post_processor
    backend.post_processor = template if before is None else processors.Sequence([before, template])


def _rope_scaling(config: PreTrainedConfig, facts: GgufFacts) -> dict[str, Any]:
    kind = facts.own("rope.scaling.type") or "none"
    factor = facts.own("rope.scaling.factor")
    if facts.rope_freqs is not None:
        return _llama3(config, facts.rope_freqs)
    if "rope_factors_long.weight" in facts.tensor_names:
        kind = "longrope"
    if kind == "none" or (kind == "linear" and factor in (None, 1.0)):
        return {}
    if kind == "linear":
        return {"rope_type": "linear", "factor": float(factor)}
    original = facts.own("rope.scaling.original_context_length")
    if kind == "yarn" and factor and original:
        return {"rope_type": "yarn", "factor": float(factor), "original_max_position_embeddings": int(original)}
    message = (
        f"GGUF of architecture {facts.architecture!r} scales its rotary frequencies by {kind!r}, which can't be"
        " rebuilt from the file (known: linear, yarn, llama3); load the safetensors folder instead"
    )
    raise ModelError(message)


def _llama3(config: PreTrainedConfig, factors: np.ndarray) -> dict[str, Any]:
    if np.allclose(factors, 1.0):
        return {}
    theta = float(config.rope_parameters["rope_theta"])
    width = 2 * factors.size
    wavelength = 2 * np.pi * theta ** (np.arange(0, width, 2) / width)
    low, high, original = _LLAMA3["low_freq_factor"], _LLAMA3["high_freq_factor"], 8192
    smooth = np.clip((original / wavelength - low) / (high - low), 0.0, 1.0)
    for factor in _LLAMA3_FACTORS:
        if np.allclose(factors, 1.0 / ((1 - smooth) / factor + smooth), rtol=1e-3):
            return {"rope_type": "llama3", "factor": factor, **_LLAMA3}
    message = (
        f"GGUF of architecture {config.model_type!r} holds rotary factors that fit no known scaling"
        f" (tried llama3 by {_LLAMA3_FACTORS}); load the safetensors folder instead"
    )
    raise ModelError(message)
