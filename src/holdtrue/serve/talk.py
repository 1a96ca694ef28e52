"""A conversation in a terminal: streamed answers, a gauge of drift, and a few commands. Works over a pipe too."""

import asyncio
import json
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Final, final

from holdtrue.axis import Axis
from holdtrue.errors import HoldtrueError, SettingError
from holdtrue.hold import HAND_OVER, Shaped, hold_spec
from holdtrue.models import ChatModel
from holdtrue.records import HoldSpec, write_atomic
from holdtrue.serve.backend import Outcome, Piece, TurnRequest, closed
from holdtrue.serve.local import LocalBackend
from holdtrue.serve.shaping import Summaries, shaped_turn
from holdtrue.watch import Drift, drift_rule

__all__ = ["Talk", "run_talk"]

_HELP: Final = "/hold [NAME|FILE]  how it is held    /drift  the line so far    /save FILE    /new    /quit"
_GAUGE: Final = 21
_LOW, _HIGH = -5.0, 3.0


@final
class Talk:
    """One conversation with a held model.

    Args:
        model: what answers.
        axis: fitted on it.
        spec: how it is held.
        system: system prompt.
        max_tokens: longest answer.
        temperature: 0 for greedy.
        seed: of every draw.

    Raises:
        HoldtrueError: the axis doesn't fit the model, or the hold can't be had on it.
    """

    def __init__(
        self,
        model: ChatModel,
        axis: Axis,
        spec: HoldSpec,
        *,
        system: str | None = None,
        max_tokens: int = 256,
        temperature: float = 0.7,
        seed: int = 0,
    ) -> None:
        self._backend = LocalBackend(model, axis, max_rows=1, max_queue=1)
        self._axis, self._rule = axis, drift_rule(axis.card)
        self._system, self._max_tokens, self._temperature, self._seed = system, max_tokens, temperature, seed
        self.spec = spec
        self.set_hold(spec)
        self.begin()

    def begin(self) -> None:
        """Forget the conversation."""
        self.messages: list[dict[str, str]] = [{"role": "system", "content": self._system}] if self._system else []
        self.z: list[float | None] = []
        self.drift = Drift(self._rule, self._axis.card.digest)
        self._summaries = Summaries()

    def set_hold(self, spec: HoldSpec) -> None:
        """Hold the next answers another way.

        Raises:
            HoldtrueError: it can't be had on this axis.
        """
        self._backend.check_hold(spec)
        self.spec = spec

    async def say(self, text: str) -> AsyncIterator[Piece | Outcome]:
        """Say something and hear the answer, piece by piece; the outcome comes last.

        Raises:
            ApiError: it can't be answered; the conversation is as it was before.
        """
        asked = (*self.messages, {"role": "user", "content": text})
        shaped, _ = await shaped_turn(
            self._backend,
            self._turn(asked),
            self._summaries,
            turn=len(self.z) + 1,
            alarmed_turns=self.drift.alarmed_turns,
            timeout_seconds=math.inf,
        )
        answer = ""
        async with closed(self._answer(shaped)) as items:
            async for item in items:
                if isinstance(item, Outcome):
                    self.messages = [*asked, {"role": "assistant", "content": answer}]
                    self.z.append(item.z)
                    self.drift.answered(item.z)
                else:
                    answer += item.text
                yield item

    async def _answer(self, shaped: Shaped) -> AsyncIterator[Piece | Outcome]:
        if shaped.hand_over:
            yield Piece(HAND_OVER)
            yield Outcome("stop", 0, 0, None, None, None, note="handed over")
            return
        async with closed(self._backend.answer(self._turn(shaped.messages))) as items:
            async for item in items:
                yield item

    def _turn(self, messages: tuple[dict[str, str], ...]) -> TurnRequest:
        return TurnRequest(
            messages=messages,
            hold=self.spec,
            drifting=self.drift.stands,
            session="talk",
            seed=self._seed + len(self.z),
            max_tokens=self._max_tokens,
            temperature=self._temperature,
        )

    def save(self, path: Path) -> None:
        """Write the conversation where `holdtrue watch` can read it.

        Raises:
            StorageError: it can't be written.
        """
        record = {"model": self._backend.model, "hold": self.spec.name, "messages": self.messages, "z": self.z}
        write_atomic(path, json.dumps(record, ensure_ascii=False, indent=1) + "\n")

    async def close(self) -> None:
        """Stop the engine."""
        await self._backend.close()


def run_talk(talk: Talk, said: IO[str], answers: IO[str], notes: IO[str]) -> None:
    """Read lines, stream answers; figures and prompts go to `notes`, so that a pipe gets the answers alone.

    Args:
        talk: the conversation.
        said: the user's lines.
        answers: where answers go.
        notes: where everything else goes.
    """
    live = said.isatty() and notes.isatty()
    notes.write(f"{_HELP}\n" if live else "")
    try:
        while True:
            notes.write("\nyou> " if live else "")
            notes.flush()
            line = said.readline()
            if not line or line.strip() in {"/quit", "/exit"}:
                return
            if text := line.strip():
                _one(talk, text, answers, notes)
    finally:
        asyncio.run(talk.close())


def _one(talk: Talk, text: str, answers: IO[str], notes: IO[str]) -> None:
    try:
        if text.startswith("/"):
            notes.write(_command(talk, text) + "\n")
        else:
            asyncio.run(_answer(talk, text, answers, notes))
    except HoldtrueError as error:
        notes.write(f"holdtrue: {error}\n")
    except KeyboardInterrupt:
        notes.write("\n  stopped; the conversation stands where it did before this answer\n")


async def _answer(talk: Talk, text: str, answers: IO[str], notes: IO[str]) -> None:
    async with closed(talk.say(text)) as items:
        async for item in items:
            if isinstance(item, Piece):
                answers.write(item.text)
                answers.flush()
            else:
                answers.write("\n")
                answers.flush()
                notes.write(_gauge(item, alarm=talk.drift.stands, hold=talk.spec.name) + "\n")


def _gauge(outcome: Outcome, *, alarm: bool, hold: str) -> str:
    """`z` on a scale from -5 to 3, benign talk in brackets; the alarm in words."""
    if outcome.z is None:
        return f"  z not measured: {outcome.note or 'the axis has no calibration'}"
    places = ["·"] * _GAUGE
    for z, mark in ((-1.0, "["), (1.0, "]"), (outcome.z, "●")):
        share = (min(max(z, _LOW), _HIGH) - _LOW) / (_HIGH - _LOW)
        places[round(share * (_GAUGE - 1))] = mark
    fired = "" if not outcome.fired else f"  floor touched {outcome.fired:.0%}"
    return f"  {''.join(places)}  z {outcome.z:+.1f}  {hold}{fired}" + ("  !! DRIFT ALARM" if alarm else "")


def _command(talk: Talk, text: str) -> str:
    name, _, rest = text.partition(" ")
    rest = rest.strip()
    if name == "/hold":
        if rest:
            talk.set_hold(hold_spec(rest))
        return f"  {talk.spec.name}: {talk.spec.summary}"
    if name == "/drift":
        line = "  ".join(f"{turn}:{'-' if z is None else f'{z:+.1f}'}" for turn, z in enumerate(talk.z, start=1))
        return f"  {line or 'no answer yet'}" + ("  !! DRIFT ALARM" if talk.drift.stands else "")
    if name == "/save" and rest:
        talk.save(Path(rest).expanduser())
        return f"  saved {rest}; read it with: holdtrue watch AXIS {rest}"
    if name == "/new":
        talk.begin()
        return "  begun anew"
    if name == "/help":
        return f"  {_HELP}"
    message = f"no command '{text[:40]}'; {_HELP}"
    raise SettingError(message)
