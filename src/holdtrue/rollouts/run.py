"""Run a plan: draw, check adherence, store means, log; stop when the axis is reliable enough."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch

from holdtrue.axis import CellSums, MeanBatch, reliability
from holdtrue.engines import Engine, GenerateRequest
from holdtrue.errors import EvidenceError
from holdtrue.records import DEFAULT_ROLE, Rollout
from holdtrue.rollouts.adherence import Adherence, Drawn
from holdtrue.rollouts.log import RolloutLog
from holdtrue.rollouts.means import MeanStore
from holdtrue.rollouts.plan import Batch, Plan, derive_seed
from holdtrue.rollouts.presets import Preset

__all__ = ["Progress", "RunResult", "run_plan"]


@final
@dataclass(frozen=True)
class Progress:
    """Where a run stands, after each batch."""

    done: int
    total: int
    tokens_per_second: float
    seconds_left: float
    note: str = ""

    @property
    def rate(self) -> str:
        """How fast it goes, in words."""
        return f"{self.tokens_per_second:.0f} tokens/s"


Report = Callable[[Progress], None]


@final
@dataclass(frozen=True)
class RunResult:
    """What a finished run leaves to the fit."""

    cells: CellSums
    n_rollouts: int
    n_tokens: int
    accepted: dict[str, int]
    """Accepted rollouts by role, the default among them."""
    offered: dict[str, int]
    clear: Callable[[], None]
    """Removes the working files, once the artifact is safe."""


def run_plan(
    engine: Engine, plan: Plan, preset: Preset, adherence: Adherence, folder: Path, *, seed: int, report: Report
) -> RunResult:
    """Draw the plan's rollouts into `folder`, going on where an earlier run stopped.

    Args:
        engine: draws the responses and their activation means.
        plan: the design.
        preset: lengths, temperature and the reliability target.
        adherence: decides which role rollouts count.
        folder: holds `rollouts.jsonl` and, until `MeanStore.clear`, the sums.
        seed: of the halvings that decide about stopping.
        report: called after every batch.

    Raises:
        RunError: the folder holds a damaged log.
        StorageError: the disk is full; what is finished is safe.
    """
    log = RolloutLog(folder / "rollouts.jsonl")
    empty = CellSums.empty(len(plan.personas.roles), plan.n_groups, engine.n_layers, engine.d_model)
    store = MeanStore(folder / "means", empty)
    clock = _Clock(total=plan.n_rollouts, report=report)
    done = 0
    for round_ in plan.rounds:
        for batch in round_:
            done += len(batch.cells)
            # A batch counts as finished once its lines and its means are on the disk: lines come last.
            if batch.index < store.next_batch and all(cell.id in log.accepted for cell in batch.cells):
                clock.skip(done)
                continue
            rollouts, means = _draw(engine, batch, preset, adherence)
            store.put(batch.index, means)
            log.append(rollouts)
            clock.tick(done, sum(len(rollout.response_token_ids) for rollout in rollouts))
        # A resumed run that holds later batches has judged this round already, on this round's sums.
        fresh = store.next_batch == round_[-1].index + 1 and done < plan.n_rollouts
        if preset.target_reliability is None or not fresh:
            continue
        lower = _reliability_bound(store.cells, seed)
        if lower is not None and lower >= preset.target_reliability:
            clock.stop(done, f"split-half lower bound {lower:.3f} reached {preset.target_reliability}")
            break
    offered, accepted = _tally(plan, log)
    return RunResult(store.cells, sum(offered.values()), log.n_tokens, accepted, offered, store.clear)


def _draw(engine: Engine, batch: Batch, preset: Preset, adherence: Adherence) -> tuple[list[Rollout], MeanBatch]:
    requests = [
        GenerateRequest(cell.prompt_token_ids, preset.max_new_tokens, cell.seed, preset.temperature, preset.top_p)
        for cell in batch.cells
    ]
    drawn = [
        Drawn(cell, completion)
        for cell, completion in zip(batch.cells, engine.generate(requests, capture=True), strict=True)
    ]
    played = [d for d in drawn if d.cell.row > 0 and d.completion.resid_mean is not None]
    scores = {d.cell.id: score for d, score in zip(played, adherence.score(played), strict=True)}
    rollouts = [_rollout(d, scores.get(d.cell.id), adherence.least) for d in drawn]
    counted = [
        (d.cell, d.completion.resid_mean)
        for d, rollout in zip(drawn, rollouts, strict=True)
        if rollout.accepted and d.completion.resid_mean is not None
    ]
    shape = (0, engine.n_layers, engine.d_model)
    means = MeanBatch(
        means=torch.stack([mean for _, mean in counted]) if counted else torch.zeros(shape),
        rows=torch.tensor([cell.row for cell, _ in counted], dtype=torch.int64),
        questions=torch.tensor([cell.question for cell, _ in counted], dtype=torch.int64),
        reserved=torch.tensor([int(cell.reserved) for cell, _ in counted], dtype=torch.int64),
    )
    return rollouts, means


def _rollout(drawn: Drawn, score: float | None, least: float) -> Rollout:
    cell, completion = drawn.cell, drawn.completion
    return Rollout(
        id=cell.id,
        role=cell.role,
        prompt_id=cell.prompt_id,
        question_id=cell.question_id,
        prompt_token_ids=cell.prompt_token_ids,
        response_token_ids=completion.token_ids,
        text=completion.text,
        seed=cell.seed,
        adherence=score,
        accepted=completion.resid_mean is not None and (score is None or score >= least),
    )


def _reliability_bound(cells: CellSums, seed: int) -> float | None:
    """The best layer's split-half lower bound so far; None while there is too little to halve."""
    n_layers = cells.sums.shape[2]
    # Neighbouring layers tell the same story: a dozen of them find the best one closely enough.
    layers = sorted({round(i) for i in np.linspace(n_layers / 4, n_layers - 1, 12)})
    rng = np.random.default_rng(derive_seed(seed, "stopping"))
    try:
        return max(found.ci[0] for found in reliability(cells, layers, rng))
    except EvidenceError:
        return None


def _tally(plan: Plan, log: RolloutLog) -> tuple[dict[str, int], dict[str, int]]:
    names = [DEFAULT_ROLE, *(role.name for role in plan.personas.roles)]
    offered, accepted = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for id_, counts in log.accepted.items():
        role = id_.split("/", 1)[0]
        offered[role] += 1
        accepted[role] += counts
    return offered, accepted


@final
class _Clock:
    """Rate and time left, over what this sitting has drawn."""

    def __init__(self, *, total: int, report: Report) -> None:
        self._total, self._report = total, report
        self._start = time.monotonic()
        self._drawn, self._tokens, self._last = 0, 0, 0

    def skip(self, done: int) -> None:
        self._last = done

    def tick(self, done: int, tokens: int) -> None:
        self._drawn += done - self._last
        self._last, self._tokens = done, self._tokens + tokens
        spent = max(time.monotonic() - self._start, 1e-6)
        left = (self._total - done) * spent / max(self._drawn, 1)
        self._report(Progress(done, self._total, self._tokens / spent, left))

    def stop(self, done: int, reason: str) -> None:
        saved = 1 - done / self._total
        self._report(Progress(done, self._total, 0.0, 0.0, f"{reason}: {saved:.0%} of the design saved"))
