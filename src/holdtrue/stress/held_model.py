"""The axis's own model for many askers at once: each answer under its own floors, all in shared batches."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import final

from holdtrue.axis import Axis
from holdtrue.engines import GenerateRequest
from holdtrue.engines.hf import Batcher, EngineRefusal, EngineThread, Event, FedToken, Part, ThinkTokens, think_tokens
from holdtrue.errors import RunError
from holdtrue.hold import Floors
from holdtrue.models import ChatModel, Message, TextStream, said_before
from holdtrue.watch.reader import check_axis

__all__ = ["Answer", "HeldModel", "TokenLikelihood"]


@final
@dataclass(frozen=True)
class TokenLikelihood:
    """A token that was drawn, with its log-probability before temperature and top-p."""

    text: str
    log_prob: float
    """Nats."""
    top: tuple[tuple[str, float], ...] = ()
    """The likeliest tokens at its place."""


@final
@dataclass(frozen=True)
class Answer:
    """One answer and its readings."""

    text: str
    tokens_in: int
    tokens_out: int
    cut: bool = False
    """Whether a limit ended it."""
    full: bool = False
    """Whether that limit was the model's context."""
    projection: float | None = None
    """Mean projection at the read layer after the cap, thinking left out."""
    z: float | None = None
    """Of the mean projection before the cap, against benign answers."""
    fired: float | None = None
    """Mean share of held blocks under the floor."""
    pieces: tuple[str, ...] = ()
    """The text, token by token."""
    piece_z: tuple[float | None, ...] = ()
    likelihoods: tuple[TokenLikelihood, ...] = ()
    """Of each token, if they were asked for."""


@final
class HeldModel:
    """Runs from the first `with` to its end; `answer` and `margins` may be awaited by any number of tasks.

    Args:
        model: what answers.
        axis: fitted on it.
        max_rows: answers at once.
        max_waiting: answers waiting for a place; more wait outside.
        keep: leave conversations in the cache for their next turn (see `Batcher`).

    Raises:
        AmbiguousModel: a kind of model that can't be batched.
        ArtifactError: the axis failed its sign self-test.
        WrongModel: the axis belongs to another model or template.
    """

    def __init__(
        self, model: ChatModel, axis: Axis, *, max_rows: int = 16, max_waiting: int = 4096, keep: bool = True
    ) -> None:
        check_axis(model, axis)
        self.chat, self.axis = model, axis
        self._think = think_tokens(model)
        self._thread = EngineThread(
            Batcher(model, axis.units, axis.layer, max_rows, keep=keep, patient=True), max_rows, max_waiting
        )
        self._thread.start()

    def __enter__(self) -> "HeldModel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the engine and take its hooks off the model."""
        self._thread.stop()

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Prompt tokens of a conversation."""
        return len(self.chat.template.encode(messages, add_generation_prompt=True))

    async def answer(
        self,
        messages: Sequence[Message],
        floors: Floors | None = None,
        *,
        seed: int,
        max_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        stop: tuple[str, ...] = (),
        top_log_probs: int | None = None,
        fit: bool = False,
    ) -> Answer:
        """Answer a conversation under floors.

        Args:
            messages: ends with what is to be answered.
            floors: the hold of this answer, and of what the assistant said before; None leaves it free.
            seed: of its draws.
            max_tokens: of the answer.
            temperature: 0 for greedy.
            top_p: nucleus; 1 for all.
            stop: texts that end it and aren't part of it.
            top_log_probs: alternatives listed with each token's log-probability; None for no log-probabilities.
            fit: end the answer where the model's context ends, instead of refusing what may not fit.

        Raises:
            RunError: the engine stopped or failed on it, or it doesn't fit into the model's context.
            TranscriptError: the chat template doesn't take these messages.
        """
        prompt = self._prompt(messages, None if fit else max_tokens)
        limit = self.chat.max_positions
        room = max_tokens if limit is None else min(max_tokens, limit - len(prompt))
        if room < 1:
            return Answer("", len(prompt), 0, cut=True, full=True)
        held = self._held(messages, prompt, floors)
        request = GenerateRequest(prompt, room, seed, temperature, top_p, floors, held, top_log_probs)
        tally = _Tally(self.axis, self._think, TextStream(self.chat.tokenizer, stop), prompt, self._word)
        async with aclosing(self._events(request)) as events:
            async for event in events:
                tally.take(event)
                if tally.text.stopped:
                    break
        return tally.answer(len(prompt), shortened=room < max_tokens)

    async def margins(
        self, messages: Sequence[Message], answers: Sequence[str], floors: Floors | None = None
    ) -> list[float]:
        """Mean log-probability per token of each of several answers to a conversation, under floors; nats.

        Raises:
            RunError, TranscriptError: as for `answer`.
        """
        encoded = tuple(tuple(self.chat.tokenizer(text, add_special_tokens=False).input_ids) for text in answers)
        prompt = self._prompt(messages, max(map(len, encoded)))
        held = self._held(messages, prompt, floors)
        request = GenerateRequest(prompt, 1, 0, floors=floors, held_prompt=held, forced=encoded)
        scored = [
            event.drawn.log_prob
            async for event in self._events(request)
            if event.drawn is not None and event.drawn.log_prob is not None
        ]
        means, at = [], 0
        for tokens in encoded:
            means.append(sum(scored[at : at + len(tokens)]) / len(tokens))
            at += len(tokens)
        return means

    def _word(self, token: int) -> str:
        return str(self.chat.tokenizer.decode([token]))

    async def _events(self, request: GenerateRequest) -> AsyncGenerator[Event, None]:
        """The events of one row, to its end; leaving earlier frees its place."""
        try:
            ticket = self._thread.submit(request)
        except EngineRefusal as refusal:
            raise _lost(refusal) from None
        try:
            while True:
                event = await ticket.events.get()
                if isinstance(event, EngineRefusal):
                    raise _lost(event)
                yield event
                if event.finished:
                    return
        finally:
            self._thread.leave(ticket)

    def _prompt(self, messages: Sequence[Message], room: int | None) -> tuple[int, ...]:
        """Token ids; refused where they leave less than this room, if it matters."""
        prompt = tuple(self.chat.template.encode(messages, add_generation_prompt=True))
        limit = self.chat.max_positions
        if limit is not None and room is not None and len(prompt) + room > limit:
            message = (
                f"{len(prompt)} prompt tokens and {room} for the answer don't fit into {self.chat.name}'s {limit}; "
                "shorten the conversation, or hold it with a token budget"
            )
            raise RunError(message)
        return prompt

    def _held(self, messages: Sequence[Message], prompt: tuple[int, ...], floors: Floors | None) -> tuple[int, ...]:
        if floors is None:
            return ()
        return tuple(range(len(prompt))) if floors.prompt_too else said_before(self.chat.template, messages, prompt)


def _lost(refusal: EngineRefusal) -> RunError:
    message = {
        "full": "more answers were asked for at once than wait here; ask for fewer at a time",
        "stopping": "the engine has stopped; begin again",
        "stopped": "the engine stopped before this answer was finished; begin again",
        "failed": "the engine failed on this answer; its log says why",
    }[refusal.why]
    return RunError(message)


@final
class _Tally:
    """Books one answer's events."""

    def __init__(
        self,
        axis: Axis,
        think: ThinkTokens | None,
        text: TextStream,
        prompt: Sequence[int],
        word: Callable[[int], str],
    ) -> None:
        self._axis, self._think, self.text, self._word = axis, think, text, word
        self._part = Part.START if think is None else think.begin(prompt)
        self._spoken = ""
        self._pieces: list[str] = []
        self._aside: list[bool] = []
        self._fed: list[FedToken] = []
        self._likelihoods: list[TokenLikelihood] = []
        self._cut = False

    def take(self, event: Event) -> None:
        """An event of the answer's row; a token's reading comes one step after the token."""
        if event.fed is not None:
            self._fed.append(event.fed)
        if event.drawn is not None:
            if self._think is not None:
                self._part = self._think.follow(self._part, event.drawn.token)
            self._spoken += self.text.push(event.drawn.token)
            self._pieces.append(self.text.last)
            self._aside.append(self._part.aside)
            if event.drawn.log_prob is not None:
                top = tuple((self._word(token), log_prob) for token, log_prob in event.drawn.top)
                self._likelihoods.append(TokenLikelihood(self._word(event.drawn.token), event.drawn.log_prob, top))
        self._cut = event.finished == "length"

    def answer(self, tokens_in: int, *, shortened: bool) -> Answer:
        """The figures, once no event follows; `shortened` where the model's context left less than was asked for."""
        said = [fed for fed, aside in zip(self._fed, self._aside, strict=False) if not aside]
        before = _mean([fed.before for fed in said])
        z_of = self._axis.z if self._axis.card.calibration is not None else None
        piece_z = [None if z_of is None else round(z_of(fed.before), 2) for fed in self._fed]
        return Answer(
            text=self._spoken + self.text.finish(),
            tokens_in=tokens_in,
            tokens_out=len(self._pieces),
            cut=self._cut,
            full=self._cut and shortened,
            projection=_mean([fed.after for fed in said]),
            z=None if before is None or z_of is None else z_of(before),
            fired=_mean([fed.fired for fed in said]),
            pieces=tuple(self._pieces),
            piece_z=(*piece_z, *[None] * (len(self._pieces) - len(piece_z))),
            likelihoods=tuple(self._likelihoods),
        )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
