"""Sessions over HTTP: list, look, set the hold, export, delete; and the live feed."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from holdtrue.serve import wire
from holdtrue.serve.failures import ApiError, bad_request, not_found, overloaded, shown
from holdtrue.serve.intake import EventStream, Gate, body_of
from holdtrue.serve.openapi import RECENT, SET_HOLD
from holdtrue.serve.store import Session
from holdtrue.serve.stored import stored
from holdtrue.serve.turns import Asker, Turns

__all__ = ["session_routes"]

_KEEP_ALIVE_SECONDS: Final = 15.0
_MOST_LISTENING: Final = 64


def session_routes(turns: Turns, gate: Gate, max_body_bytes: int) -> APIRouter:
    """The routes under `/v1/sessions`, and `/v1/events`."""
    routes = APIRouter()
    store = turns.store

    async def found(request: Request, session_id: str) -> tuple[Asker, Session]:
        asker = gate.asker(request)
        _possible(session_id)
        session = await stored(store.find, session_id, asker.sees)
        if session is None:
            raise _no_session(session_id)
        return asker, session

    async def whole(request: Request, session_id: str, headers: Mapping[str, str]) -> Response:
        owner = gate.asker(request).sees
        _possible(session_id)

        def written() -> Response | None:
            # Written out here, off the event loop: a long session has every token of every turn.
            session = store.export(session_id, owner)
            return None if session is None else JSONResponse(session, headers=headers)

        response = await stored(written)
        if response is None:
            raise _no_session(session_id)
        return response

    @routes.get("/v1/sessions", **RECENT)
    async def recent(request: Request) -> Response:
        asker = gate.asker(request)
        sessions = await stored(store.recent, _limit(request.query_params.get("limit")), asker.sees)
        return JSONResponse({"object": "list", "data": [session.summary() for session in sessions]})

    @routes.get("/v1/sessions/{session_id}")
    async def look(request: Request, session_id: str) -> Response:
        return await whole(request, session_id, {})

    @routes.get("/v1/sessions/{session_id}/export")
    async def export(request: Request, session_id: str) -> Response:
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", session_id)
        return await whole(request, session_id, {"Content-Disposition": f'attachment; filename="{name}.json"'})

    @routes.patch("/v1/sessions/{session_id}", **SET_HOLD)
    async def set_hold(request: Request, session_id: str) -> Response:
        asker, session = await found(request, session_id)
        body = wire.json_object(await body_of(request, max_body_bytes))
        asked = wire.hold_field(body.get("hold"), "hold")
        if asked is None or set(body) != {"hold"}:
            message = 'send {"hold": NAME} with one of the holds that /v1/holdtrue lists, or a hold spec'
            raise bad_request(message, param="hold", code="invalid_value")
        changed = await stored(store.set_hold, session.id, turns.hold_for(asked, asker, session, "hold"), asker.sees)
        if changed is None:
            raise _no_session(session.id)
        turns.feed.tell("session", changed.summary(), changed.owner)
        return JSONResponse(changed.summary())

    @routes.delete("/v1/sessions/{session_id}")
    async def delete(request: Request, session_id: str) -> Response:
        asker, session = await found(request, session_id)
        await stored(store.delete, session.id, asker.sees)
        turns.feed.tell("deleted", {"id": session.id}, session.owner)
        return JSONResponse({"id": session.id, "deleted": True})

    @routes.get("/v1/events")
    async def events(request: Request) -> Response:
        owner = gate.asker(request).sees
        if turns.feed.n_listeners >= _MOST_LISTENING:
            raise overloaded(10.0, f"{_MOST_LISTENING} clients listen already; close one, or come back later")
        return EventStream(_live(turns, gate, request, owner))

    return routes


async def _live(turns: Turns, gate: Gate, request: Request, owner: str | None) -> AsyncIterator[bytes]:
    """Events until the feed closes, or the key that asked for them is revoked."""
    listening = turns.feed.listen(owner)
    waiting = asyncio.ensure_future(anext(listening))
    checked = time.monotonic()
    try:
        await asyncio.sleep(0)  # it listens from here on: what happens while the client connects is heard
        yield wire.KEEP_ALIVE
        while True:
            done, _ = await asyncio.wait((waiting,), timeout=_KEEP_ALIVE_SECONDS)
            if time.monotonic() - checked >= _KEEP_ALIVE_SECONDS:
                if not _still_welcome(gate, request):
                    return
                checked = time.monotonic()
            if not done:
                yield wire.KEEP_ALIVE
                continue
            try:
                name, data = waiting.result()
            except StopAsyncIteration:
                return
            waiting = asyncio.ensure_future(anext(listening))
            yield wire.event(data, name)
    finally:
        waiting.cancel()
        with suppress(asyncio.CancelledError, StopAsyncIteration):
            await waiting


def _still_welcome(gate: Gate, request: Request) -> bool:
    try:
        gate.asker(request)
    except ApiError:
        return False
    return True


def _possible(session_id: str) -> None:
    # PostgreSQL would take a NUL for a failure of its own.
    if not session_id.isprintable():
        raise _no_session(session_id)


def _no_session(session_id: str) -> ApiError:
    return not_found(f"no session {shown(session_id)} here; /v1/sessions lists them", param="session")


def _limit(text: str | None) -> int:
    if text is None:
        return 50
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= 1000):
        message = f"limit is '{text[:20]}'; give a number from 1 to 1000"
        raise bad_request(message, param="limit", code="invalid_value")
    return int(text)
