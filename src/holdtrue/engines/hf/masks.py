"""Passes over rows of different lengths, with attention masks in the form each family of models takes them."""

from collections.abc import Sequence
from inspect import signature
from typing import Any, Final, final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from transformers import PreTrainedConfig

from holdtrue.engines.hf.slots import SlotCache
from holdtrue.errors import AmbiguousModel
from holdtrue.models import ChatModel

__all__ = ["Masks", "Passes"]

_FULL, _SLIDING = "full_attention", "sliding_attention"
_PROBE: Final = "A few words, to see that it can be read in pieces."
_ELSEWHERE: Final = "read it with `holdtrue watch`, or serve it from vLLM and use --upstream"


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
                f"sliding attention can; {_ELSEWHERE}"
            )
            raise AmbiguousModel(message)
        window = getattr(config, "sliding_window", None)
        switched_off = getattr(config, "use_sliding_window", True) is False
        left_over = bool(kinds) and _SLIDING not in kinds
        self._window = None if window is None or switched_off or left_over else int(window)
        self._by_kind = _SLIDING in kinds

    def pieces(self, positions: Int64[Tensor, "rows new"]) -> Any:
        """For tokens at these positions of each row."""
        return self._mask(positions, torch.arange(int(positions.max()) + 1, device=positions.device))

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


@final
class Passes:
    """Runs pieces of prompts and single tokens through a model, over a cache of slots.

    Args:
        model: what runs.
        n_slots: rows at the most.

    Raises:
        AmbiguousModel: the model's blocks aren't all attention over keys, or it computes something else in pieces than
            in one pass.
    """

    def __init__(self, model: ChatModel, n_slots: int) -> None:
        self._model, self._device = model.model, model.device
        self._masks = Masks(model.model.config.get_text_config(decoder=True), model.dtype, model.name)
        self.cache = SlotCache(model.n_layers, n_slots, model.device)
        takes = signature(model.model.forward).parameters
        self._keeps = "logits_to_keep" in takes
        self._check(model)

    def pieces(
        self, slots: Sequence[int], starts: Sequence[int], tokens: Sequence[Sequence[int]], keep: int = 1
    ) -> Float[Tensor, "rows keep vocab"]:
        """Feed pieces of prompts to slots, each from its own first position; the logits after the last `keep` tokens.

        A shorter piece than `keep` has them on the right.
        """
        lengths = [len(each) for each in tokens]
        width = max(lengths)
        self.cache.at_pieces(list(zip(slots, starts, lengths, strict=True)))
        # On the left a shorter piece repeats its first token, in a column that is neither kept nor looked at.
        ids = [[each[0]] * (width - len(each)) + list(each) for each in tokens]
        columns = torch.arange(width, device=self._device) - width
        ends = torch.tensor(lengths, device=self._device)[:, None]
        positions = torch.tensor(starts, device=self._device)[:, None] + (columns + ends).clamp_min(0)
        return self._forward(ids, positions, self._masks.pieces(positions), keep)

    def rows(self, lengths: list[int], tokens: Sequence[int]) -> Float[Tensor, "rows vocab"]:
        """Feed a token to each of the first slots, which hold `lengths` tokens; the logits after it."""
        self.cache.at_rows(lengths)
        at = torch.tensor(lengths, device=self._device)
        return self._forward([[token] for token in tokens], at[:, None], self._masks.rows(at), 1)[:, 0]

    def _forward(
        self, ids: list[list[int]], positions: Tensor, mask: Any, keep: int
    ) -> Float[Tensor, "rows keep vocab"]:
        # Indices and not a count: a slice of the states isn't contiguous, and the head is several times slower on it.
        columns = torch.arange(len(ids[0]) - keep, len(ids[0]), device=self._device)
        last = {"logits_to_keep": columns} if self._keeps else {}
        out = self._model(
            input_ids=torch.tensor(ids, device=self._device),
            position_ids=positions,
            attention_mask=mask,
            past_key_values=self.cache,
            use_cache=True,
            **last,
        )
        logits: Float[Tensor, "rows keep vocab"] = out.logits[:, -keep:].float()
        return logits

    @torch.inference_mode()
    def _check(self, model: ChatModel) -> None:
        """Compare with a plain pass over a few words: a family's name or configuration never says for certain."""
        tokens = (model.tokenizer(_PROBE).input_ids * 8)[:8]
        whole = self._model(input_ids=torch.tensor([tokens], device=self._device), use_cache=False).logits[0, -1]
        try:
            for start, end in ((0, 4), (4, 7)):
                self.pieces([0], [start], [tokens[start:end]])
            pieces = self.rows([7], tokens[7:])[0]
        except torch.OutOfMemoryError:
            raise
        except (TypeError, ValueError, RuntimeError, AttributeError, KeyError, IndexError) as error:
            message = f"{model.name} can't be read in pieces ({' '.join(str(error).split())[:160]}); {_ELSEWHERE}"
            raise AmbiguousModel(message) from error
        finally:
            self.cache.clear()
        off = float((pieces - whole.float()).norm() / (whole - whole.mean()).float().norm())
        if not off < torch.finfo(model.dtype).eps ** (1 / 3):  # more than rounding; NaN is no agreement either
            message = f"{model.name} gives other logits in pieces than in one pass (off by {off:.2g}); {_ELSEWHERE}"
            raise AmbiguousModel(message)
