"""What every turn on a server shares: the backend, the store, the holds on offer, the drift rule."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, final

from holdtrue.axis import Axis
from holdtrue.errors import HoldtrueError
from holdtrue.records import HoldSpec
from holdtrue.serve.audit_log import AuditLog
from holdtrue.serve.backend import Backend
from holdtrue.serve.failures import ApiError, bad_request, forbidden, overloaded
from holdtrue.serve.feed import Feed
from holdtrue.serve.metrics import Metrics
from holdtrue.serve.shaping import Summaries
from holdtrue.serve.store import Session, SessionStore
from holdtrue.serve.stored import stored
from holdtrue.serve.wire import ChatRequest, digest_before, named_hold
from holdtrue.watch import DriftRule

__all__ = ["Asker", "Turns"]

_MOST_WAITING: Final = 16
"""Turns of one session that wait for it to be answered."""


@final
@dataclass(frozen=True)
class Asker:
    """Who sends a request."""

    owner: str = ""
    """Id of the API key; empty when the server has none."""
    operator: bool = True
    """Whether every session and the holds are theirs to see and to set."""

    @property
    def sees(self) -> str | None:
        """Whose sessions: one owner's, or None for all."""
        return None if self.operator else self.owner


@final
@dataclass(eq=False)
class Turns:
    """The server's standing parts, and what they decide for a turn."""

    backend: Backend
    store: SessionStore
    axis: Axis
    rule: DriftRule
    holds: Mapping[str, HoldSpec]
    """On offer by name."""
    default: HoldSpec
    client_holds: bool
    """Whether clients that aren't operators may choose."""
    feed: Feed
    metrics: Metrics
    weights_digest: str
    """For `system_fingerprint`."""
    timeout_seconds: float
    """The longest a turn may take, redraws and all."""
    audit: AuditLog | None = None

    def __post_init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self.summaries = Summaries()

    async def session_of(self, request: ChatRequest, asker: Asker) -> tuple[str, Session | None]:
        """The session a request belongs to, by name or by the conversation it sends again; a new id for a new one.

        Raises:
            ApiError: 400 when the id is somebody else's, 503 when the store fails.
        """
        if request.session is not None:
            session = await stored(self.store.find, request.session)
            if session is not None and asker.sees not in {None, session.owner}:
                message = f"session id '{request.session}' is taken; choose another, or leave it out"
                raise bad_request(message, param="holdtrue.session", code="session_refused")
            return request.session, session
        digest = await stored(digest_before, request.messages)
        known = None if digest is None else await stored(self.store.find_by_history, digest, asker.owner)
        return known.id if known else f"ses_{secrets.token_urlsafe(16)}", known

    def hold_for(
        self, asked: str | HoldSpec | None, asker: Asker, session: Session | None, param: str = "holdtrue.hold"
    ) -> HoldSpec:
        """The hold that a request gets: its own where that is allowed, else its session's, else the server's.

        Args:
            asked: the request's own.
            asker: who asks.
            session: which conversation.
            param: where it stands in the request, for errors.

        Raises:
            ApiError: 403 where clients may not choose, 400 where it can't be had.
        """
        if asked is None:
            if session is None:
                return self.default
            # It may have been set under another axis.
            return self._possible(session.hold, None)
        if not (self.client_holds or asker.operator):
            message = f"this server's operator sets the hold; leave '{param}' out"
            raise forbidden(message, param=param, code="hold_not_allowed")
        hold = named_hold(asked, self.holds, param)
        offered = self.holds.get(hold.name)
        if offered is not None and offered.digest != hold.digest:
            # Nobody's own hold goes by a name that means something else here.
            hold = hold.model_copy(update={"name": "custom"})
        return self._possible(hold, param)

    def _possible(self, hold: HoldSpec, param: str | None) -> HoldSpec:
        try:
            self.backend.check_hold(hold)
        except ApiError:
            raise
        except HoldtrueError as error:
            raise bad_request(str(error), param=param, code="hold_not_possible") from None
        return hold

    @asynccontextmanager
    async def alone(self, session: str) -> AsyncIterator[None]:
        """Turns of one session are answered one after the other.

        Raises:
            ApiError: 429 when too many of them wait already.
        """
        line = self._lines.setdefault(session, _Line())
        if line.n_turns > _MOST_WAITING:
            raise overloaded(1.0, f"{_MOST_WAITING} requests wait for this session already; wait for its answers")
        line.n_turns += 1
        try:
            async with line.lock:
                yield
        finally:
            line.n_turns -= 1
            if not line.n_turns:
                del self._lines[session]


@final
@dataclass(eq=False)
class _Line:
    """Turns of one session that are answered or wait for it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    n_turns: int = 0
