"""One event loop in a thread of its own, for callers that may or may not be running one."""

import asyncio
import threading
import weakref
from collections.abc import Coroutine
from typing import Any, TypeVar, final

__all__ = ["BackgroundLoop"]

T = TypeVar("T")


@final
class BackgroundLoop:
    """Runs coroutines for synchronous code, a notebook's cell among it, always on the same loop.

    A loop per call would not do: a provider's client keeps its connections, and they belong to the loop they were
    opened on. The thread is a daemon and ends with this object.
    """

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=_serve, args=(self._loop,), name=name, daemon=True).start()
        weakref.finalize(self, self._loop.call_soon_threadsafe, self._loop.stop)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Wait for a coroutine's result; an interrupt while waiting cancels it."""
        tasks: list[asyncio.Future[T]] = []
        over = threading.Event()

        async def watched() -> T:
            tasks.append(asyncio.ensure_future(coroutine))
            if over.is_set():
                tasks[0].cancel()
            return await tasks[0]

        try:
            return asyncio.run_coroutine_threadsafe(watched(), self._loop).result()
        except BaseException:
            # Not by its future: an interrupt may come before there is one here.
            over.set()
            for task in tasks:
                self._loop.call_soon_threadsafe(task.cancel)
            raise


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    # A function rather than a method: the thread must not keep the object alive.
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()
