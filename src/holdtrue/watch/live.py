"""Read an answer while it is written: projections token by token, and the turn's mean and z at its end."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from jaxtyping import Float
from torch import Tensor

from holdtrue.axis import Axis
from holdtrue.engines.hf.reader import Abandoned, ReaderPool, Readout
from holdtrue.errors import TranscriptError
from holdtrue.models import ChatModel, ChatTemplate, Message
from holdtrue.models.spans import common_prefix, read_turn, thinking_end, token_within
from holdtrue.watch.growing import GrowingText, added_beginnings
from holdtrue.watch.reader import check_axis

__all__ = ["Abandoned", "LiveReader", "LiveToken", "LiveTurn", "TurnSummary"]


@final
@dataclass(frozen=True)
class LiveToken:
    """A token of the assistant's and its projection at the read layer."""

    text: str
    value: float
    thinking: bool


@final
@dataclass(frozen=True)
class TurnSummary:
    """A finished turn, as `holdtrue.watch.Reader` would read it.

    Args:
        projection: mean over answer tokens; None if nothing was said.
        z: of that mean; None without a calibration too.
        thinking_projection: mean over the thinking segment; None without one.
        n_tokens: answer tokens.
        n_thinking: tokens of the thinking segment.
        n_cut: tokens of the conversation that were left out because it is longer than the reader's context.
        rest: tokens that `LiveTurn.feed` hadn't given yet.
    """

    projection: float | None
    z: float | None
    thinking_projection: float | None
    n_tokens: int
    n_thinking: int
    n_cut: int
    rest: tuple[LiveToken, ...]


@final
class LiveReader:
    """A model and its axis, reading conversations as they happen; what was read stays read.

    Args:
        model: the axis's own model.
        axis: fitted on that model.
        max_sessions: conversations kept warm.
        max_tokens: tokens kept warm in all of them together.
        max_session_tokens: the longest stretch of a conversation to read; the model's own limit if None.

    Raises:
        ArtifactError: the axis failed its sign self-test.
        WrongModel: the axis belongs to another model or chat template.
    """

    def __init__(
        self,
        model: ChatModel,
        axis: Axis,
        *,
        max_sessions: int = 64,
        max_tokens: int = 65_536,
        max_session_tokens: int | None = None,
    ) -> None:
        check_axis(model, axis)
        self.model, self.axis = model, axis
        self.beginnings = added_beginnings(model.template)
        self.trims = _trims(model.template)
        self.pool = ReaderPool(
            model,
            axis.layer,
            axis.units,
            max_sessions=max_sessions,
            max_tokens=max_tokens,
            max_session_tokens=max_session_tokens,
        )

    def turn(self, messages: Sequence[Message], session: str) -> "LiveTurn":
        """Begin to read an answer to these messages.

        Args:
            messages: the conversation so far.
            session: names it; its earlier turns are found again under that name.

        Raises:
            TranscriptError: a malformed message, or an order of turns that the template refuses.
        """
        return LiveTurn(self, tuple(messages), session)

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Prompt tokens of a conversation by this reader's tokenizer.

        Raises:
            TranscriptError: as for `turn`.
        """
        return len(self.model.template.encode(messages, add_generation_prompt=True))


@final
class LiveTurn:
    """One answer being read. Not for several threads at once; `abandon` may come from anywhere."""

    def __init__(self, reader: LiveReader, messages: tuple[Message, ...], session: str) -> None:
        self._reader, self._messages, self._session = reader, messages, session
        self._template = reader.model.template
        one, other = (self._template.render([*messages, {"role": "assistant", "content": a}]) for a in "ab")
        opening = one[: common_prefix(one, other)]
        try:
            self._prompt = self._template.render(messages, add_generation_prompt=True)
        except TranscriptError:  # It refuses a conversation without a turn of the user's.
            self._prompt = opening
        self._said = self._blank = ""
        self._open(opening)
        self._n_given = 0
        self._abandoned = False

    def _open(self, opening: str) -> None:
        self._text = GrowingText(self._template, opening, self._reader.beginnings)
        self._opened = len(opening)
        # A segment that the template writes counts, as afterwards, but was never said: it isn't given.
        self._next = self._text.n_settled
        self._start = common_prefix(self._prompt, opening)
        tag = self._template.think_tags[0]
        bare = opening[: self._start].rstrip()
        if bare.endswith(tag):  # The generation prompt opens the segment itself.
            self._start = len(bare) - len(tag)

    def prepare(self) -> None:
        """Read the conversation up to the answer, which needs none of it.

        Raises:
            Abandoned: nobody waits any more.
        """
        self._read_out(self._text.ids[: self._text.n_settled])

    def feed(self, text: str) -> tuple[LiveToken, ...]:
        """Read on.

        Args:
            text: the next piece of the answer.

        Returns:
            Tokens of the assistant's that are settled now and weren't before.

        Raises:
            Abandoned: nobody waits any more.
        """
        self._said += text
        self._append(text)
        tags = self._template.think_tags
        if tags[0].startswith(self._said.strip()):  # It may yet become a thinking segment's tag.
            return ()
        if self._n_given == 0 and self._said.lstrip().startswith(tags[0]):
            self._reopen()
        cut, answer = thinking_end(self._text.text[self._start :], tags)
        thinking, said = (self._start, self._start + cut), (self._start + answer, len(self._text.text))
        places: list[tuple[int, bool]] = []
        n_settled = self._text.n_settled
        for at in range(self._next, n_settled):
            if self._text.ids[at] not in self._template.special_ids:
                for span, thought in ((thinking, True), (said, False)):
                    if token_within(self._text.offsets[at], *span):
                        places.append((at, thought))
        self._next = max(self._next, n_settled)
        if not places:
            return ()
        self._n_given += len(places)
        readout = self._read_out(self._text.ids[: places[-1][0] + 1])
        return self._tokens(self._text.ids, places, readout.values)

    def _append(self, text: str) -> None:
        if self._reader.trims:  # Blanks at either end won't be written down.
            text = self._blank + text
            kept = len(text.rstrip())
            text, self._blank = text[:kept], text[kept:]
            if text and len(self._text.text) == self._opened:
                text = text.lstrip()
        if text:
            self._text.append(text)

    def _reopen(self) -> None:
        # Some templates write an empty segment before an answer that has none; this one has its own.
        if len(self._prompt) < self._opened and self._text.text.startswith(self._prompt):
            self._open(self._prompt)
            self._blank = ""
            self._append(self._said)

    def finish(self) -> TurnSummary:
        """End the answer: the rest of it is read, and all of it as the template writes it down.

        Raises:
            Abandoned: nobody waits any more.
            TranscriptError: the template refuses the answer.
        """
        turn = len(self._messages)
        whole = read_turn(self._template, [*self._messages, {"role": "assistant", "content": self._said}], turn)
        (span,) = whole.turns
        places = sorted([*((at, True) for at in span.thinking), *((at, False) for at in span.answer)])
        if not places:
            return TurnSummary(None, None, None, 0, 0, 0, ())
        # What ends the turn is left for the next one, which begins with it.
        readout = self._read_out(whole.token_ids[: places[-1][0] + 1])
        projection = _mean(readout.values, span.answer)
        axis = self._reader.axis
        return TurnSummary(
            projection=projection,
            z=axis.z(projection) if projection is not None and axis.card.calibration else None,
            thinking_projection=_mean(readout.values, span.thinking),
            n_tokens=len(span.answer),
            n_thinking=len(span.thinking),
            n_cut=readout.n_cut,
            rest=self._tokens(whole.token_ids, self._not_given(whole.token_ids, places), readout.values),
        )

    def abandon(self) -> None:
        """Stop soon: a reading under way ends at its next chunk. What was read stays read."""
        self._abandoned = True

    def _not_given(self, token_ids: Sequence[int], places: list[tuple[int, bool]]) -> list[tuple[int, bool]]:
        if list(token_ids[: self._next]) == self._text.ids[: self._next]:
            return [place for place in places if place[0] >= self._next]
        return places[self._n_given :]  # The template writes the answer down in another way than it came.

    def _read_out(self, token_ids: Sequence[int]) -> Readout:
        return self._reader.pool.read(self._session, token_ids, lambda: not self._abandoned)

    def _tokens(
        self, token_ids: Sequence[int], places: list[tuple[int, bool]], values: Float[Tensor, " tokens"]
    ) -> tuple[LiveToken, ...]:
        tokenizer = self._reader.model.tokenizer
        found: list[LiveToken] = []
        for at, thinking in places:
            value = float(values[at])
            if math.isnan(value):  # left out, in a conversation beyond the reader's context
                continue
            pieces = list(tokenizer.convert_ids_to_tokens([token_ids[at]]))
            found.append(LiveToken(tokenizer.convert_tokens_to_string(pieces), value, thinking))
        return tuple(found)


def _mean(values: Float[Tensor, " tokens"], places: Sequence[int]) -> float | None:
    picked = values[list(places)]
    picked = picked[~picked.isnan()]
    return float(picked.mean()) if len(picked) else None


def _trims(template: ChatTemplate) -> bool:
    """Whether a template drops blanks around what the assistant said."""
    plain, blank = ([{"role": "user", "content": "a"}, {"role": "assistant", "content": b}] for b in ("b", " b "))
    try:
        return template.render(plain) == template.render(blank)
    except TranscriptError:
        return False
