from typing import Any

import pytest
import torch
from tiny_models import tiny_config, tiny_model
from torch import nn
from transformers import AutoConfig

from holdtrue.errors import AmbiguousModel
from holdtrue.models import block_output, decoder_layers

_PLAIN = ["llama", "qwen2", "qwen3", "gemma2", "gemma3_text", "mistral", "phi", "phi3", "gpt_neox"]
_MORE: dict[str, dict[str, Any]] = {
    "gemma2": {"head_dim": 8},
    "gemma3_text": {"head_dim": 8},
    "qwen3": {"head_dim": 8},
    "mistral": {"head_dim": 8},
    "phi": {"num_key_value_heads": 4},
}


def _gpt2() -> Any:
    return AutoConfig.for_model("gpt2", vocab_size=300, n_embd=32, n_layer=3, n_head=4, n_positions=64)


def _gemma3_nested() -> Any:
    # The vision tower is as deep and as wide as the text model: only its config tells them apart.
    text = tiny_config("gemma3_text", head_dim=8).to_dict()
    vision = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "image_size": 28,
        "patch_size": 14,
    }
    return AutoConfig.for_model("gemma3", text_config=text, vision_config=vision, mm_tokens_per_image=4)


def _configs() -> dict[str, Any]:
    plain = {kind: tiny_config(kind, **_MORE.get(kind, {})) for kind in _PLAIN}
    return plain | {"gpt2": _gpt2(), "gemma3": _gemma3_nested()}


@pytest.mark.parametrize("kind", [*_PLAIN, "gpt2", "gemma3"])
def test_hooks_on_the_blocks_see_the_hidden_states(kind: str) -> None:
    model = tiny_model(_configs()[kind])
    blocks = decoder_layers(model)
    seen: list[torch.Tensor] = []
    handles = [block.register_forward_hook(lambda _m, _a, out: seen.append(block_output(out))) for block in blocks]
    with torch.no_grad():
        hidden = model(torch.arange(3, 13)[None], output_hidden_states=True).hidden_states
    for handle in handles:
        handle.remove()
    assert len(blocks) == len(seen) == 3
    assert len(hidden) == 4
    # The last entry is taken after the final norm, so the last block is judged by going through it.
    for mine, theirs in zip(seen[:-1], hidden[1:-1], strict=True):
        assert torch.equal(mine, theirs)
    norm = [
        module
        for name, module in model.named_modules()
        if name.endswith(("model.norm", "ln_f", "final_layer_norm", "final_layernorm", "language_model.norm"))
    ]
    assert any(torch.allclose(module(seen[-1]), hidden[-1], atol=1e-6) for module in norm)


def test_the_text_blocks_are_taken_not_the_vision_tower() -> None:
    model = tiny_model(_gemma3_nested())
    paths = {id(module): name for name, module in model.named_modules()}
    assert {paths[id(block)] for block in decoder_layers(model)} == {
        f"model.language_model.layers.{n}" for n in range(3)
    }


def test_a_second_list_that_fits_is_an_error_with_both_paths_and_the_mend() -> None:
    model = tiny_model(tiny_config("llama"))
    model.model.twin = nn.ModuleList(list(model.model.layers))
    model.model.twin = nn.ModuleList([type(block)(model.config, n) for n, block in enumerate(model.model.layers)])
    with pytest.raises(AmbiguousModel, match=r"model\.layers, model\.twin.*layers='model\.layers'"):
        decoder_layers(model)
    assert decoder_layers(model, hint="model.layers") == tuple(model.model.layers)


def test_no_list_that_fits_is_an_error() -> None:
    model = tiny_model(tiny_config("llama"))
    with pytest.raises(AmbiguousModel, match=r"no list of modules .* 7 decoder blocks"):
        decoder_layers(model, n_layers=7)


@pytest.mark.parametrize("hint", ["model.layer", "model"])
def test_a_wrong_hint_names_the_lists_there_are(hint: str) -> None:
    with pytest.raises(AmbiguousModel, match=r"lists that long: model\.layers"):
        decoder_layers(tiny_model(tiny_config("llama")), hint=hint)


def test_experts_as_many_as_blocks_are_no_candidates() -> None:
    model = tiny_model(tiny_config("llama"))
    for block in model.model.layers:
        block.experts = nn.ModuleList([nn.Sequential(nn.Linear(32, 32)) for _ in range(3)])
    assert decoder_layers(model) == tuple(model.model.layers)


def test_block_output_takes_a_tensor_or_a_tuple() -> None:
    stream = torch.zeros(1, 2, 3)
    assert block_output(stream) is stream
    assert block_output((stream, None)) is stream
