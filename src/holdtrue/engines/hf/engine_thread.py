"""The one thread that runs the model: requests in, events out, nobody waits for anybody."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, TypeVar, final, runtime_checkable

from holdtrue.engines.base import GenerateRequest
from holdtrue.engines.hf.batcher import Event

__all__ = ["EngineRefusal", "EngineThread", "Ticket", "in_passing_thread"]

_log = logging.getLogger(__name__)

T = TypeVar("T")


def in_passing_thread(make: Callable[[], T]) -> T:
    """Run in a thread that ends, and its OpenMP threads with it: load there what an `EngineThread` will run.

    Were they left beside the engine's own, there would be more than cores, and libgomp then sends all of them to sleep
    after every operation: a step takes a third longer.
    """
    with ThreadPoolExecutor(max_workers=1) as passing:
        return passing.submit(make).result()


@runtime_checkable
class _Runs(Protocol):
    """What the thread needs of a batcher."""

    def __enter__(self) -> object: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    @property
    def full(self) -> bool: ...
    def add(self, request: GenerateRequest) -> int: ...
    def drop(self, row_id: int) -> None: ...
    def step(self) -> list[Event]: ...


@final
class EngineRefusal(Exception):  # noqa: N818 - not an error of its own: callers say it in their users' words
    """A request that isn't answered, or not to its end.

    Args:
        why: `full` where the queue is; `stopping` where no more are taken; `stopped` where it was under way then;
            `failed` where the engine failed on it, which the log tells of.
        wait_seconds: until it is worth asking again.
    """

    def __init__(
        self, why: Literal["full", "stopping", "stopped", "failed"], wait_seconds: float | None = None
    ) -> None:
        super().__init__(why)
        self.why, self.wait_seconds = why, wait_seconds


@final
@dataclass(eq=False)
class Ticket:
    """A place in the queue, and then in the batch."""

    request: GenerateRequest
    loop: asyncio.AbstractEventLoop
    events: "asyncio.Queue[Event | EngineRefusal]"
    gone: bool = False
    """Set by whoever waits, once nobody does."""

    def hear(self, event: Event | EngineRefusal) -> None:
        """Hand over an event from another thread; a loop that has closed meanwhile wants none."""
        try:
            self.loop.call_soon_threadsafe(self.events.put_nowait, event)
        except RuntimeError:
            self.gone = True


@final
class EngineThread:
    """Admits requests into a batcher as places come free, and steps it while there is anything to do.

    Args:
        batcher: used by this thread alone from `start` to `stop`.
        max_rows: its places.
        max_queue: requests waiting for a place at the most; more are refused.
    """

    def __init__(self, batcher: _Runs, max_rows: int, max_queue: int) -> None:
        self._batcher = batcher
        self._most = max_rows + max_queue
        self._changed = threading.Condition()
        self._waiting: deque[Ticket] = deque()
        self._running: dict[int, Ticket] = {}
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self.step_seconds = 0.0
        """Of the last step that drew something."""

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it works."""
        return self._thread.is_alive() and not self._stopping

    @property
    def n_waiting(self) -> int:
        """Requests without a place yet."""
        return len(self._waiting)

    @property
    def n_running(self) -> int:
        """Requests with a place."""
        return len(self._running)

    def submit(self, request: GenerateRequest) -> Ticket:
        """Queue a request; call it from the event loop that will read its events.

        Raises:
            EngineRefusal: the queue is full, or it is stopping.
        """
        ticket = Ticket(request, asyncio.get_running_loop(), asyncio.Queue())
        with self._changed:
            if not self.alive:
                raise EngineRefusal("stopping")
            # Both together: places that are free, but not yet given out, are no reason to refuse.
            if self._n_here() >= self._most:
                raise EngineRefusal("full", max(1.0, 50 * self.step_seconds))
            self._waiting.append(ticket)
            self._changed.notify()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give a place up: it is free before the next step."""
        with self._changed:
            ticket.gone = True
            self._changed.notify()

    def _n_here(self) -> int:
        return sum(not ticket.gone for ticket in (*self._waiting, *self._running.copy().values()))

    def stop(self) -> None:
        """Stop after the step under way; whoever still waits hears so."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            with self._batcher:
                while self._admit():
                    self._step()
        finally:
            # However it ends, nobody may be left waiting, and nobody new be let in.
            with self._changed:
                self._stopping = True
                left = (*self._waiting, *self._running.values())
                self._waiting.clear()
                self._running.clear()
            for ticket in left:
                ticket.hear(EngineRefusal("stopped"))

    def _admit(self) -> bool:
        """Wait for something to do; drop who has left, and let others in. False when it is time to stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._waiting or self._running)
            if self._stopping:
                return False
            for row in [row for row, ticket in self._running.items() if ticket.gone]:
                self._batcher.drop(row)
                del self._running[row]
            self._waiting = deque(ticket for ticket in self._waiting if not ticket.gone)
            while self._waiting and not self._batcher.full:
                self._place(self._waiting.popleft())
        return True

    def _place(self, ticket: Ticket) -> None:
        try:
            self._running[self._batcher.add(ticket.request)] = ticket
        except Exception:  # noqa: BLE001 - a request that can't be begun must not end the others
            _log.exception("a request couldn't be begun; it is dropped")
            ticket.hear(EngineRefusal("failed"))

    def _step(self) -> None:
        if not self._running:
            return
        began = time.perf_counter()
        try:
            events = self._batcher.step()
        except Exception:  # noqa: BLE001 - one poisoned step must not end the others
            _log.exception("a step of the engine failed; its %d requests are dropped", len(self._running))
            dropped, self._running = self._running, {}
            for ticket in dropped.values():
                ticket.hear(EngineRefusal("failed"))
            for row in dropped:
                self._batcher.drop(row)
            return
        self.step_seconds = time.perf_counter() - began
        for event in events:
            ticket = self._running[event.row]
            ticket.hear(event)
            if event.finished:
                del self._running[event.row]
