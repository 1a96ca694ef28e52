"""The reader beside a stream: in a thread of its own, a step behind the text and never in its way."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final, TypeVar, final

from holdtrue.errors import HoldtrueError
from holdtrue.serve.backend import Outcome, Piece, TokenReading, TurnRequest
from holdtrue.watch.live import LiveReader, LiveToken, LiveTurn, TurnSummary

__all__ = ["Heard", "Reading"]

_LOG: Final = logging.getLogger(__name__)
T = TypeVar("T")


@final
@dataclass(frozen=True)
class Heard:
    """What a reader made of an answer; `note` says why nothing, or what to know about it."""

    summary: TurnSummary | None
    note: str | None


@final
class Reading:
    """Reads one answer while it comes.

    Args:
        live: the reader.
        turn: what is being answered.
        worker: where the model runs; one thread, so that readings queue rather than compete.
        out: takes a piece for whatever became known.
    """

    def __init__(
        self,
        live: LiveReader,
        turn: TurnRequest,
        worker: Executor,
        out: "asyncio.Queue[Piece | Outcome | Exception]",
    ) -> None:
        self._live, self._turn, self._worker, self._out = live, turn, worker, out
        self._said: asyncio.Queue[str | None] = asyncio.Queue()
        self._reading: LiveTurn | None = None

    def hear(self, text: str | None) -> None:
        """The next piece of the answer; None ends it."""
        self._said.put_nowait(text)

    async def run(self) -> Heard:
        """Read until the answer has ended. A reader that fails leaves the answer as it is."""
        try:
            return await self._read()
        except HoldtrueError as error:
            return Heard(None, f"not read: {error}")
        except Exception:  # noqa: BLE001 - an answer that was paid for isn't lost over its reading
            _LOG.exception("the reader failed")
            return Heard(None, "not read: the reader failed; the server's log says why")
        finally:
            if self._reading is not None:
                self._reading.abandon()

    async def _read(self) -> Heard:
        reading = self._reading = await self._work(lambda: self._live.turn(self._turn.messages, self._turn.session))
        await self._work(reading.prepare)
        goes_on = True
        while goes_on:
            text, goes_on = await self._heard()
            await self._give(await self._work(lambda text=text: reading.feed(text)))  # type: ignore[misc]
        summary = await self._work(reading.finish)
        await self._give(summary.rest)
        if summary.n_tokens == 0:
            return Heard(summary, "nothing was said, so nothing was measured")
        cut = f"the reader left out {summary.n_cut} tokens of a conversation longer than its context"
        return Heard(summary, cut if summary.n_cut else None)

    async def _heard(self) -> tuple[str, bool]:
        """All that has come since the last step, and whether more may."""
        pieces = [await self._said.get()]
        while not self._said.empty():
            pieces.append(self._said.get_nowait())
        return "".join(piece for piece in pieces if piece is not None), pieces[-1] is not None

    async def _give(self, tokens: tuple[LiveToken, ...]) -> None:
        if tokens:
            readings = (TokenReading(one.text, one.value, one.value, 0.0, one.thinking) for one in tokens)
            await self._out.put(Piece(readings=tuple(readings)))

    async def _work(self, step: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, step)
