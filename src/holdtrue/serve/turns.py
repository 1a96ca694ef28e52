"""What every turn on a server shares: the backend, the store, the holds on offer, the drift rule."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final
from weakref import WeakValueDictionary

from holdtrue.axis import Axis
from holdtrue.errors import HoldtrueError
from holdtrue.records import HoldSpec
from holdtrue.serve.audit_log import AuditLog
from holdtrue.serve.backend import Backend
from holdtrue.serve.failures import ApiError, bad_request, forbidden
from holdtrue.serve.feed import Feed
from holdtrue.serve.metrics import Metrics
from holdtrue.serve.store import Session, SessionStore
from holdtrue.serve.stored import stored
from holdtrue.serve.wire import ChatRequest, digest_before, named_hold
from holdtrue.watch import DriftRule

__all__ = ["Asker", "Turns"]


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
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def session_of(self, request: ChatRequest, asker: Asker) -> tuple[str, Session | None]:
        """The session a request belongs to, by name or by the conversation it sends again; a new id for a new one.

        Raises:
            ApiError: 503 when the store fails.
        """
        if request.session is not None:
            return request.session, await stored(self.store.find, request.session, asker.sees)
        digest = digest_before(request.messages)
        known = None if digest is None else await stored(self.store.find_by_history, digest, asker.owner)
        return known.id if known else f"ses_{secrets.token_urlsafe(16)}", known

    def hold_for(self, asked: str | HoldSpec | None, asker: Asker, session: Session | None) -> HoldSpec:
        """The hold that a request gets: its own where that is allowed, else its session's, else the server's.

        Raises:
            ApiError: 403 where clients may not choose, 400 where it can't be had.
        """
        if asked is None:
            return session.hold if session else self.default
        if not (self.client_holds or asker.operator):
            message = "this server's operator sets the hold; leave 'holdtrue.hold' out"
            raise forbidden(message, param="holdtrue.hold", code="hold_not_allowed")
        hold = named_hold(asked, self.holds)
        try:
            self.backend.check_hold(hold)
        except ApiError:
            raise
        except HoldtrueError as error:
            raise bad_request(str(error), param="holdtrue.hold", code="hold_not_possible") from None
        return hold

    def lock(self, session: str) -> asyncio.Lock:
        """Turns of one session are answered one after the other."""
        return self._locks.setdefault(session, asyncio.Lock())
