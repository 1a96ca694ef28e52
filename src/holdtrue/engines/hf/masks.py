"""Attention masks for rows of different lengths, in the form each family of models takes them."""

from typing import Any, final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from transformers import PreTrainedConfig

from holdtrue.errors import AmbiguousModel

__all__ = ["Masks"]

_FULL, _SLIDING = "full_attention", "sliding_attention"


@final
class Masks:
    """Makes additive 4D masks, with a sliding window where the model has one.

    Raises:
        AmbiguousModel: the model has blocks that aren't attention over a cache of keys (linear attention and the like).
    """

    def __init__(self, config: PreTrainedConfig, dtype: torch.dtype, name: str) -> None:
        self._lowest = torch.finfo(dtype).min
        self._dtype = dtype
        kinds = set(getattr(config, "layer_types", None) or ())
        if unknown := kinds - {_FULL, _SLIDING}:
            message = (
                f"{name} has blocks of kind {', '.join(sorted(unknown))}, which can't be batched here: only full and "
                "sliding attention can; read it with `holdtrue watch`, or serve it from vLLM and use --upstream"
            )
            raise AmbiguousModel(message)
        window = getattr(config, "sliding_window", None)
        switched_off = getattr(config, "use_sliding_window", True) is False
        self._window = None if window is None or switched_off else int(window)
        self._by_kind = _SLIDING in kinds

    def chunk(self, start: int, length: int, device: torch.device) -> Any:
        """For `length` tokens of one row from position `start`."""
        queries = torch.arange(start, start + length, device=device)[None, :]
        return self._mask(queries, torch.arange(start + length, device=device))

    def rows(self, lengths: Int64[Tensor, " rows"]) -> Any:
        """For one token per row, at position `lengths[row]`."""
        return self._mask(lengths[:, None], torch.arange(int(lengths.max()) + 1, device=lengths.device))

    def _mask(self, queries: Int64[Tensor, "rows new"], keys: Int64[Tensor, " all"]) -> Any:
        seen = keys <= queries[..., None]
        full = self._additive(seen)
        if self._window is None:
            return full
        near = self._additive(seen & (keys > queries[..., None] - self._window))
        return {_FULL: full, _SLIDING: near} if self._by_kind else near

    def _additive(self, seen: Bool[Tensor, "rows new all"]) -> Float[Tensor, "rows 1 new all"]:
        mask = torch.zeros(seen.shape, dtype=self._dtype, device=seen.device)
        return mask.masked_fill_(~seen, self._lowest)[:, None]
