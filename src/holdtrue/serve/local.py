"""The backend over the model in this process: prompt ids in, text, readings and outcome out."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import final

import anyio.to_thread

from holdtrue.axis import Axis
from holdtrue.engines import GenerateRequest
from holdtrue.engines.hf import Batcher, EngineRefusal, EngineThread, Event, Ticket, think_tokens
from holdtrue.errors import TranscriptError
from holdtrue.hold import Floors, floors_for
from holdtrue.models import ChatModel, TextStream, said_before
from holdtrue.records import HoldSpec
from holdtrue.serve.backend import Finish, Outcome, Piece, TokenChoice, TurnRequest
from holdtrue.serve.failures import ApiError, bad_request, internal, overloaded, unavailable
from holdtrue.serve.readings import Tally
from holdtrue.serve.redraw import redrawn
from holdtrue.watch.reader import check_axis

__all__ = ["LocalBackend"]


@final
class LocalBackend:
    """Answers with the axis's own model, holding each turn as its spec says.

    Args:
        model: what answers.
        axis: fitted on it.
        max_rows: turns at once.
        max_queue: turns waiting for a place.
        max_context: prompt and answer tokens of one turn; None takes the model's own limit.
        max_answer: answer tokens where a request sets no limit.

    Raises:
        AmbiguousModel: a kind of model that can't be batched.
        ArtifactError: the axis failed its sign self-test.
        WrongModel: the axis belongs to another model or template.
    """

    def __init__(
        self,
        model: ChatModel,
        axis: Axis,
        *,
        max_rows: int = 16,
        max_queue: int = 64,
        max_context: int | None = None,
        max_answer: int = 1024,
    ) -> None:
        check_axis(model, axis)
        self._chat, self._axis = model, axis
        limits = [limit for limit in (max_context, model.max_positions) if limit is not None]
        self._limit = min(limits, default=None)
        self._max_answer = max_answer
        self._think = think_tokens(model)
        self._thread = EngineThread(Batcher(model, axis.units, axis.layer, max_rows), max_rows, max_queue)
        self._thread.start()
        self.model = model.name
        self.reader: str | None = None
        self.layer = axis.layer

    @property
    def ready(self) -> bool:
        """Whether turns can be answered."""
        return self._thread.alive

    @property
    def load(self) -> tuple[int, int]:
        """Turns running, and turns waiting."""
        return self._thread.n_running, self._thread.n_waiting

    def check_hold(self, hold: HoldSpec) -> None:
        """Refuse a hold that can't be had on this axis (see `Backend.check_hold`)."""
        floors_for(hold, self._axis, drifting=True)

    def count_tokens(self, messages: tuple[dict[str, str], ...]) -> int:
        """Prompt tokens of a conversation."""
        return len(self._encode(messages))

    def stop(self) -> None:
        """Stop the engine and take its hooks off the model; turns under way hear 503."""
        self._thread.stop()

    async def close(self) -> None:
        """Stop, off the event loop."""
        await anyio.to_thread.run_sync(self.stop)

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Piece | Outcome]:
        """Draw one answer (see `Backend.answer`); several where the hold redraws."""
        async with aclosing(redrawn(self._draw, turn)) as items:
            async for item in items:
                yield item

    async def _draw(self, turn: TurnRequest) -> AsyncIterator[Piece | Outcome]:
        request = await anyio.to_thread.run_sync(self._request, turn)
        try:
            ticket = self._thread.submit(request)
        except EngineRefusal as refusal:
            raise _refused(refusal) from None
        try:
            async for item in self._heard(ticket, turn):
                yield item
        finally:
            self._thread.leave(ticket)

    async def _heard(self, ticket: Ticket, turn: TurnRequest) -> AsyncIterator[Piece | Outcome]:
        text = TextStream(self._chat.tokenizer, turn.stop)
        tally = Tally(self._axis, self._think, ticket.request.prompt_token_ids)
        n_tokens = 0
        finish: Finish = "stop"
        while not text.stopped:
            event = await ticket.events.get()
            if isinstance(event, EngineRefusal):
                raise _refused(event)
            n_tokens += event.drawn is not None
            if (piece := self._piece(event, text, tally, turn)) != Piece():
                yield piece
            if event.finished:
                finish = event.finished
                break
        rest = text.finish()
        last = Piece(text=rest, readings=tally.settle(text.n_given, last=True))
        if last != Piece():
            yield last
        yield tally.outcome(finish, len(ticket.request.prompt_token_ids), n_tokens)

    def _piece(self, event: Event, text: TextStream, tally: Tally, turn: TurnRequest) -> Piece:
        if event.fed is not None:
            tally.fed(event.fed)
        if event.drawn is None:
            return Piece(readings=tally.settle(text.n_given))
        token = event.drawn.token
        new = text.push(token)
        tally.drawn(token, text.last)
        choices: tuple[TokenChoice, ...] = ()
        if turn.top_logprobs is not None and event.drawn.log_prob is not None:
            top = tuple((self._word(other), log_prob) for other, log_prob in event.drawn.top)
            choices = (TokenChoice(self._word(token), event.drawn.log_prob, top),)
        return Piece(new, choices, tally.settle(text.n_given))

    def _word(self, token: int) -> str:
        return str(self._chat.tokenizer.decode([token]))

    def _request(self, turn: TurnRequest) -> GenerateRequest:
        prompt = self._encode(turn.messages)
        room = None if self._limit is None else self._limit - len(prompt)
        if room is not None and room < 1:
            message = (
                f"the conversation has {len(prompt)} tokens, {self.model} takes {self._limit} with its answer; shorten "
                "it, or use a hold with a token budget"
            )
            raise bad_request(message, param="messages", code="context_length_exceeded")
        wanted = turn.max_tokens or self._max_answer
        floors = floors_for(turn.hold, self._axis, drifting=turn.drifting)
        return GenerateRequest(
            prompt_token_ids=prompt,
            max_new_tokens=wanted if room is None else min(wanted, room),
            seed=turn.seed,
            temperature=turn.temperature,
            top_p=turn.top_p,
            floors=floors,
            held_prompt=self._held(turn.messages, prompt, floors),
            top_log_probs=turn.top_logprobs,
        )

    def _encode(self, messages: tuple[dict[str, str], ...]) -> tuple[int, ...]:
        try:
            return tuple(self._chat.template.encode(messages, add_generation_prompt=True))
        except TranscriptError as error:
            raise bad_request(str(error), param="messages", code="invalid_value") from None

    def _held(
        self, messages: tuple[dict[str, str], ...], prompt: tuple[int, ...], floors: Floors | None
    ) -> tuple[int, ...]:
        """Where the assistant spoke in the prompt: what was drawn under the hold is read under it again."""
        if floors is None:
            return ()
        if floors.prompt_too:
            return tuple(range(len(prompt)))
        return said_before(self._chat.template, messages, prompt)


def _refused(refusal: EngineRefusal) -> ApiError:
    match refusal.why:
        case "full":
            return overloaded(refusal.wait_seconds or 1.0)
        case "stopping":
            return unavailable("the server is stopping; send it again to another", retry_after=5.0)
        case "stopped":
            return unavailable("the server stopped before this answer was finished; send it again")
        case "failed":
            return internal()
