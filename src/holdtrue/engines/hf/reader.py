"""Read a growing text without reading any of it twice: a cached forward pass that ends at the read layer."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from holdtrue.engines.hf.grouped_attention import grouped_attention
from holdtrue.engines.hf.partial_pass import BufferedLayer, StopAfter
from holdtrue.errors import SettingError
from holdtrue.models import ChatModel

__all__ = ["Abandoned", "IncrementalReader", "ReaderPool", "Readout"]

CHUNK_TOKENS = 512
"""Fed at once: bounds the attention mask, and how long a reading goes on after it was abandoned."""


class Abandoned(Exception):  # noqa: N818 - no failure: nobody waits for the reading any more
    """A reading was given up between two chunks; what it had read so far is kept."""


@final
@dataclass(frozen=True)
class Readout:
    """What a reader knows of a token sequence.

    Args:
        values: every token's projection, fp32; NaN for a token that was left out before it was ever read.
        n_new: tokens at the end that were not known before.
        n_fed: tokens that the model was run on.
        n_cut: tokens left out after the beginning, because the whole is longer than the model's context.
    """

    values: Float[Tensor, " tokens"]
    n_new: int
    n_fed: int
    n_cut: int


@final
class IncrementalReader:
    """Projections `<h, v>` of one conversation at one layer, kept up to date as it grows.

    Args:
        chat: the model.
        layer: the block whose output is read; blocks above it never run.
        unit: the direction, of length 1.
        max_tokens: the longest sequence to run; the model's own limit if None.

    Raises:
        SettingError: the model has no such block.
    """

    def __init__(
        self, chat: ChatModel, layer: int, unit: Float[Tensor, " d_model"], max_tokens: int | None = None
    ) -> None:
        if not 0 <= layer < chat.n_layers:
            message = f"layer {layer} is not among blocks 0-{chat.n_layers - 1} of {chat.name}"
            raise SettingError(message)
        self._chat, self._layer, self._unit = chat, layer, unit.float()
        limits = [limit for limit in (chat.max_positions, max_tokens) if limit is not None]
        self._limit = min(limits) if limits else None
        self._ids: list[int] = []
        self._values = torch.empty(0)
        self._cached: list[int] = []
        self._cache = self._new_cache()

    def __len__(self) -> int:
        """Tokens that the cache holds."""
        return len(self._cached)

    @torch.inference_mode()
    def read(self, token_ids: Sequence[int], go_on: Callable[[], bool] = lambda: True) -> Readout:
        """Read a sequence, of which all but the end is usually known.

        A sequence beyond the limit is read without a stretch of its middle: its first quarter and what came last. The
        stretch grows by a quarter of the limit at a time, and the rest is read anew then. Tokens that were read before
        keep the projections that they had with more before them.

        Args:
            token_ids: the whole sequence.
            go_on: asked before each chunk.

        Raises:
            Abandoned: `go_on` said no.
        """
        ids = list(token_ids)
        known = _common(self._ids, ids)
        values = torch.cat([self._values[:known], torch.full((len(ids) - known,), torch.nan)])
        self._ids, self._values = ids, values
        head, cut = self._left_out(len(ids))
        places = [*range(head), *range(head + cut, len(ids))]
        shown = [ids[place] for place in places] if cut else ids
        kept = _common(self._cached, shown)
        # What the cache holds may be unread here, after a reading that was cut elsewhere.
        unread = torch.isnan(values[places[:kept]] if cut else values[:kept]).nonzero()
        self._crop(min(kept, int(unread[0])) if len(unread) else kept)
        n_fed = len(shown) - len(self._cached)
        while len(self._cached) < len(shown):
            if not go_on():
                self._forget_unread()
                raise Abandoned
            start = len(self._cached)
            chunk = shown[start : start + CHUNK_TOKENS]
            found = self._feed(chunk)
            at = torch.tensor(places[start : start + len(chunk)])
            values[at] = torch.where(torch.isnan(values[at]), found, values[at])
        return Readout(values, n_new=len(ids) - known, n_fed=n_fed, n_cut=cut)

    def _left_out(self, n_tokens: int) -> tuple[int, int]:
        """Where the stretch that is left out begins, and how long it is."""
        if self._limit is None or n_tokens <= self._limit:
            return n_tokens, 0
        step = max(1, self._limit // 4)
        cut = -(-(n_tokens - self._limit) // step) * step
        return self._limit // 4, cut

    def _feed(self, ids: list[int]) -> Float[Tensor, " tokens"]:
        stop = StopAfter(self._chat.layers[self._layer])
        with grouped_attention(self._chat.model), stop:
            self._chat.model.base_model(
                input_ids=torch.tensor([ids], device=self._chat.device), past_key_values=self._cache, use_cache=True
            )
        self._cached += ids
        stream = stop.stream
        return (stream[0].float() @ self._unit.to(stream.device)).cpu()

    def _crop(self, length: int) -> None:
        surplus = len(self._cached) - length
        if surplus <= 0:
            return
        # Blocks above the read layer hold nothing to crop; a recurrent block can't go back.
        layers = self._cache.layers[: self._layer + 1]
        croppable = [layer for layer in layers if isinstance(layer, BufferedLayer)]
        if length > 0 and len(croppable) == len(layers):
            for layer in croppable:
                layer.crop(-surplus)
            del self._cached[length:]
        else:
            self._cached, self._cache = [], self._new_cache()

    def _forget_unread(self) -> None:
        unread = torch.isnan(self._values).nonzero()
        known = int(unread[0]) if len(unread) else len(self._ids)
        self._ids, self._values = self._ids[:known], self._values[:known]

    def _new_cache(self) -> DynamicCache:
        cache = DynamicCache(config=self._chat.model.config)
        # A sliding block's own cache forgets what a crop would need; its mask does the sliding just as well.
        plain = (DynamicLayer, DynamicSlidingWindowLayer)
        cache.layers = [BufferedLayer() if type(layer) in plain else layer for layer in cache.layers]
        return cache


@final
class ReaderPool:
    """Readers by session, the least recently used let go first; safe to share between threads.

    Args:
        chat: the model.
        layer: the block whose output is read.
        units: one direction per block, of length 1.
        max_sessions: readers kept.
        max_tokens: tokens kept in all of them together; the one just used stays, whatever its length.
        max_session_tokens: the longest sequence to run; the model's own limit if None.
    """

    def __init__(
        self,
        chat: ChatModel,
        layer: int,
        units: Float[Tensor, "n_layers d_model"],
        *,
        max_sessions: int = 64,
        max_tokens: int = 65_536,
        max_session_tokens: int | None = None,
    ) -> None:
        self._chat, self._layer, self._unit = chat, layer, units[layer]
        self._max_sessions, self._max_tokens, self._longest = max_sessions, max_tokens, max_session_tokens
        self._readers: OrderedDict[str, IncrementalReader] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Sessions kept."""
        return len(self._readers)

    def read(self, session: str, token_ids: Sequence[int], go_on: Callable[[], bool] = lambda: True) -> Readout:
        """Read a session's sequence (see `IncrementalReader.read`)."""
        with self._lock:
            reader = self._readers.get(session)
            if reader is None:
                reader = IncrementalReader(self._chat, self._layer, self._unit, self._longest)
                self._readers[session] = reader
            self._readers.move_to_end(session)
            try:
                return reader.read(token_ids, go_on)
            except Abandoned:
                raise
            except BaseException:
                # A pass that broke off half way leaves blocks of unequal length.
                del self._readers[session]
                raise
            finally:
                self._make_room()

    def forget(self, session: str) -> None:
        """Let a session's reader go."""
        with self._lock:
            self._readers.pop(session, None)

    def _make_room(self) -> None:
        while len(self._readers) > 1 and (
            len(self._readers) > self._max_sessions or sum(map(len, self._readers.values())) > self._max_tokens
        ):
            self._readers.popitem(last=False)


def _common(one: list[int], other: list[int]) -> int:
    """Length of the common prefix."""
    if other[: len(one)] == one:
        return len(one)
    return next(i for i, (a, b) in enumerate(zip([*one, -1], [*other, -2], strict=False)) if a != b)
