"""Conversations that may go on: what finished rows left in the cache, for the prompts that begin with it."""

from dataclasses import dataclass
from typing import Final, final

import torch

from holdtrue.engines.base import GenerateRequest
from holdtrue.hold import Floors

__all__ = ["Prefix", "Prefixes"]

WORTH: Final = 16
"""Tokens; a shorter beginning is read again as fast."""


@final
@dataclass(frozen=True)
class Prefix:
    """Tokens in a slot, and how they were held: keys and values depend on both."""

    tokens: tuple[int, ...]
    held: tuple[bool, ...]
    floors: Floors | None

    @classmethod
    def of(cls, request: GenerateRequest, drawn: list[int], length: int) -> "Prefix":
        """What the first `length` positions of a request's slot hold."""
        prompt = set(request.held_prompt)
        n_prompt = len(request.prompt_token_ids)
        tokens = (*request.prompt_token_ids, *drawn)[:length]
        held = tuple(at in prompt or at >= n_prompt for at in range(len(tokens)))
        return cls(tokens, held, request.floors)

    def shared(self, request: GenerateRequest, held: frozenset[int]) -> int:
        """How many of a request's prompt tokens are here already, its last one never among them.

        Args:
            request: what is to go on from here.
            held: its `held_prompt`, made a set once for all slots.
        """
        if not _same(self.floors, request.floors):
            return 0
        prompt = request.prompt_token_ids
        most = min(len(self.tokens), len(prompt) - 1)
        free = self.floors is None
        for at in range(most):
            if self.tokens[at] != prompt[at] or not (free or self.held[at] == (at in held)):
                return at
        return most


@final
class Prefixes:
    """Which free slots hold what; the one that was left longest ago gives way first."""

    def __init__(self) -> None:
        self._in: dict[int, Prefix] = {}

    def __contains__(self, slot: int) -> bool:
        return slot in self._in

    def keep(self, slot: int, prefix: Prefix) -> None:
        """A row has finished here."""
        self._in.pop(slot, None)
        self._in[slot] = prefix

    def move(self, source: int, target: int) -> None:
        """What lay in one slot lies in another."""
        self._in[target] = self._in.pop(source)

    def length(self, slot: int) -> int:
        """Positions in a slot."""
        return len(self._in[slot].tokens)

    def take(self, request: GenerateRequest, free: set[int]) -> tuple[int, int]:
        """A free slot for a request, and how much of its prompt lies there already; nothing else there counts."""
        held = frozenset(request.held_prompt)
        shared = {slot: self._in[slot].shared(request, held) for slot in free & set(self._in)}
        best = max(shared, key=lambda slot: shared[slot], default=None)
        empty = sorted(free - set(self._in))
        if best is not None and shared[best] >= WORTH:
            slot, n_shared = best, shared[best]
        else:
            slot, n_shared = empty[0] if empty else next(iter(self._in)), 0
        self._in.pop(slot, None)
        return slot, n_shared

    def clear(self) -> None:
        """Forget everything."""
        self._in.clear()


def _same(one: Floors | None, other: Floors | None) -> bool:
    if one is None or other is None:
        return one is other
    return one is other or (
        one.strength == other.strength and torch.equal(one.tau, other.tau) and torch.equal(one.units, other.units)
    )
