"""Continuous batching: rows join and leave between steps, each under its own hold.

Each step feeds at most a chunk of waiting prompts, so that a long one stalls nobody, and one token of every running
row. It is the smallest scheduler that serves a machine well; past it, serve from vLLM.
"""

from bisect import bisect_left
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from holdtrue.engines.base import GenerateRequest
from holdtrue.engines.hf.cap_hooks import CapHooks
from holdtrue.engines.hf.decode_cap import FedToken
from holdtrue.engines.hf.grouped_attention import grouped_attention
from holdtrue.engines.hf.masks import Passes
from holdtrue.engines.hf.prefixes import Prefix, Prefixes
from holdtrue.engines.hf.sampling import choose
from holdtrue.models import ChatModel

__all__ = ["Batcher", "Drawn", "Event"]

CHUNK_TOKENS = 64
"""Prompt tokens per step while rows are running."""
IDLE_CHUNK_TOKENS = 512
"""Prompt tokens per step while none is."""
TOGETHER_TOKENS = 256
"""Tokens of short prompts that are read side by side; they cost little more than one of them."""
GATHER_ROWS = 8
"""Prompts that a patient batcher waits for before it reads them side by side."""
GATHER_STEPS = 6
"""Steps that it waits at the most."""
PATIENCE_STEPS = 128
"""After this many steps a prompt goes before shorter ones."""


@final
@dataclass(frozen=True)
class Drawn:
    """A token a row has drawn."""

    token: int
    log_prob: float | None
    """Before temperature and top-p; None unless the row asks for log-probabilities."""
    top: tuple[tuple[int, float], ...] = ()


@final
@dataclass(frozen=True)
class Event:
    """What one step did for one row."""

    row: int
    drawn: Drawn | None = None
    fed: FedToken | None = None
    """The reading of the token drawn in the step before."""
    finished: Literal["stop", "length"] | None = None


@final
@dataclass
class _Row:
    id: int
    request: GenerateRequest
    draw: Callable[[], float]
    slot: int
    held_prompt: list[int]
    """Positions under its floors, in order."""
    steps: int = 0
    """How long its prompt has been waiting to be read."""
    fed_prompt: int = 0
    tokens: list[int] = field(default_factory=list)
    """Drawn so far; all but the last have been fed."""
    n_scored: int = 0
    """Forced answers that are done with."""

    @property
    def length(self) -> int:
        """Positions in the cache."""
        return self.fed_prompt + max(0, len(self.tokens) - 1)

    @property
    def forced(self) -> tuple[int, ...]:
        """The answer that is to be scored now."""
        answers = self.request.forced
        return answers[self.n_scored] if self.n_scored < len(answers) else ()

    @property
    def script(self) -> tuple[int, ...]:
        """What is to be read: the prompt, and all of a forced answer but its last token."""
        return self.request.prompt_token_ids + self.forced[:-1]

    @property
    def waiting(self) -> int:
        return len(self.request.prompt_token_ids) + max(0, len(self.forced) - 1) - self.fed_prompt

    def piece(self, length: int) -> int:
        """How much of its script to read where there is room for `length`: a forced answer isn't cut."""
        if length >= self.waiting or not self.forced:
            return min(length, self.waiting)
        before = len(self.request.prompt_token_ids) - 1 - self.fed_prompt
        return min(length, before) or self.waiting


@final
class Batcher:
    """Runs many requests through one model; one thread at a time may use it.

    Args:
        model: what runs.
        units: unit axes, for readings and floors.
        read_layer: where projections are read.
        max_rows: rows at once, prompts being read among them.
        keep: leave finished rows in the cache for prompts that go on from them, until their slots are needed; its
            memory is then held until the block ends.
        patient: nobody waits for a single token, so that prompts are read in large pieces while others run.

    Raises:
        AmbiguousModel: the model's blocks aren't all attention over keys, or it computes something else in pieces
            than in one pass.
    """

    def __init__(
        self,
        model: ChatModel,
        units: Float[Tensor, "n_layers d_model"],
        read_layer: int,
        max_rows: int = 16,
        *,
        keep: bool = False,
        patient: bool = False,
    ) -> None:
        self._model = model
        self._patient = patient
        self._passes = Passes(model, max_rows)
        self._cache = self._passes.cache
        self._hooks = CapHooks(model.layers, units, read_layer)
        self._max_rows = max_rows
        self._left = Prefixes() if keep else None
        self._running: list[_Row] = []
        """They lie in the first slots, in this order."""
        self._reading: list[_Row] = []
        """Rows whose prompts are being read, in any other slots."""
        self._armed: tuple[int, ...] = ()
        """The rows whose floors the hooks hold."""
        self._next_id = 0
        self._entered = ExitStack()

    def __enter__(self) -> "Batcher":
        with ExitStack() as entered:
            entered.enter_context(self._hooks)
            entered.enter_context(grouped_attention(self._model.model))
            self._entered = entered.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered.close()
        if self._left is not None:
            self._left.clear()
        self._running.clear()
        self._reading.clear()
        self._cache.clear()

    @property
    def n_rows(self) -> int:
        """Rows in slots."""
        return len(self._running) + len(self._reading)

    @property
    def full(self) -> bool:
        """Whether every slot is taken."""
        return self.n_rows >= self._max_rows

    @torch.inference_mode()
    def add(self, request: GenerateRequest) -> int:
        """Take a request into a free slot; the caller keeps the queue.

        Returns:
            The row's id, which its events carry.

        Raises:
            RuntimeError: every slot is taken.
        """
        if self.full:
            message = f"all {self._max_rows} slots are taken"
            raise RuntimeError(message)
        self._next_id += 1
        rng = np.random.Generator(np.random.Philox(request.seed))
        taken = {row.slot for row in (*self._running, *self._reading)}
        free = set(range(self._max_rows)) - taken
        slot, there = min(free), 0
        if self._left is not None:
            slot, there = self._left.take(request, free)
            if not there:
                self._cache.wipe(slot)
        self._reading.append(
            _Row(self._next_id, request, rng.random, slot, sorted(request.held_prompt), fed_prompt=there)
        )
        return self._next_id

    @torch.inference_mode()
    def drop(self, row_id: int) -> None:
        """Free a row's slot; nothing more is heard of it."""
        for row in [row for row in self._reading if row.id == row_id]:
            self._reading.remove(row)
            self._cache.wipe(row.slot)
        self._retire({row_id})

    @torch.inference_mode()
    def step(self) -> list[Event]:
        """Read a chunk of prompt, and draw a token for every running row."""
        events: list[Event] = []
        for part in (self._read_prompts, self._decode):
            part(events)
            self._retire({event.row for event in events if event.finished})
        return events

    def _read_prompts(self, events: list[Event]) -> None:
        # A single pass while others wait for their next token: a second one costs them, and whoever's prompt is whole.
        others = bool(self._running)
        if others and self._patient and self._gathers():
            return
        budget = CHUNK_TOKENS if others and not self._patient else IDLE_CHUNK_TOKENS
        while self._reading and budget > 0:
            rows, length = self._next(budget)
            logits = self._feed_prompts(rows, length)
            budget = 0 if others else budget - length * len(rows)
            whole = [at for at, row in enumerate(rows) if not row.waiting]
            for at in whole:
                if rows[at].forced:
                    self._score(rows[at], logits[at], events)
                else:
                    self._place(rows[at], len(self._running))
                    self._reading.remove(rows[at])
                    self._running.append(rows[at])
            drawing = [at for at in whole if not rows[at].request.forced]
            if drawing:
                self._sample([rows[at] for at in drawing], logits[drawing, -1], None, events)
        for row in self._reading:
            row.steps += 1

    def _gathers(self) -> bool:
        """Whether prompts had better wait for more of them: a pass over one costs nearly what one over several does."""
        if len(self._reading) >= GATHER_ROWS or any(row.steps >= GATHER_STEPS for row in self._reading):
            return False
        for row in self._reading:
            row.steps += 1
        return True

    def _next(self, budget: int) -> tuple[list[_Row], int]:
        """Whose prompts are read now, and how many tokens at the most: several short ones together, or a piece of one.

        The shortest first, so that a long prompt doesn't stall a short one; but nobody waits for ever.
        """
        order = sorted(self._reading, key=lambda row: (row.steps < PATIENCE_STEPS, row.waiting))
        length = order[0].piece(budget)
        rows = order[:1]
        for row in order[1:]:
            wider = max(length, row.waiting)
            if length < order[0].waiting or wider * (len(rows) + 1) > max(budget, TOGETHER_TOKENS):
                break
            rows, length = [*rows, row], wider
        return rows, length

    def _feed_prompts(self, rows: list[_Row], length: int) -> Float[Tensor, "rows keep vocab"]:
        """Feed each row's next tokens; several rows only where each is fed whole. The logits a forced answer needs."""
        starts = [row.fed_prompt for row in rows]
        pieces = [row.script[row.fed_prompt : row.fed_prompt + length] for row in rows]
        width = max(map(len, pieces))
        mask = torch.zeros(len(rows), width, dtype=torch.bool)
        for at, (row, start, piece) in enumerate(zip(rows, starts, pieces, strict=True)):
            held = row.held_prompt
            first, end = (bisect_left(held, place) for place in (start, start + len(piece)))
            mask[at, [width - len(piece) + place - start for place in held[first:end]]] = True
            if row.request.floors is not None:
                beyond = start + len(piece) - len(row.request.prompt_token_ids)
                mask[at, width - max(0, beyond) :] = beyond > 0
        self._hooks.rows([row.request.floors for row in rows])
        self._armed = ()
        with self._hooks.prompt(mask):
            keep = max(len(row.forced) if row.waiting <= length else 1 for row in rows)
            logits = self._passes.pieces([row.slot for row in rows], starts, pieces, max(1, keep))
        for row, piece in zip(rows, pieces, strict=True):
            row.fed_prompt += len(piece)
        return logits

    def _score(self, row: _Row, logits: Float[Tensor, "keep vocab"], events: list[Event]) -> None:
        """Tell a forced answer's log-probabilities; the next one goes on from the prompt's last token."""
        answer = row.forced
        tokens = torch.tensor(answer, device=logits.device)[:, None]
        scores = logits[-len(answer) :].log_softmax(dim=-1).gather(1, tokens)[:, 0].tolist()
        row.n_scored += 1
        row.fed_prompt = len(row.request.prompt_token_ids) - 1
        done = row.n_scored == len(row.request.forced)
        for at, (token, score) in enumerate(zip(answer, scores, strict=True), start=1):
            last = done and at == len(answer)
            events.append(Event(row.id, Drawn(token, score), finished="length" if last else None))
        if done:
            self._reading.remove(row)
            self._leave(row)

    def _decode(self, events: list[Event]) -> None:
        if not self._running:
            return
        rows = tuple(row.id for row in self._running)
        if rows != self._armed:
            self._hooks.rows([row.request.floors for row in self._running])
            self._armed = rows
        lengths, tokens = [row.length for row in self._running], [row.tokens[-1] for row in self._running]
        with self._hooks.decode():
            logits = self._passes.rows(lengths, tokens)
        self._sample(self._running, logits, self._hooks.fed(), events)

    def _sample(
        self, rows: list[_Row], logits: Float[Tensor, "rows vocab"], fed: list[FedToken] | None, events: list[Event]
    ) -> None:
        uniform = torch.tensor([row.draw() for row in rows], dtype=torch.float64)
        requests = [row.request for row in rows]
        tokens = choose(logits, uniform, requests).tolist()
        for at, (row, token) in enumerate(zip(rows, tokens, strict=True)):
            reading = fed[at] if fed is not None else None
            if len(row.tokens) >= row.request.max_new_tokens:
                # The last token was fed for its reading alone.
                events.append(Event(row.id, fed=reading, finished="length"))
            elif token in self._model.eos_token_ids:
                events.append(Event(row.id, fed=reading, finished="stop"))
            else:
                row.tokens.append(token)
                events.append(Event(row.id, _drawn(token, logits[at], row.request.top_log_probs), reading))

    def _retire(self, done: set[int]) -> None:
        for at in reversed(range(len(self._running))):
            if self._running[at].id in done:
                gone, last = self._running[at], self._running.pop()
                if last is not gone:
                    # The gap closes: the last row takes the place of the one that leaves.
                    self._cache.swap(last.slot, at, max(last.length, gone.length))
                    gone.slot, last.slot, self._running[at] = last.slot, at, last
                self._leave(gone)
        if not self.n_rows and self._left is None:
            self._cache.clear()

    def _leave(self, row: _Row) -> None:
        if self._left is None:
            self._cache.wipe(row.slot)
        else:
            length = row.fed_prompt if row.request.forced else row.length
            self._left.keep(row.slot, Prefix.of(row.request, row.tokens, length))

    def _place(self, row: _Row, slot: int) -> None:
        """Put a row where it must lie; whoever is there takes its place."""
        if row.slot == slot:
            return
        other = next((each for each in self._reading if each.slot == slot), None)
        if other is not None:
            self._cache.swap(row.slot, slot, max(row.length, other.length))
            other.slot = row.slot
        elif self._left is not None and slot in self._left:
            self._cache.swap(row.slot, slot, max(row.length, self._left.length(slot)))
            self._left.move(slot, row.slot)
        else:
            self._cache.move(row.slot, slot, row.length)
        row.slot = slot


def _drawn(token: int, logits: Float[Tensor, " vocab"], top: int | None) -> Drawn:
    if top is None:
        return Drawn(token, None)
    log_probs = logits.log_softmax(dim=-1)
    best = log_probs.topk(top) if top else None
    listed = tuple(zip(best.indices.tolist(), best.values.tolist(), strict=True)) if best is not None else ()
    return Drawn(token, float(log_probs[token]), listed)
