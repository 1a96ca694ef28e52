"""A forward pass that ends at a block, and a cache that a longer one can be cut back to."""

import threading
from types import TracebackType
from typing import Any, final

import torch
from torch import Tensor, nn
from transformers.cache_utils import DynamicLayer

from holdtrue.models import block_output

__all__ = ["BufferedLayer", "StopAfter"]

MIN_ROOM_TOKENS = 256
"""Room that a cached block begins with; it doubles from there."""


class _Stop(Exception):  # noqa: N818 - no failure: the pass has got as far as it needs to
    pass


@final
class StopAfter:
    """Ends a forward pass once a block has run, and keeps its output; gone after the `with`, whatever happens in it."""

    def __init__(self, block: nn.Module) -> None:
        self._block = block
        self._thread = threading.get_ident()
        self.stream: Tensor = torch.empty(0)

    def __enter__(self) -> None:
        self._handle = self._block.register_forward_hook(self._hook)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._handle.remove()
        return kind is _Stop

    def _hook(self, _module: nn.Module, _args: object, output: Tensor | tuple[Any, ...]) -> None:
        if threading.get_ident() != self._thread:  # Another thread runs the same model for its own ends.
            return
        self.stream = block_output(output)
        raise _Stop


@final
class BufferedLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """A block's keys and values in a buffer with room to spare: a token more copies a token, not the conversation."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._room: tuple[Tensor, Tensor] | None = None

    def update(
        self, key_states: Tensor, value_states: Tensor, *_args: object, **_more: object
    ) -> tuple[Tensor, Tensor]:
        """Add what a pass computed, and give all there is."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        if self._room is None or self._room[0].shape[-2] < end:
            self._room = (
                self._grown(self.keys, key_states, start, end),
                self._grown(self.values, value_states, start, end),
            )
        keys, values = self._room
        keys[..., start:end, :] = key_states
        values[..., start:end, :] = value_states
        self.keys, self.values = keys[..., :end, :], values[..., :end, :]
        return self.keys, self.values

    @staticmethod
    def _grown(held: Tensor | None, new: Tensor, start: int, end: int) -> Tensor:
        room = new.new_empty((*new.shape[:-2], max(MIN_ROOM_TOKENS, 2 * end), new.shape[-1]))
        if held is not None and start:
            room[..., :start, :] = held
        return room
