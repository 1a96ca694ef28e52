"""A key-value cache of slots: every row has its own length, and rows come and go between steps."""

from typing import Any, final

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

__all__ = ["SlotCache"]

GROW = 256


@final
class _Place:
    """Which slots the next pass writes and reads: pieces of prompts, or a token in each of the first slots."""

    def __init__(self) -> None:
        self.pieces: list[tuple[int, int, int]] = []
        """Slot, first position and length of each row's piece, which stands in the pass's last columns; empty while
        decoding."""
        self.slots: Int64[Tensor, " rows"] = torch.zeros(0, dtype=torch.int64)
        self.positions: Int64[Tensor, " rows"] = torch.zeros(0, dtype=torch.int64)
        self.longest = 0

    @property
    def n_slots(self) -> int:
        """Slots that must be there for the pass."""
        return max(slot for slot, _, _ in self.pieces) + 1 if self.pieces else len(self.slots)


@final
class _SlotLayer(CacheLayerMixin):  # type: ignore[no-untyped-call]
    """One block's keys and values, [slots, heads, tokens, head_dim]; grows both ways, and is freed when nothing runs.

    A free slot is all zeros, and a taken one is past its row's length: a masked NaN would still poison the softmax.
    """

    is_sliding = False

    def __init__(self, place: _Place, n_slots: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._place, self._n_slots = place, n_slots

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing: room is made when it is needed."""

    def update(
        self, key_states: Float[Tensor, "rows heads new dim"], value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Write the new tokens where the place says and return what the pass may look at."""
        self.keys = self._written(self.keys, key_states)
        self.values = self._written(self.values, value_states)
        return self._seen(self.keys, len(key_states)), self._seen(self.values, len(key_states))

    def _written(self, held: Tensor | None, new: Tensor) -> Tensor:
        place = self._place
        held = self._with_room(held, new)
        if not place.pieces:
            held[place.slots, :, place.positions] = new[:, :, 0]
        for row, (slot, start, length) in enumerate(place.pieces):
            held[slot, :, start : start + length] = new[row, :, new.shape[2] - length :]
        return held

    def _seen(self, held: Tensor, rows: int) -> Tensor:
        place = self._place
        if len(place.pieces) > 1:
            return held[[slot for slot, _, _ in place.pieces], :, : place.longest]
        first = place.pieces[0][0] if place.pieces else 0
        return held[first : first + rows, :, : place.longest]

    def _with_room(self, held: Tensor | None, like: Tensor) -> Tensor:
        slots, room = (1, GROW) if held is None else (held.shape[0], held.shape[2])
        while slots < self._place.n_slots:
            slots *= 2
        while room < self._place.longest:
            room *= 2
        slots = min(slots, self._n_slots)
        if held is not None and held.shape[0] == slots and held.shape[2] == room:
            return held
        new = like.new_zeros(slots, like.shape[1], room, like.shape[3])
        if held is not None:
            new[: held.shape[0], :, : held.shape[2]] = held
        return new

    def move(self, source: int, target: int, length: int) -> None:
        """Bring one slot's content to a free one."""
        for held in (self.keys, self.values):
            if held is not None:
                held[target, :, :length] = held[source, :, :length]
        self.wipe(source)

    def wipe(self, slot: int) -> None:
        """Make a slot zeros."""
        for held in (self.keys, self.values):
            if held is not None and slot < len(held):
                held[slot] = 0

    def swap(self, one: int, other: int, length: int) -> None:
        """Exchange two slots' content."""
        for held in (self.keys, self.values):
            if held is not None:
                held[[one, other], :, :length] = held[[other, one], :, :length]

    def clear(self) -> None:
        """Free the memory."""
        self.keys = self.values = None

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """What a mask would have to cover; the batcher makes its masks itself."""
        return self._place.longest, 0

    def get_seq_length(self) -> int:
        """Tokens before this pass."""
        pieces = self._place.pieces
        return max(start for _, start, _ in pieces) if pieces else max(0, self._place.longest - 1)

    def get_max_length(self) -> int:
        """No limit of its own."""
        return -1


@final
class SlotCache(Cache):
    """Keys and values of many rows at once.

    Args:
        n_layers: decoder blocks.
        n_slots: rows at the most.
        device: of the positions; each block's tensors lie where the block is.
    """

    def __init__(self, n_layers: int, n_slots: int, device: torch.device) -> None:
        self._place = _Place()
        self._device = device
        self._blocks = [_SlotLayer(self._place, n_slots) for _ in range(n_layers)]
        blocks: list[Any] = list(self._blocks)
        super().__init__(layers=blocks)

    def at_pieces(self, pieces: list[tuple[int, int, int]]) -> None:
        """The next pass writes pieces of prompts, aligned on the right: slot, first position and length of each."""
        self._place.pieces = pieces
        self._place.longest = max(start + length for _, start, length in pieces)

    def at_rows(self, lengths: list[int]) -> None:
        """The next pass writes one token into each of the first slots, whose lengths so far are given."""
        self._place.pieces = []
        self._place.slots = torch.arange(len(lengths), device=self._device)
        self._place.positions = torch.tensor(lengths, device=self._device)
        self._place.longest = max(lengths) + 1

    def move(self, source: int, target: int, length: int) -> None:
        """Bring one slot's tokens to a free slot."""
        for block in self._blocks:
            block.move(source, target, length)

    def wipe(self, slot: int) -> None:
        """Free a slot; nothing of it stays."""
        for block in self._blocks:
            block.wipe(slot)

    def swap(self, one: int, other: int, length: int) -> None:
        """Exchange the tokens of two slots, as many as the longer one holds."""
        for block in self._blocks:
            block.swap(one, other, length)

    def clear(self) -> None:
        """Free the memory; nothing may be running."""
        for block in self._blocks:
            block.clear()
