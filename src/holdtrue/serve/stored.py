"""Asking the store from the event loop: off it, and its failures in the server's words."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import anyio.to_thread

from holdtrue.errors import SettingError, StorageError
from holdtrue.serve.failures import bad_request, unavailable

__all__ = ["stored"]

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
