"""One turn's life: context, answer, reading, drift, and the durable record, in this order."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final, final

from holdtrue.hold import HAND_OVER, Shaped
from holdtrue.records import HoldSpec
from holdtrue.serve.backend import Outcome, Piece, TokenReading, TurnRequest, closed
from holdtrue.serve.choices import drawn
from holdtrue.serve.failures import ApiError
from holdtrue.serve.shaping import shaped_turn
from holdtrue.serve.store import Session, StoredToken, StoredTurn
from holdtrue.serve.stored import stored, to_its_end
from holdtrue.serve.turns import Asker, Turns
from holdtrue.serve.wire import ChatRequest, digest_after
from holdtrue.watch import Drift

__all__ = ["Turn"]

_SEEDS: Final = 0x9E3779B97F4A7C15
"""Spreads a request's seed over its choices."""


@final
class Turn:
    """A request being answered; made by `Turn.begin`, run by `pieces`, told by `report`.

    Args:
        turns: the server's standing parts.
        request: what was asked.
        asker: by whom.
        session_id: where it belongs.
        session: what is known of that so far.
        hold: how it is held.
    """

    def __init__(
        self,
        turns: Turns,
        request: ChatRequest,
        asker: Asker,
        session_id: str,
        session: Session | None,
        hold: HoldSpec,
    ) -> None:
        self._turns, self._request, self._asker = turns, request, asker
        self.session_id, self.hold = session_id, hold
        self._adopt(session)
        self.outcomes: dict[int, Outcome] = {}
        """By choice, as they finish."""
        self._texts = [""] * request.n
        self._readings: list[TokenReading] = []
        self._spoken = (0.0, 0)
        """Sum and number of the answer's readings, thinking left out."""
        self._shaped = Shaped(request.messages)
        self._summed = 0
        """Tokens that a summary took."""

    @classmethod
    async def begin(cls, turns: Turns, request: ChatRequest, asker: Asker) -> "Turn":
        """Find the session and the hold.

        Raises:
            ApiError: see `Turns`.
        """
        session_id, session = await turns.session_of(request, asker)
        return cls(turns, request, asker, session_id, session, turns.hold_for(request.hold, asker, session))

    async def pieces(self) -> AsyncIterator[tuple[int, Piece]]:
        """Each choice's pieces as they come; when the last has come, the turn is on the disk.

        Raises:
            ApiError: the turn can't be answered, or can't be kept.
        """
        began, metrics = time.monotonic(), self._turns.metrics
        try:
            async with self._turns.alone(self.session_id):
                await self._again()
                first = True
                async with closed(self._answered()) as items:
                    async for index, piece in items:
                        if first and piece.text:
                            metrics.first_token.observe(time.monotonic() - began)
                            first = False
                        self._take(index, piece)
                        yield index, piece
                # A client that leaves now doesn't undo an answer it has read.
                await to_its_end(self._keep())
        except (GeneratorExit, asyncio.CancelledError):
            metrics.left.inc()
            raise
        except Exception as error:
            # What is refused is counted where it is answered.
            if not (isinstance(error, ApiError) and error.status < 500):
                metrics.failed.inc()
            raise
        metrics.seconds.observe(time.monotonic() - began)

    async def _again(self) -> None:
        """While this turn waited, another may have been answered, or have begun the session, or a hold been set."""
        if self._session is not None or self._request.session is not None:
            named = replace(self._request, session=self.session_id)
            _, session = await self._turns.session_of(named, self._asker)
            self._adopt(session)
            self.hold = self._turns.hold_for(self._request.hold, self._asker, session)

    @property
    def _owner(self) -> str:
        """Whose session it is: an operator may speak in somebody else's."""
        return self._session.owner if self._session else self._asker.owner

    def _adopt(self, session: Session | None) -> None:
        self._session = session
        state = session.detector if session else None
        self._drift = Drift(self._turns.rule, self._turns.axis.card.digest, state)

    async def _answered(self) -> AsyncIterator[tuple[int, Piece]]:
        answers = sum(message["role"] == "assistant" for message in self._request.messages)
        self._shaped, self._summed = await shaped_turn(
            self._turns.backend,
            self._asked(self._request.messages, 0),
            self._turns.summaries,
            turn=answers + 1,
            alarmed_turns=self._drift.alarmed_turns,
            timeout_seconds=self._turns.timeout_seconds,
        )
        shaped = self._shaped
        if shaped.hand_over:
            self._turns.metrics.handed_over.inc()
            for index in range(self._request.n):
                self.outcomes[index] = Outcome("stop", 0, 0, None, None, None, note="handed over")
                yield index, Piece(HAND_OVER)
            return
        asked = [self._asked(shaped.messages, index) for index in range(self._request.n)]
        async with closed(drawn(self._turns.backend, asked, self._turns.timeout_seconds)) as items:
            async for index, item in items:
                if isinstance(item, Outcome):
                    self.outcomes[index] = item
                else:
                    yield index, item

    def _asked(self, messages: tuple[dict[str, str], ...], index: int) -> TurnRequest:
        request = self._request
        seed = request.seed if request.seed is not None else time.time_ns()
        return TurnRequest(
            messages=messages,
            hold=self.hold,
            drifting=self._drift.stands,
            session=self.session_id,
            seed=(seed + index * _SEEDS) % 2**63,
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            top_p=request.top_p,
            stop=request.stop,
            top_logprobs=request.top_logprobs,
            limit_seconds=self._turns.timeout_seconds,
        )

    def _take(self, index: int, piece: Piece) -> None:
        self._texts[index] += piece.text
        if index:
            return
        axis = self._turns.axis
        for reading in piece.readings:
            self._readings.append(reading)
            if not reading.thinking:
                self._spoken = (self._spoken[0] + reading.before, self._spoken[1] + 1)
            total, n = self._spoken
            self._turns.feed.tell(
                "token",
                {
                    "session": self.session_id,
                    "turn": (self._session.n_turns if self._session else 0) + 1,
                    **_token(reading),
                    "z": axis.z(total / n) if n and axis.card.calibration else None,
                },
                self._owner,
            )

    async def _keep(self) -> None:
        """Move the detector, write the turn down, and tell of it: only then has the client its last event."""
        turns, outcome, store = self._turns, self.outcomes[0], self._turns.store
        self._drift.answered(outcome.z)
        alarm = self._drift.alarm
        user = next((m["content"] for m in reversed(self._request.messages) if m["role"] == "user"), "")
        if self._session is None:
            first = next((m["content"] for m in self._request.messages if m["role"] == "user"), "")
            await stored(
                store.create,
                turns.backend.model,
                turns.backend.reader,
                self._asker.owner,
                self.hold,
                title=first,
                id=self.session_id,
            )
        turn = StoredTurn(
            session=self.session_id,
            # Another server over the same database may have answered meanwhile: its turn isn't overwritten.
            turn=(self._session.n_turns if self._session else 0) + 1,
            user=user,
            answer=self._texts[0],
            projection=outcome.projection,
            z=outcome.z,
            fired=outcome.fired,
            alarm=alarm.stands,
            hold=self.hold.name,
            hold_digest=self.hold.digest,
            thinking_projection=outcome.thinking_projection,
            finish_reason=outcome.finish_reason,
            created=time.time(),
            prompt_tokens=outcome.prompt_tokens,
            completion_tokens=outcome.completion_tokens,
            tokens=tuple(_token(reading) for reading in self._readings),
        )
        self._session = await stored(
            store.record_turn,
            turn,
            history_digest=await stored(digest_after, self._request.messages, self._texts[0]),
            detector=self._drift.state,
            alarm_turn=alarm.alarm_turn,
        )
        for index, each in self.outcomes.items():
            turns.metrics.book(each, alarm=alarm.stands and index == 0)
        if turns.audit is not None and not self._shaped.hand_over:
            turns.audit.offer(self.session_id, turn.turn, user, self._texts[0])
        told = {**turn.as_json(), "session": self.session_id, "drift": alarm.statistic}
        turns.feed.tell("turn", told, self._owner)
        turns.feed.tell("session", self._session.summary(), self._owner)

    def text(self, index: int) -> str:
        """A choice's text so far."""
        return self._texts[index]

    def report(self) -> dict[str, object]:
        """The answer's `holdtrue` object; of the first choice, where there are several."""
        outcome = self.outcomes[0]
        told: dict[str, object] = {
            "session": self.session_id,
            "projection": outcome.projection,
            "z": outcome.z,
            "fired": outcome.fired,
            "alarm": self._drift.stands,
            "alarm_turn": self._session.alarm_turn if self._session else None,
            "hold": self.hold.name,
            "hold_digest": self.hold.digest,
            "reader": self._turns.backend.reader,
            "redraws": outcome.redraws,
            "extra_tokens": outcome.extra_tokens + self._summed,
            "handed_over": self._shaped.hand_over,
        }
        done = {name: getattr(self._shaped, name) for name in ("reminded", "reanchored", "dropped", "over")}
        if any(done.values()):
            told["context"] = done
        if outcome.note is not None:
            told["note"] = outcome.note
        if self._request.tokens:
            told["tokens"] = [dict(_token(reading)) for reading in self._readings]
        return told


def _token(reading: TokenReading) -> StoredToken:
    return {"text": reading.text, "projection": reading.after, "before": reading.before, "fired": reading.fired}
