"""The choices of one turn, drawn side by side and heard as one iteration."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from holdtrue.serve.backend import Backend, Outcome, Piece, TurnRequest, closed
from holdtrue.serve.failures import timed_out

__all__ = ["drawn"]

_Heard = asyncio.Queue[tuple[int, Piece | Outcome | Exception]]


async def drawn(
    backend: Backend, asked: Sequence[TurnRequest], limit_seconds: float
) -> AsyncGenerator[tuple[int, Piece | Outcome], None]:
    """Each choice's pieces and its outcome as they come, with its place; one that fails ends them all.

    Args:
        backend: what answers.
        asked: a request for each choice.
        limit_seconds: the longest a choice may take.

    Raises:
        ApiError: a choice failed, or took too long.
    """
    # Without a bound: a client that reads slowly must not keep a place in the batch, and answers are short.
    heard: _Heard = asyncio.Queue()
    tasks = [asyncio.create_task(_draw(backend, turn, limit_seconds, at, heard)) for at, turn in enumerate(asked)]
    left = len(tasks)
    try:
        while left:
            at, item = await heard.get()
            if isinstance(item, Exception):
                raise item
            left -= isinstance(item, Outcome)
            yield at, item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _draw(backend: Backend, turn: TurnRequest, limit_seconds: float, at: int, heard: _Heard) -> None:
    item: Piece | Outcome | None = None
    try:
        async with asyncio.timeout(limit_seconds), closed(backend.answer(turn)) as items:
            async for item in items:
                heard.put_nowait((at, item))
        if not isinstance(item, Outcome):
            message = "a backend ended an answer without an outcome"
            raise RuntimeError(message)
    except TimeoutError:
        message = f"the answer took longer than {limit_seconds:g} s; ask for fewer tokens, or again later"
        heard.put_nowait((at, timed_out(message)))
    except Exception as error:  # noqa: BLE001 - raised where the turn is awaited
        heard.put_nowait((at, error))
