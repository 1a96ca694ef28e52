"""A tiny random model of every family, and an axis for it."""

import torch
from tiny_models import tiny_config, tiny_model
from transformers import AutoConfig

from holdtrue.axis import Axis, bare_card
from holdtrue.models import config_digest

FAMILIES = ["llama", "qwen2", "qwen3", "gemma2", "gemma3_text", "mistral", "phi", "gpt_neox", "gpt2", "gemma3"]


def family(kind):
    more = {"head_dim": 8} if kind in {"gemma2", "gemma3_text", "qwen3", "mistral"} else {}
    if kind == "phi":
        more = {"num_key_value_heads": 4}
    if kind == "gpt2":
        config = AutoConfig.for_model("gpt2", vocab_size=300, n_embd=32, n_layer=3, n_head=4, n_positions=128)
    elif kind == "gemma3":
        text = tiny_config("gemma3_text", head_dim=8).to_dict()
        vision = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
        vision |= {"image_size": 28, "patch_size": 14}
        config = AutoConfig.for_model("gemma3", text_config=text, vision_config=vision, mm_tokens_per_image=4)
    else:
        config = tiny_config(kind, **more)
    return tiny_model(config)


def tiny_axis(model, kind):
    vectors = torch.randn(3, 32, generator=torch.Generator().manual_seed(1))
    card = bare_card(
        model=kind,
        weights_digest="",
        config_digest=config_digest(model.config),
        template_digest="",
        dtype="float32",
        norms=vectors.norm(dim=1).tolist(),
        d_model=32,
        origin="made for a test",
        layer=1,
        band=(1, 2),
        reason="a test",
    )
    return Axis(vectors, None, None, card)
