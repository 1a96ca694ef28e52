"""Asking the store from the event loop: off it, and its failures in the server's words."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from holdtrue.errors import SettingError, StorageError
from holdtrue.serve.failures import bad_request, unavailable

__all__ = ["stored", "to_its_end"]

_log = logging.getLogger(__name__)

T = TypeVar("T")


async def stored(call: Callable[..., T], *args: Any, **named: Any) -> T:
    """Call the store in a worker thread.

    Raises:
        ApiError: 503 when the store fails, 400 when it refuses an argument.
    """
    try:
        return await anyio.to_thread.run_sync(partial(call, *args, **named))
    except StorageError as error:
        message = f"the session store failed: {error}"
        raise unavailable(message) from None
    except SettingError as error:
        raise bad_request(str(error), param="holdtrue.session", code="session_refused") from None


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Await work that isn't left half done: whoever is cancelled meanwhile still waits for it.

    Raises:
        asyncio.CancelledError: after it has ended.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        # A cancel scope cancels again and again; the shield keeps it from ending this wait.
        with anyio.CancelScope(shield=True):
            await asyncio.wait((task,))
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("an answer whose client had left couldn't be kept: %s", error)
        raise
