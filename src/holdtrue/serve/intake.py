"""Reading a request without trusting it: its key, its size, its pace, and whether its client is still there."""

import asyncio
import ipaddress
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, final
from urllib.parse import urlsplit

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from holdtrue.errors import HoldtrueError
from holdtrue.serve.failures import ApiError, forbidden, shown, too_large, unauthorised, unavailable
from holdtrue.serve.keys import KeyRing
from holdtrue.serve.turns import Asker

__all__ = ["EventStream", "Gate", "body_of", "is_loopback", "until_left"]

_log = logging.getLogger(__name__)

_BODY_SECONDS: Final = 30.0
"""The longest a body may dribble in."""
_SEND_SECONDS: Final = 60.0
"""The longest a client may take no event, once its buffers are full."""


@final
class Gate:
    """Who may ask. Without keys everybody who reaches the server is its operator: it then listens on loopback alone."""

    def __init__(self, keys: KeyRing | None) -> None:
        self._keys = keys

    @property
    def needs_key(self) -> bool:
        """Whether requests must carry a key."""
        return self._keys is not None

    def asker(self, request: Request) -> Asker:
        """Who sends this.

        Raises:
            ApiError: 401; 403 for another site's page; 503 while the key file is damaged.
        """
        if self._keys is None:
            _own_page(request)
            return Asker()
        kind, _, presented = request.headers.get("authorization", "").partition(" ")
        try:
            key = self._keys.check(presented.strip()) if kind.lower() == "bearer" else None
        except HoldtrueError:
            _log.exception("the key file can't be read: nobody is let in until it is mended")
            message = "the server can't read its keys; its operator has to mend that"
            raise unavailable(message) from None
        if key is None:
            raise unauthorised()
        return Asker(key.id, key.operator)


def _own_page(request: Request) -> None:
    """Refuse what a browser sends for somebody else's page: without keys, reaching the server is all it takes.

    A page may name this machine by a host name of its own (DNS rebinding), or send a form across sites.

    Raises:
        ApiError: 403.
    """
    host, origin = request.headers.get("host", ""), request.headers.get("origin")
    if not is_loopback(_host_name(host)):
        message = f"the host {shown(host)} isn't this machine's own name; use 127.0.0.1 or localhost, or give --keys"
        raise forbidden(message, code="host_not_allowed")
    if origin is not None and origin.partition("://")[2] != host:
        message = f"a page of {shown(origin)} may not use this server; open the server's own page, or give --keys"
        raise forbidden(message, code="origin_not_allowed")


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def body_of(request: Request, limit_bytes: int) -> bytes:
    """The whole body.

    Raises:
        ApiError: 413 past the limit, 408 when it doesn't arrive.
    """
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated[:20]) > limit_bytes:
        raise too_large(limit_bytes)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > limit_bytes:
                    raise too_large(limit_bytes)
                parts.append(part)
    except TimeoutError:
        message = f"the body didn't arrive within {_BODY_SECONDS:g} s; send it again"
        raise ApiError(408, message, kind="invalid_request_error", code="timeout") from None
    return b"".join(parts)


async def until_left(receive: Receive, work: Awaitable[Any]) -> Any:
    """Await some work, but not for a client that has left.

    Raises:
        ClientDisconnect: it left; the work was cancelled.
    """
    task = asyncio.ensure_future(work)
    watcher = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait((task, watcher), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        for each in (task, watcher):
            each.cancel()
        await asyncio.gather(task, watcher, return_exceptions=True)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@final
class EventStream(Response):
    """Server-sent events; the events are closed as soon as the client has left, even between two of them.

    Args:
        events: encoded events.
        closing: called in the end, whatever happened.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[bytes], closing: Callable[[], Awaitable[None]] | None = None) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        # The length of a stream isn't known.
        self.raw_headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        self._events, self._closing = events, closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._watch, receive, group.cancel_scope)
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                async for event in self._events:
                    with anyio.fail_after(_SEND_SECONDS):
                        await send({"type": "http.response.body", "body": event, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                group.cancel_scope.cancel()
        except* OSError:
            pass  # the client left in the middle of an event, or stopped to read
        finally:
            with anyio.CancelScope(shield=True):
                close = getattr(self._events, "aclose", None)
                if close is not None:
                    await close()
                if self._closing is not None:
                    await self._closing()

    @staticmethod
    async def _watch(receive: Receive, scope: anyio.CancelScope) -> None:
        await _left(receive)
        scope.cancel()
