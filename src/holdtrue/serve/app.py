"""The application: routes, one error shape, and what is open to whom."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, final

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from holdtrue.records import HoldSpec
from holdtrue.serve import dashboard, wire
from holdtrue.serve.chat import answer
from holdtrue.serve.failures import ApiError, install, not_found, unavailable
from holdtrue.serve.intake import Gate, body_of
from holdtrue.serve.openapi import CHAT
from holdtrue.serve.sessions_api import session_routes
from holdtrue.serve.stored import stored
from holdtrue.serve.turns import Turns

__all__ = ["Limits", "build_app"]

_log = logging.getLogger(__name__)


@final
@dataclass(frozen=True)
class Limits:
    """What a request may be."""

    body_bytes: int = 4 * 2**20
    keep_days: float | None = None
    """Sessions unused for longer are deleted."""


@final
@dataclass(eq=False)
class Standing:
    """Whether new work is taken."""

    draining: bool = False


def build_app(
    turns: Turns,
    gate: Gate,
    *,
    names: tuple[str, ...],
    rates: Mapping[str, float] | None = None,
    limits: Limits | None = None,
) -> FastAPI:
    """Put the server together.

    Args:
        turns: its standing parts; closed when the application shuts down.
        gate: who may ask.
        names: what the model may be called, its own name first.
        rates: measured benign firing rates of the holds on offer, by name.
        limits: what a request may be.

    Returns:
        The application; `app.state.standing.draining` makes it refuse new turns.
    """
    bounds = limits or Limits()
    standing = Standing()
    created = int(time.time())

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        purging = asyncio.create_task(_purge(turns, bounds.keep_days)) if bounds.keep_days is not None else None
        yield
        if purging is not None:
            purging.cancel()
        standing.draining = True
        turns.feed.close()
        await turns.backend.close()
        if turns.audit is not None:
            turns.audit.close()
        turns.store.close()

    app = FastAPI(
        title="holdtrue",
        version=version("holdtrue"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=life,
    )
    app.state.standing = standing
    app.state.feed = turns.feed
    install(app)

    @app.post("/v1/chat/completions", **CHAT)
    async def chat(request: Request) -> Response:
        try:
            asker = gate.asker(request)
            if standing.draining:
                message = "the server is stopping; send it again to another"
                raise unavailable(message, retry_after=5.0)
            return await answer(request, await body_of(request, bounds.body_bytes), asker, turns, names)
        except ApiError as error:
            if error.status < 500:
                turns.metrics.refused.inc()
            raise

    @app.get("/v1/models")
    async def models(request: Request) -> Response:
        gate.asker(request)
        return JSONResponse(wire.models_list(names[:1], created))

    @app.get("/v1/models/{name:path}")
    async def model(request: Request, name: str) -> Response:
        gate.asker(request)
        if name not in names:
            message = f"the model '{name[:80]}' isn't served here; /v1/models lists what is"
            raise not_found(message, param="model", code="model_not_found")
        return JSONResponse(wire.model_object(name, created))

    @app.get("/v1/holdtrue")
    async def about(request: Request) -> Response:
        asker = gate.asker(request)
        return JSONResponse(_about(turns, gate, rates or {}, may_choose=turns.client_holds or asker.operator))

    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        gate.asker(request)
        return Response(turns.metrics.text(turns.backend.load), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/health")
    async def health() -> Response:
        return PlainTextResponse("ok\n")

    @app.get("/ready")
    async def ready() -> Response:
        up = turns.backend.ready and not standing.draining
        return PlainTextResponse("ready\n" if up else "not ready\n", 200 if up else 503)

    app.include_router(session_routes(turns, gate, bounds.body_bytes))
    app.router.routes += dashboard.routes()
    return app


async def _purge(turns: Turns, keep_days: float) -> None:
    """Retention: once at the start, then every hour; a failing store is tried again."""
    while True:
        try:
            await stored(turns.store.purge, keep_days * 86_400.0)
        except ApiError as error:
            _log.warning("sessions past their retention couldn't be deleted: %s", error)
        await asyncio.sleep(3600)


def _about(turns: Turns, gate: Gate, rates: Mapping[str, float], *, may_choose: bool) -> dict[str, object]:
    card, rule = turns.axis.card, turns.rule
    benign = turns.axis.calibration() if card.calibration else None
    return {
        "model": turns.backend.model,
        "reader": turns.backend.reader,
        "layer": turns.backend.layer,
        "hold_band": list(card.hold_band),
        "axis_digest": card.digest,
        "warnings": list(card.warnings),
        "calibration": None
        if benign is None
        else {
            "mean": benign.response.mean,
            "sd": benign.response.sd,
            "token": {"mean": benign.token.mean, "sd": benign.token.sd},
        },
        "detector": {
            "rule": rule.text,
            "alarm": rule.alarm,
            "false_alarms_per_1000": None if rule.rate is None else rule.rate.per_1000,
        },
        "holds": [_hold(spec, rates.get(name)) for name, spec in turns.holds.items()],
        "hold": turns.default.name,
        "client_holds": may_choose,
        "stores_text": turns.store.keep_text,
        "needs_key": gate.needs_key,
        "version": version("holdtrue"),
    }


def _hold(spec: HoldSpec, measured: float | None) -> dict[str, Any]:
    return {
        "name": spec.name,
        "digest": spec.digest,
        "fire": None if spec.cap is None else spec.cap.fire,
        "measured_fire": measured,
        "summary": spec.summary,
    }
