"""Attention of a few new tokens over a long cache: heads that share keys are computed together, and no key is copied.

transformers repeats the keys and values once per query head as soon as there is a mask, and torch's kernel for CPUs is
slow for a single query per head. With the query heads of a group laid out as further queries, both go away; the result
is the same to the last bit or nearly so.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

__all__ = ["grouped_attention", "grouped_attention_forward"]

_NAME: Final = "holdtrue_grouped"
_LOCK: Final = threading.Lock()
_DEPTHS: Final[dict[int, int]] = {}
"""How many readings of a model are under way, by the identity of its configuration."""


@contextmanager
def grouped_attention(model: PreTrainedModel) -> Iterator[None]:
    """Run a model with grouped attention, where it would run with torch's; as it was afterwards.

    Another thread that runs the model meanwhile may get the one or the other, which are interchangeable.
    """
    config: Any = model.config.get_text_config(decoder=True)
    with _LOCK:
        applies = config._attn_implementation in ("sdpa", _NAME)
        if applies:
            _DEPTHS[id(config)] = _DEPTHS.get(id(config), 0) + 1
            config._attn_implementation = _NAME
    try:
        yield
    finally:
        if applies:
            with _LOCK:
                _DEPTHS[id(config)] -= 1
                if _DEPTHS[id(config)] == 0:
                    del _DEPTHS[id(config)]
                    config._attn_implementation = "sdpa"


def grouped_attention_forward(
    module: nn.Module,
    query: Float[Tensor, "batch heads new d_head"],
    key: Float[Tensor, "batch kv_heads all d_head"],
    value: Float[Tensor, "batch kv_heads all d_value"],
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """Transformers' `sdpa_attention_forward`, with grouped heads where that is possible and pays."""
    batch, n_heads, n_new, d_head = query.shape
    n_kv = key.shape[1]
    group = n_heads // n_kv
    shared_mask = n_new == 1 if attention_mask is None else attention_mask.shape[1] == 1
    if group == 1 or not shared_mask or query.device.type != "cpu" or more.get("position_bias") is not None:
        found: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **more
        )
        return found
    out = torch.nn.functional.scaled_dot_product_attention(
        query.reshape(batch, n_kv, group * n_new, d_head),
        key,
        value,
        attn_mask=None if attention_mask is None else attention_mask.repeat(1, 1, group, 1),
        scale=scaling,
    )
    return out.reshape(batch, n_heads, n_new, -1).transpose(1, 2).contiguous(), None


AttentionInterface.register(_NAME, grouped_attention_forward)
AttentionMaskInterface.register(_NAME, sdpa_mask)
