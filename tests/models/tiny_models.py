"""Tiny random models, tokenizers and GGUF files, made on the spot."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import bytes_to_unicode

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system role') }}"
    "{% endif %}{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else m['role']) + '\n' + m['content']"
    " | trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
_BLOCK = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}
_TOP = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def byte_tokens(specials: list[str]) -> list[str]:
    return [*specials, *bytes_to_unicode().values(), "he", "ll"]


def make_tokenizer(
    specials: list[str], template: str | None = None, plain: tuple[str, ...] = ()
) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer with given control tokens; the first is BOS, the second EOS."""
    vocab = {token: index for index, token in enumerate(byte_tokens(specials))}
    backend = Tokenizer(BPE(vocab=vocab, merges=[("h", "e"), ("l", "l")]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token=specials[0],
        eos_token=specials[1],
        additional_special_tokens=specials[2:],
        chat_template=template,
    )
    tokenizer.add_tokens(list(plain))
    return tokenizer


def tiny_config(kind: str, vocab: int = 300, n_layers: int = 3, **more: Any) -> Any:
    shape = {
        "vocab_size": vocab,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": n_layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "pad_token_id": 0,
        "bos_token_id": 0,
        "eos_token_id": 1,
    }
    return AutoConfig.for_model(kind, **(shape | more))


def tiny_model(config: Any) -> PreTrainedModel:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():  # norms and biases start as constants, which would hide a swap
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    return model


def write_gguf(
    path: Path,
    arch: str,
    template: str | None = CHATML,
    *,
    meta: dict[str, Any] | None = None,
    tensors: dict[str, np.ndarray] | None = None,
    leave_out: str = "",
    named_arch: str = "",
    **more: Any,
) -> PreTrainedModel:
    """Write a random model of an architecture as llama.cpp's converter would, and return it."""
    is_gemma = arch == "gemma3"
    if is_gemma:
        tokens = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"]
        controls = len(tokens)
        tokens += [f"<0x{value:02X}>" for value in range(256)] + ["▁", *"abcdefghijklmnopqrstuvwxyz", "he", "▁he"]
    else:
        controls = 3
        tokens = byte_tokens(["<|im_start|>", "<|im_end|>", "<|endoftext|>"])
    kind = {"gemma3": "gemma3_text"}.get(arch, arch)
    model = tiny_model(tiny_config(kind, vocab=len(tokens), **more))
    config = model.config
    out = gguf.GGUFWriter(path, named_arch or arch)
    out.add_context_length(config.max_position_embeddings)
    out.add_embedding_length(config.hidden_size)
    out.add_block_count(config.num_hidden_layers)
    out.add_feed_forward_length(config.intermediate_size)
    out.add_head_count(config.num_attention_heads)
    out.add_head_count_kv(config.num_key_value_heads)
    out.add_layer_norm_rms_eps(config.rms_norm_eps)
    rope = config.rope_parameters
    out.add_rope_freq_base(rope.get("full_attention", rope)["rope_theta"])
    if is_gemma or arch == "qwen3":
        out.add_key_length(config.head_dim)
    if is_gemma:
        out.add_sliding_window(config.sliding_window)
    if arch == "llama":
        out.add_rope_dimension_count(config.head_dim)
    out.add_tokenizer_model("llama" if is_gemma else "gpt2")
    out.add_tokenizer_pre("default" if is_gemma else "qwen2")
    out.add_token_list(tokens)
    types = [3 if i < controls else 6 if t.startswith("<0x") else 1 for i, t in enumerate(tokens)]
    out.add_token_types(types)
    if is_gemma:
        out.add_token_scores([-float(index) for index in range(len(tokens))])
    else:
        out.add_token_merges(["h e", "l l"])
    out.add_bos_token_id(2 if is_gemma else 0)
    out.add_eos_token_id(1)
    out.add_pad_token_id(0)
    if template is not None:
        out.add_chat_template(template)
    for key, value in (meta or {}).items():
        add = out.add_string if isinstance(value, str) else out.add_float32
        add(key, value)
    for name, weight in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        if (stored := _gguf_name(name, is_gemma)) != leave_out:
            out.add_tensor(stored, _gguf_value(name, weight, model, arch))
    for name, array in (tensors or {}).items():
        out.add_tensor(name, array)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return model


def _gguf_name(name: str, is_gemma: bool) -> str:
    base, _, suffix = name.rpartition(".")
    if base in _TOP:
        return f"{_TOP[base]}.{suffix}"
    _, _, block, rest = base.split(".", 3)
    renamed = "post_attention_norm" if is_gemma and rest == "post_attention_layernorm" else _BLOCK[rest]
    return f"blk.{block}.{renamed}.{suffix}"


def _gguf_value(name: str, weight: torch.Tensor, model: PreTrainedModel, arch: str) -> np.ndarray:
    array = weight.numpy()
    if arch == "gemma3" and "norm" in name:
        return array + 1.0
    heads = {"q_proj": model.config.num_attention_heads, "k_proj": model.config.num_key_value_heads}
    count = next((heads[key] for key in heads if f".{key}." in name), None)
    if arch == "llama" and count:
        half = array.reshape(count, 2, array.shape[0] // count // 2, *array.shape[1:])
        return half.swapaxes(1, 2).reshape(array.shape)
    return array
