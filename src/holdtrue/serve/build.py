"""From options to an application: a model in this process, or somebody's API with a reader beside it."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import final

from fastapi import FastAPI

from holdtrue.axis import Axis
from holdtrue.config import settings
from holdtrue.errors import HoldtrueError
from holdtrue.hold import PRESETS, hold_spec
from holdtrue.models import ChatModel
from holdtrue.records import HoldSpec
from holdtrue.serve.app import Limits, build_app
from holdtrue.serve.audit_log import AuditLog
from holdtrue.serve.backend import Backend
from holdtrue.serve.feed import Feed
from holdtrue.serve.intake import Gate
from holdtrue.serve.keys import KeyRing
from holdtrue.serve.local import LocalBackend
from holdtrue.serve.metrics import Metrics
from holdtrue.serve.store import open_store
from holdtrue.serve.turns import Turns
from holdtrue.serve.upstream import UpstreamBackend, UpstreamClient, connect
from holdtrue.watch import AuditSampler, audit_key, drift_rule
from holdtrue.watch.live import LiveReader

__all__ = ["ServeOptions", "app_over", "audit_log_at", "check_options", "local_app", "upstream_app"]


@final
@dataclass(frozen=True)
class ServeOptions:
    """What an operator decides, whatever answers."""

    hold: str = "gentle"
    """A preset's name or a file."""
    db: str = "holdtrue-sessions.db"
    """A path for SQLite, or a PostgreSQL URL."""
    keys: Path | None = None
    client_holds: bool = False
    """Whether clients that aren't operators may choose the hold."""
    store_text: bool = True
    max_batch: int = 16
    max_queue: int = 64
    max_context: int | None = 4096
    """Prompt and answer tokens of one turn."""
    max_answer: int = 1024
    """Answer tokens where a request sets no limit."""
    timeout_seconds: float = 600.0
    max_body_bytes: int = 4 * 2**20
    keep_days: float | None = None
    """Sessions unused for longer are deleted; None keeps them."""
    audit: AuditLog | None = None


def check_options(options: ServeOptions) -> None:
    """Find mistakes before a model is loaded.

    Raises:
        HoldtrueError: no such hold, unusable keys, or a store that can't be opened.
    """
    hold_spec(options.hold)
    if options.keys is not None:
        KeyRing.load(options.keys)
    open_store(options.db, keep_text=options.store_text).close()


def audit_log_at(key: Path, rate: float, log: Path) -> tuple[AuditLog, str]:
    """Secret sampling of turns, and the commitment to its key and rate.

    Args:
        key: the key's file, made if it isn't there; the commitment's salt lies beside it.
        rate: share of turns.
        log: where drawn turns go.

    Raises:
        ArtifactError: the file isn't a key, or others may read it.
        StorageError: it can't be written.
    """
    sampler = AuditSampler(audit_key(key), rate)
    salt = audit_key(key.with_name(key.name + ".salt"))
    return AuditLog(sampler, log), sampler.commitment(salt)


def local_app(
    model: ChatModel, axis: Axis, options: ServeOptions, *, rates: Mapping[str, float] | None = None
) -> FastAPI:
    """A server over the axis's own model.

    Args:
        model: what answers.
        axis: fitted on it.
        options: the operator's.
        rates: measured benign firing rates of the holds, by name.

    Raises:
        HoldtrueError: the axis doesn't fit the model, the hold can't be had, or the store can't be opened.
    """
    backend = LocalBackend(
        model,
        axis,
        max_rows=options.max_batch,
        max_queue=options.max_queue,
        max_context=options.max_context,
        max_answer=options.max_answer,
    )
    names = (model.name, model.spec)
    try:
        return app_over(backend, axis, options, weights_digest=model.weights_digest, names=names, rates=rates)
    except BaseException:
        backend.stop()
        raise


def upstream_app(url: str, upstream_model: str | None, reader: ChatModel, axis: Axis, options: ServeOptions) -> FastAPI:
    """A server in front of an API, with a reader beside it.

    Args:
        url: where the API is; its key comes from `HOLDTRUE_UPSTREAM_KEY`.
        upstream_model: which of its models; the only one if None.
        reader: reads what it writes.
        axis: the reader's.
        options: the operator's.

    Raises:
        HoldtrueError: as for `local_app`; or the API doesn't say which models it has.
    """
    live = LiveReader(reader, axis, max_session_tokens=options.max_context)
    key = settings().upstream_key
    seconds = options.timeout_seconds
    name = upstream_model
    if name is None:
        # Connections belong to the event loop they were opened in, and the caller may have one running: this one asks
        # for the name, in a thread of its own, and is gone.
        with ThreadPoolExecutor(max_workers=1) as thread:
            name = thread.submit(lambda: asyncio.run(_only_model(url, live, key, seconds))).result()
    backend = UpstreamBackend(UpstreamClient(url, key, timeout_seconds=seconds), live, name)
    return app_over(backend, axis, options, weights_digest=f"upstream:{backend.model}", names=(backend.model,))


def app_over(
    backend: Backend,
    axis: Axis,
    options: ServeOptions,
    *,
    weights_digest: str,
    names: tuple[str, ...],
    rates: Mapping[str, float] | None = None,
) -> FastAPI:
    """A server over any backend.

    Args:
        backend: what answers.
        axis: reads it.
        options: the operator's.
        weights_digest: of what answers, or what stands for it.
        names: what the model may be called.
        rates: measured benign firing rates of the holds, by name.

    Raises:
        HoldtrueError: see `local_app`.
    """
    default = hold_spec(options.hold)
    backend.check_hold(default)
    holds = {name: spec for name, spec in PRESETS.items() if _possible(backend, spec)}
    holds[default.name] = default
    gate = Gate(KeyRing.load(options.keys) if options.keys is not None else None)
    turns = Turns(
        backend=backend,
        store=open_store(options.db, keep_text=options.store_text),
        axis=axis,
        rule=drift_rule(axis.card),
        holds=holds,
        default=default,
        client_holds=options.client_holds,
        feed=Feed(),
        metrics=Metrics(backend.model, backend.layer),
        weights_digest=weights_digest,
        timeout_seconds=options.timeout_seconds,
        audit=options.audit,
    )
    known = tuple(dict.fromkeys((backend.model, *names)))
    return build_app(turns, gate, names=known, rates=rates, limits=Limits(options.max_body_bytes, options.keep_days))


async def _only_model(url: str, live: LiveReader, key: str, timeout_seconds: float) -> str:
    backend = await connect(url, live, key=key, timeout_seconds=timeout_seconds)
    await backend.close()
    return backend.model


def _possible(backend: Backend, spec: HoldSpec) -> bool:
    try:
        backend.check_hold(spec)
    except HoldtrueError:
        return False
    return True
