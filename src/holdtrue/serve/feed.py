"""What happens on the server, told to whoever listens: the dashboard's live events."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Final, final

__all__ = ["Feed"]

_BACKLOG: Final = 2000
"""Events a slow listener may be behind; past it, it is let go and comes back."""


@final
class Feed:
    """Hands every event to every listener; used from one event loop."""

    def __init__(self) -> None:
        self._listeners: dict[asyncio.Queue[tuple[str, Mapping[str, object]] | None], str | None] = {}
        self._closed = False

    @property
    def n_listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def tell(self, event: str, data: Mapping[str, object], owner: str) -> None:
        """Tell an event about a session.

        Args:
            event: `session`, `token`, `turn` or `deleted`.
            data: JSON-ready.
            owner: whose session it is.
        """
        for listener, allowed in list(self._listeners.items()):
            if allowed is not None and allowed != owner:
                continue
            try:
                listener.put_nowait((event, data))
            except asyncio.QueueFull:
                self._end(listener)

    async def listen(self, owner: str | None) -> AsyncIterator[tuple[str, Mapping[str, object]]]:
        """Events from now on, until the feed closes.

        Args:
            owner: whose sessions; None for all.
        """
        if self._closed:
            return
        listener: asyncio.Queue[tuple[str, Mapping[str, object]] | None] = asyncio.Queue(_BACKLOG)
        self._listeners[listener] = owner
        try:
            while (item := await listener.get()) is not None:
                yield item
        finally:
            self._listeners.pop(listener, None)

    def close(self) -> None:
        """End every listening; nobody new is listened to."""
        self._closed = True
        for listener in list(self._listeners):
            self._end(listener)

    def _end(self, listener: "asyncio.Queue[tuple[str, Mapping[str, object]] | None]") -> None:
        self._listeners.pop(listener, None)
        while listener.full():
            listener.get_nowait()
        listener.put_nowait(None)
