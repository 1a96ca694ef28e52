"""One turn's life: context, answer, reading, drift, and the durable record, in this order."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final, final

from holdtrue.hold import HAND_OVER, Shaped, shape, summary_request, summary_tokens, with_summary
from holdtrue.records import ContextSpec, HoldSpec
from holdtrue.serve.audit_log import AuditLog
from holdtrue.serve.backend import Outcome, Piece, TokenReading, TurnRequest, closed
from holdtrue.serve.choices import drawn
from holdtrue.serve.failures import ApiError
from holdtrue.serve.store import Session, StoredToken, StoredTurn
from holdtrue.serve.stored import stored, to_its_end
from holdtrue.serve.turns import Asker, Turns
from holdtrue.serve.wire import ChatRequest, digest_after
from holdtrue.watch import Alarm, Detector

__all__ = ["Turn"]

_log = logging.getLogger(__name__)

_ALARMED: Final = "alarmed_turns"
"""Answers in a row under a standing alarm, kept beside the detector's state."""
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
        self._handed_over = False

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
        state = dict(session.detector) if session else {}
        self._session = session
        self._alarmed = int(state.pop(_ALARMED, 0))
        self._detector = Detector(self._turns.rule, state or None)
        self._alarm: Alarm = self._detector.alarm

    async def _answered(self) -> AsyncIterator[tuple[int, Piece]]:
        shaped = await self._shaped()
        if shaped.hand_over:
            self._handed_over = True
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
            drifting=self._alarm.stands,
            session=self.session_id,
            seed=(seed + index * _SEEDS) % 2**63,
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            top_p=request.top_p,
            stop=request.stop,
            top_logprobs=request.top_logprobs,
        )

    async def _shaped(self) -> Shaped:
        """The conversation under the hold's context policy; a summary is the model's own."""
        request, spec = self._request, self.hold.context
        answers = sum(message["role"] == "assistant" for message in request.messages)
        shaped = await stored(
            shape,
            request.messages,
            spec,
            turn=answers + 1,
            drifting=self._alarm.stands,
            alarmed_turns=self._alarmed,
            count_tokens=self._turns.backend.count_tokens,
        )
        if shaped.to_summarise is None or spec.budget_tokens is None:
            return shaped
        asked = replace(
            self._asked(summary_request(shaped.to_summarise), 0),
            hold=self.hold.model_copy(update={"context": ContextSpec()}),
            session=f"{self.session_id}/summary",
            max_tokens=summary_tokens(spec.budget_tokens),
            temperature=0.0,
            stop=(),
            top_logprobs=None,
        )
        summary = ""
        async with closed(drawn(self._turns.backend, [asked], self._turns.timeout_seconds)) as items:
            async for _, item in items:
                summary += item.text if isinstance(item, Piece) else ""
        return with_summary(shaped, summary)

    def _take(self, index: int, piece: Piece) -> None:
        self._texts[index] += piece.text
        if index:
            return
        axis = self._turns.axis
        for reading in piece.readings:
            self._readings.append(reading)
            if not reading.thinking:
                self._spoken = (self._spoken[0] + reading.after, self._spoken[1] + 1)
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
        self._alarm = self._detector.update(outcome.z)
        self._alarmed = self._alarmed + 1 if self._alarm.stands else 0
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
            user=user,
            answer=self._texts[0],
            projection=outcome.projection,
            z=outcome.z,
            fired=outcome.fired,
            alarm=self._alarm.stands,
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
            detector={**self._detector.state, _ALARMED: float(self._alarmed)},
            alarm_turn=self._alarm.alarm_turn,
        )
        number = self._session.n_turns
        for each in self.outcomes.values():
            turns.metrics.book(each, alarm=self._alarm.stands)
        if turns.audit is not None and not self._handed_over:
            await _offer(turns.audit, self.session_id, number, user, self._texts[0])
        told = {**replace(turn, turn=number).as_json(), "session": self.session_id, "drift": self._alarm.statistic}
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
            "alarm": self._alarm.stands,
            "alarm_turn": self._session.alarm_turn if self._session else None,
            "hold": self.hold.name,
            "hold_digest": self.hold.digest,
            "reader": self._turns.backend.reader,
            "redraws": outcome.redraws,
            "extra_tokens": outcome.extra_tokens,
            "handed_over": self._handed_over,
        }
        if outcome.note is not None:
            told["note"] = outcome.note
        if self._request.tokens:
            told["tokens"] = [dict(_token(reading)) for reading in self._readings]
        return told


async def _offer(audit: AuditLog, session: str, turn: int, user: str, answer: str) -> None:
    try:
        await stored(audit.offer, session, turn, user, answer)
    except ApiError as error:
        # Neither refused nor told of: the client would learn which turns are drawn.
        _log.error("the audit log can't be written, and misses what was drawn: %s", error)


def _token(reading: TokenReading) -> StoredToken:
    return {"text": reading.text, "projection": reading.after, "before": reading.before, "fired": reading.fired}
