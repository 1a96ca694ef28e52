"""Residual-stream means taken while the model generates: no second pass, no activations kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate, islice
from types import TracebackType
from typing import Any, final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import StoppingCriteria

from holdtrue.models import ChatModel, block_output

__all__ = ["LayerHooks", "Part", "ResponseMeans", "ThinkTokens", "think_tokens"]

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
class Part(Enum):
    """How far into a response its latest token is."""

    START = "start"
    """Nothing yet but white space."""
    THINKING = "thinking"
    """In the thinking segment, its tags included."""
    CLOSED = "closed"
    """The segment's closing tag, and the white space after it."""
    ANSWER = "answer"

    @property
    def aside(self) -> bool:
        """Whether the token is no part of the answer."""
        return self in {Part.THINKING, Part.CLOSED}


def _never(_token: int) -> bool:
    return False


@final
@dataclass(frozen=True)
class ThinkTokens:
    """The tokens that open and close a thinking segment; only what leads a response is one."""

    opens: int
    closes: int
    blank: Callable[[int], bool] = _never
    """Whether a token is white space alone."""

    def left_open(self, prompt: Sequence[int]) -> bool:
        """Whether a prompt ends by opening a thinking segment, as some generation prompts do."""
        return next((token for token in reversed(prompt) if not self.blank(token)), None) == self.opens

    def begin(self, prompt: Sequence[int]) -> Part:
        """Where a response to a prompt begins."""
        return Part.THINKING if self.left_open(prompt) else Part.START

    def follow(self, part: Part, token: int) -> Part:
        """Where a response's next token is.

        Args:
            part: where the token before it is, or what `begin` returned.
            token: the next one.
        """
        if part is Part.START and token == self.opens:
            return Part.THINKING
        if part is Part.THINKING:
            return Part.CLOSED if token == self.closes else part
        return part if part is Part.ANSWER or self.blank(token) else Part.ANSWER

    def aside(self, prompt: Sequence[int], response: Sequence[int]) -> list[bool]:
        """Which tokens of a response are no part of the answer."""
        parts = accumulate(response, self.follow, initial=self.begin(prompt))
        return [part.aside for part in islice(parts, 1, None)]


def think_tokens(model: ChatModel) -> ThinkTokens | None:
    """The model's thinking tags, where each is a token of its own."""
    tokenizer = model.tokenizer
    opens, closes = (tokenizer(tag, add_special_tokens=False).input_ids for tag in model.template.think_tags)

    def blank(token: int) -> bool:
        return not str(tokenizer.decode([token])).strip()

    return ThinkTokens(opens[0], closes[0], blank) if len(opens) == len(closes) == 1 else None


@final
class ResponseMeans(StoppingCriteria):
    """Running fp32 sums of every block's output over response tokens.

    A token's activations exist only once it has been fed back, one step after it was drawn. So the caller generates one
    token more than it wants, and a row is read off when its end is drawn: by then exactly its response tokens have been
    fed, and neither the end-of-sequence token nor anything after it. A thinking segment is left out: the sums start
    anew once its closing token, and the white space after it, has been fed.

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
        self._parts = [Part.START if think is None else think.begin(prompt) for prompt in prompts]
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
        if self._think is not None and fed:
            self._follow_thinking(self._think, last[:, 0].tolist(), fed)
        closing = self._open & (torch.isin(last[:, -1], self._ends) | (self._limits == fed))
        thinking = torch.tensor([part is Part.THINKING for part in self._parts])
        answered = closing & ~thinking & (self._skipped < fed)
        if bool(answered.any()):
            self._read_off(answered.nonzero()[:, 0], fed)
        self._open &= ~closing
        self._decoding = True
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)

    def _follow_thinking(self, think: ThinkTokens, tokens: list[int], fed: int) -> None:
        self._parts = [think.follow(part, token) for part, token in zip(self._parts, tokens, strict=True)]
        aside = torch.tensor([part is Part.CLOSED for part in self._parts])
        if bool(aside.any()):
            for held in self._sums:
                if held is not None:
                    held[aside.to(held.device)] = 0
            self._skipped[aside] = fed

    def _read_off(self, rows: Int64[Tensor, " rows"], fed: int) -> None:
        stacked = torch.stack([held[rows.to(held.device)].cpu() for held in self._sums if held is not None], dim=1)
        for row, total in zip(rows.tolist(), stacked, strict=True):
            self.means[row] = total / (fed - int(self._skipped[row]))
