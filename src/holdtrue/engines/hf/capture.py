"""Residual-stream means taken while the model generates: no second pass, no activations kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import StoppingCriteria

from holdtrue.models import ChatModel, block_output

__all__ = ["LayerHooks", "ResponseMeans", "ThinkTokens", "think_tokens"]

Reader = Callable[[int, Tensor], None]


@final
class LayerHooks:
    """Calls `read(layer, resid_post)` after each decoder block; gone after the block, whatever happens in it."""

    def __init__(self, layers: tuple[nn.Module, ...], read: Reader) -> None:
        self._layers = layers
        self._read = read
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> "LayerHooks":
        for index, layer in enumerate(self._layers):
            self._handles.append(layer.register_forward_hook(self._hook(index)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _hook(self, index: int) -> Callable[[nn.Module, object, Tensor | tuple[Any, ...]], None]:
        def hook(_module: nn.Module, _args: object, output: Tensor | tuple[Any, ...]) -> None:
            self._read(index, block_output(output))

        return hook


@final
@dataclass(frozen=True)
class ThinkTokens:
    """The tokens that open and close a thinking segment."""

    opens: int
    closes: int

    def left_open(self, token_ids: Sequence[int]) -> bool:
        """Whether a prompt ends inside a thinking segment, as some generation prompts do."""
        last = next((token for token in reversed(token_ids) if token in (self.opens, self.closes)), self.closes)
        return last == self.opens

    def within(self, token_ids: Sequence[int], *, opened: bool = False) -> list[bool]:
        """Which tokens of a response belong to a thinking segment, its tags included.

        Args:
            token_ids: the response.
            opened: whether the prompt left a segment open.
        """
        found = []
        for token in token_ids:
            opened = opened or token == self.opens
            found.append(opened)
            opened = opened and token != self.closes
        return found


def think_tokens(model: ChatModel) -> ThinkTokens | None:
    """The model's thinking tags, where each is a token of its own."""
    opens, closes = (model.template.tokenize(tag)[0] for tag in model.template.think_tags)
    return ThinkTokens(opens[0], closes[0]) if len(opens) == len(closes) == 1 else None


@final
class ResponseMeans(StoppingCriteria):
    """Running fp32 sums of every block's output over response tokens.

    A token's activations exist only once it has been fed back, one step after it was drawn. So the caller generates one
    token more than it wants, and a row is read off when its end is drawn: by then exactly its response tokens have been
    fed, and neither the end-of-sequence token nor anything after it. A thinking segment is left out: the sums start
    anew once its closing token has been fed.

    Args:
        n_layers: decoder blocks.
        limits: each row's longest response, in tokens.
        prompts: each row's prompt, unpadded.
        prompt_tokens: length of the padded prompts.
        ends: end-of-sequence tokens.
        think: thinking tokens, where the model has them.
    """

    def __init__(
        self,
        n_layers: int,
        limits: Sequence[int],
        prompts: Sequence[Sequence[int]],
        prompt_tokens: int,
        ends: frozenset[int],
        think: ThinkTokens | None = None,
    ) -> None:
        self._prompt_tokens = prompt_tokens
        self._limits = torch.tensor(limits)
        self._ends = torch.tensor(sorted(ends), dtype=torch.int64)
        self._think = think
        self._thinking = torch.tensor([think is not None and think.left_open(prompt) for prompt in prompts])
        self._skipped = torch.zeros(len(limits), dtype=torch.int64)
        self._open = torch.ones(len(limits), dtype=torch.bool)
        self._sums: list[Tensor | None] = [None] * n_layers
        self._decoding = False
        self.means: dict[int, Float[Tensor, "n_layers d_model"]] = {}
        """By row, for rows with at least one answer token."""

    def read(self, layer: int, stream: Float[Tensor, "batch pos d_model"]) -> None:
        """Hook body: add the token just fed. The prompt's own pass is not read."""
        if not self._decoding:
            return
        held = self._sums[layer]
        if held is None:
            held = self._sums[layer] = torch.zeros_like(stream[:, 0], dtype=torch.float32)
        held.add_(stream[:, 0])

    def __call__(
        self, input_ids: Int64[Tensor, "batch pos"], scores: Tensor | None, **kwargs: object
    ) -> Bool[Tensor, " batch"]:
        """After each drawn token: read off the rows that end here. Never stops generation itself."""
        fed = input_ids.shape[1] - self._prompt_tokens - 1
        last = input_ids[:, -2:].cpu()
        if self._think is not None:
            self._follow_thinking(self._think, last, fed)
        closing = self._open & (torch.isin(last[:, -1], self._ends) | (self._limits == fed))
        answered = closing & ~self._thinking & (self._skipped < fed)
        if bool(answered.any()):
            self._read_off(answered.nonzero()[:, 0], fed)
        self._open &= ~closing
        self._decoding = True
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)

    def _follow_thinking(self, think: ThinkTokens, last: Int64[Tensor, "batch 2"], fed: int) -> None:
        if fed == 0:
            self._thinking |= last[:, -1] == think.opens
            return
        closed = self._thinking & (last[:, 0] == think.closes)
        if bool(closed.any()):
            for held in self._sums:
                if held is not None:
                    held[closed.to(held.device)] = 0
            self._skipped[closed] = fed
            self._thinking &= ~closed

    def _read_off(self, rows: Int64[Tensor, " rows"], fed: int) -> None:
        stacked = torch.stack([held[rows.to(held.device)].cpu() for held in self._sums if held is not None], dim=1)
        for row, total in zip(rows.tolist(), stacked, strict=True):
            self.means[row] = total / (fed - int(self._skipped[row]))
