"""The thread around the batcher, with a batcher that does as it is told."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from holdtrue.engines import GenerateRequest
from holdtrue.engines.hf import Drawn, EngineRefusal, EngineThread, Event, Ticket


class Scripted:
    """Draws a token per row and step; `trouble` is called before each thing it does."""

    def __init__(self, rows: int = 2) -> None:
        self.rows: dict[int, int] = {}
        self.most, self.next = rows, 0
        self.may_step = threading.Semaphore(0)
        self.trouble: Callable[[str], None] = lambda what: None

    def __enter__(self) -> object:
        return self

    def __exit__(self, kind, error, trace) -> None:
        self.rows.clear()

    @property
    def full(self) -> bool:
        return len(self.rows) >= self.most

    def add(self, request: GenerateRequest) -> int:
        self.trouble("add")
        self.next += 1
        self.rows[self.next] = request.max_new_tokens
        return self.next

    def drop(self, row_id: int) -> None:
        self.trouble("drop")
        self.rows.pop(row_id, None)

    def step(self) -> list[Event]:
        assert self.may_step.acquire(timeout=30)
        self.trouble("step")
        events = []
        for row in list(self.rows):
            self.rows[row] -= 1
            done = self.rows[row] < 0
            events.append(Event(row, None if done else Drawn(7, None), finished="length" if done else None))
            if done:
                del self.rows[row]
        return events


@contextmanager
def running(batcher: Scripted, max_queue: int = 4) -> Iterator[EngineThread]:
    thread = EngineThread(batcher, batcher.most, max_queue)
    thread.start()
    try:
        yield thread
    finally:
        batcher.may_step.release(1000)
        thread.stop()


def request(tokens: int = 3) -> GenerateRequest:
    return GenerateRequest((1, 2), tokens, seed=0)


async def heard(ticket: Ticket) -> Event | EngineRefusal:
    return await asyncio.wait_for(ticket.events.get(), 30)


async def settled(thread: EngineThread, running: int, waiting: int) -> None:
    async with asyncio.timeout(30):
        while (thread.n_running, thread.n_waiting) != (running, waiting):
            await asyncio.sleep(0.005)


def test_who_leaves_makes_room_before_the_next_step():
    async def main() -> None:
        batcher = Scripted(rows=1)
        with running(batcher) as thread:
            first, second, third = (thread.submit(request()) for _ in range(3))
            await settled(thread, 1, 2)
            thread.leave(first)
            thread.leave(second)
            batcher.may_step.release()  # the step under way ends; the one after it is the third's
            batcher.may_step.release()
            event = await heard(third)
            assert isinstance(event, Event)
            assert event.drawn is not None
            assert list(batcher.rows) == [event.row]

    asyncio.run(main())


def test_the_queue_counts_those_who_are_still_there():
    async def main() -> None:
        batcher = Scripted(rows=1)
        with running(batcher, max_queue=2) as thread:
            tickets = [thread.submit(request()) for _ in range(3)]
            with pytest.raises(EngineRefusal) as caught:
                thread.submit(request())
            assert caught.value.why == "full"
            thread.leave(tickets[2])
            thread.submit(request())

    asyncio.run(main())


def test_a_step_that_fails_is_told_to_its_requests_alone():
    async def main() -> None:
        batcher = Scripted()
        with running(batcher) as thread:
            first = thread.submit(request())
            await settled(thread, 1, 0)

            def once(what: str) -> None:
                if what == "step":
                    batcher.trouble = lambda _: None
                    raise RuntimeError("poison")

            batcher.trouble = once
            batcher.may_step.release()
            told = await heard(first)
            assert isinstance(told, EngineRefusal)
            assert told.why == "failed"
            assert "poison" not in str(told)
            second = thread.submit(request())
            batcher.may_step.release()
            assert isinstance(await heard(second), Event)
            assert thread.alive

    asyncio.run(main())


def test_a_request_that_cant_be_begun_ends_nobody_elses():
    async def main() -> None:
        batcher = Scripted()

        def refuse(what: str) -> None:
            if what == "add":
                batcher.trouble = lambda _: None
                raise ValueError("no such seed")

        batcher.trouble = refuse
        with running(batcher) as thread:
            bad = thread.submit(request())
            assert isinstance(await heard(bad), EngineRefusal)
            good = thread.submit(request())
            batcher.may_step.release()
            assert isinstance(await heard(good), Event)

    asyncio.run(main())


def test_nobody_waits_for_an_engine_that_has_died():
    async def main() -> None:
        batcher = Scripted(rows=1)
        with running(batcher) as thread:
            tickets = [thread.submit(request()) for _ in range(2)]
            await settled(thread, 1, 1)

            def broken(what: str) -> None:
                raise RuntimeError(what)

            batcher.trouble = broken  # the step fails, and then so does every attempt to clean up
            batcher.may_step.release()
            for ticket, why in zip(tickets, ("failed", "stopped"), strict=True):
                told = await heard(ticket)
                assert isinstance(told, EngineRefusal)
                assert told.why == why
            with pytest.raises(EngineRefusal) as caught:
                thread.submit(request())
            assert caught.value.why == "stopping"
            assert not thread.alive

    with _quiet():
        asyncio.run(main())


@contextmanager
def _quiet() -> Iterator[None]:
    hook, threading.excepthook = threading.excepthook, lambda _: None
    try:
        yield
    finally:
        threading.excepthook = hook


def test_stopping_tells_whoever_still_waits():
    async def main() -> None:
        batcher = Scripted(rows=1)
        thread = EngineThread(batcher, 1, 4)
        thread.start()
        tickets = [thread.submit(request(100)) for _ in range(2)]
        await settled(thread, 1, 1)
        stopping = asyncio.create_task(asyncio.to_thread(thread.stop))
        async with asyncio.timeout(30):
            while thread.alive:
                await asyncio.sleep(0.005)
        batcher.may_step.release()
        await stopping
        for ticket in tickets:
            events = []
            while not ticket.events.empty():
                events.append(ticket.events.get_nowait())
            assert isinstance(events[-1], EngineRefusal)
            assert events[-1].why == "stopped"

    asyncio.run(main())
