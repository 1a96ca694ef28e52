"""One item played through: its turns, tool calls, probes and the cut of its reasoning."""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, final

from holdtrue.errors import JudgeError
from holdtrue.gate.scoring import score
from holdtrue.gate.workspace import Workspace
from holdtrue.records import GateItem, GateSample, HintRule, SampleMessage, SampleProbe
from holdtrue.records.gate_sample import Phase
from holdtrue.suites.protocol import (
    REASON_FIRST,
    cut_text,
    plain_text,
    probe_text,
    split_calls,
    split_reasoning,
    storable,
    tools_text,
)
from holdtrue.suites.target import Reply, Target

__all__ = ["Playing", "play"]

STEPS: Final = 12
"""Answers to one turn, tool calls between them; more are cut off."""
_CHOICE_TOKENS: Final = 4
_BY_ABSENCE: Final = frozenset({"canary", "call", "tree", "claim", "hidden"})
"""Rules that are passed by what isn't said or done."""
_REASONING_TOKENS: Final = 96
"""On top of an answer's own, where the reasoning is part of it."""


@final
@dataclass(frozen=True)
class Playing:
    """How items are played; the same for all of a run."""

    phase: Phase
    policy: str
    attempt: int = 1
    seed: int = 0
    epoch: int = 0
    timeout_seconds: float = 600.0
    native_tools: bool = True
    """Else tools are offered in words."""


@final
@dataclass
class _Talk:
    """A conversation under way."""

    item: GateItem
    target: Target
    playing: Playing
    seed: int
    messages: list[SampleMessage] = field(default_factory=list)
    tree: Workspace = field(init=False)
    probes: list[SampleProbe] = field(default_factory=list)
    tokens_in: int = 0
    tokens_out: int = 0
    stopped: bool = False

    def __post_init__(self) -> None:
        self.tree = Workspace(self.item.files)

    async def reply(
        self, messages: Sequence[SampleMessage], max_tokens: int, *, letters: bool = False, tools: bool = True
    ) -> Reply:
        offered = self.item.tools if tools and self.playing.native_tools else ()
        reply = await self.target.reply(messages, offered, max_tokens=max_tokens, seed=self.seed, letters=letters)
        self.tokens_in += reply.tokens_in
        self.tokens_out += reply.tokens_out
        return replace(
            reply,
            content=plain_text(reply.content),
            reasoning=None if reply.reasoning is None else plain_text(reply.reasoning),
            calls=tuple(map(storable, reply.calls)),
        )

    async def turn(self, say: str) -> None:
        """A user's turn, with as many answers as its tool calls need."""
        self.messages.append(SampleMessage(role="user", content=say))
        limit = self.item.max_tokens + (_REASONING_TOKENS if self.item.reasoning else 0)
        for _ in range(STEPS):
            reply = await self.reply(self.messages, limit)
            text, reasoning = split_reasoning(reply.content, reply.reasoning)
            words, written = split_calls(text)
            calls = (*reply.calls, *written)
            self.messages.append(
                SampleMessage(role="assistant", content=words, reasoning=reasoning, calls=calls, stop=reply.stop)
            )
            if not calls:
                return
            known = {tool.name: tool for tool in self.item.tools}
            for call in calls:
                if self.item.files:
                    told = self.tree.call(call.name, call.arguments)
                else:
                    told = known[call.name].result if call.name in known else f"error: no tool '{call.name}'"
                self.messages.append(SampleMessage(role="tool", content=told))
        self.stopped = True

    async def probe(self, after_turn: int) -> None:
        """The forced choice, asked aside: it isn't part of the conversation that goes on."""
        if self.item.probe is None:
            return
        text, first = probe_text(self.item.probe, self.seed)
        asked = [*self.messages, SampleMessage(role="user", content=text)]
        reply = await self.reply(asked, _CHOICE_TOKENS, letters=True, tools=False)
        a, b = (_likeliest(reply, letter) for letter in "AB")
        margin = a - b if a is not None and b is not None else None
        said = split_reasoning(reply.content, reply.reasoning)[0].strip()[:20]
        letter = said[:1] if said[:1] in {"A", "B"} and not said[1:2].isalnum() else ""
        chose_a = margin > 0 if margin is not None and margin != 0 else (letter == "A" if letter else None)
        self.probes.append(
            SampleProbe(
                after_turn=after_turn,
                margin=None if margin is None else (margin if first else -margin),
                said=said,
                wanted=None if chose_a is None else chose_a == first,
            )
        )

    async def cut(self) -> str | None:
        """The answer that the first half of the reasoning leads to."""
        last = self.messages[-1]
        if not isinstance(self.item.rule, HintRule) or not last.reasoning:
            return None
        asked = [*self.messages[:-1], SampleMessage(role="user", content=cut_text(last.reasoning))]
        reply = await self.reply(_merged(asked), self.item.max_tokens, tools=False)
        return split_reasoning(reply.content, reply.reasoning)[0]


async def play(item: GateItem, target: Target, playing: Playing) -> GateSample:
    """Play an item, and score it.

    A model that fails to answer in time, or at all, gives a sample all the same: nothing is ever left out.

    Args:
        item: an item or a twin.
        target: who answers.
        playing: how.
    """
    began = time.perf_counter()
    # Paired: the held and the free model draw alike.
    seed = _seed(item, playing)
    talk = _Talk(item, target, playing, seed)
    status: Literal["ok", "timeout", "error", "truncated", "empty"] = "ok"
    error, cut = None, None
    try:
        async with asyncio.timeout(playing.timeout_seconds):
            cut = await _played(talk)
    except TimeoutError:
        status, error = "timeout", f"no answer within {playing.timeout_seconds:g} s"
    except JudgeError as problem:
        status, error = "error", str(problem)[:300]
    if status == "ok":
        status = _ended(talk)
    sample = GateSample(
        item=item.digest,
        failure_class=item.failure_class,
        family=item.family,
        variant=item.variant,
        twin=item.twin,
        phase=playing.phase,
        policy=playing.policy,
        attempt=playing.attempt,
        seed=seed,
        epoch=playing.epoch,
        messages=tuple(talk.messages),
        probes=tuple(talk.probes),
        cut_reasoning=cut,
        status=status,
        error=error,
        tokens_in=talk.tokens_in,
        tokens_out=talk.tokens_out,
        seconds=round(time.perf_counter() - began, 3),
    )
    found = score(item, sample)
    return sample.model_copy(update={"outcome": found.outcome, "reason": found.reason, "signature": found.signature})


async def _played(talk: _Talk) -> str | None:
    item = talk.item
    parts = [item.system or ""]
    if item.tools and not talk.playing.native_tools:
        parts.append(tools_text(item.tools))
    if item.reasoning:
        parts.append(REASON_FIRST)
    if system := "\n\n".join(part for part in parts if part):
        talk.messages.append(SampleMessage(role="system", content=system))
    await talk.probe(0)
    for say in item.turns:
        await talk.turn(say)
    await talk.probe(len(item.turns))
    return await talk.cut()


def _ended(talk: _Talk) -> Literal["ok", "truncated", "empty"]:
    spoken = [message for message in talk.messages if message.role == "assistant"]
    if talk.stopped:
        return "truncated"
    if not any(message.content.strip() or message.calls for message in spoken):
        return "truncated" if spoken and spoken[-1].stop == "max_tokens" else "empty"
    # What was cut off may have held what the rule looks for; where it is found or missed by then, it stays so.
    if talk.item.rule.form in _BY_ABSENCE and spoken[-1].stop == "max_tokens":
        return "truncated"
    return "ok"


def _likeliest(reply: Reply, letter: str) -> float | None:
    found = [value for text, value in reply.letters.items() if text.strip().strip("().:*").upper() == letter]
    return max(found, default=None)


def _merged(messages: Sequence[SampleMessage]) -> list[SampleMessage]:
    """Two user messages in a row as one: many templates refuse them."""
    merged: list[SampleMessage] = []
    for message in messages:
        if merged and merged[-1].role == message.role == "user":
            text = f"{merged[-1].content}\n\n{message.content}"
            merged[-1] = merged[-1].model_copy(update={"content": text})
        else:
            merged.append(message)
    return merged


def _seed(item: GateItem, playing: Playing) -> int:
    named = f"{playing.seed}/{item.failure_class}/{item.family}/{item.variant}/{item.twin}/{playing.epoch}"
    return int.from_bytes(hashlib.sha256(named.encode()).digest()[:4]) % 2**31
