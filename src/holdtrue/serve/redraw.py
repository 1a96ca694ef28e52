"""Ask again when an answer falls too far from the persona, and keep the best: the hold that works from outside."""

import hashlib
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import replace

from holdtrue.serve.backend import Outcome, Piece, TurnRequest, closed
from holdtrue.serve.failures import ApiError

__all__ = ["Draw", "redrawn"]

Draw = Callable[[TurnRequest], AsyncIterator[Piece | Outcome]]


async def redrawn(draw: Draw, turn: TurnRequest) -> AsyncGenerator[Piece | Outcome, None]:
    """Draw an answer, and again while its z is under the hold's `redraw_below`; the highest z is given.

    Where the hold redraws, nothing is given before the last candidate is done. An answer that wasn't measured stands.
    A failure after the first candidate ends the asking, not the answer.

    Args:
        draw: a backend's way to draw one answer.
        turn: its hold says how many candidates and under which z.

    Raises:
        ApiError: the first candidate failed.
    """
    spec = turn.hold.context
    if spec.redraw == 1 or turn.temperature == 0:  # greedy candidates would all be the same
        async with closed(draw(turn)) as items:
            async for item in items:
                yield item
        return
    candidates: list[tuple[list[Piece], Outcome]] = []
    failed, began = "", time.monotonic()
    for attempt in range(spec.redraw):
        try:
            candidates.append(await _collected(draw(replace(turn, seed=_seed(turn.seed, attempt)))))
        except ApiError as error:
            if not candidates:
                raise
            failed = f"asking again failed: {error.message}"
            break
        z = candidates[-1][1].z
        if z is None or z >= spec.redraw_below:
            break
        spent = time.monotonic() - began
        if spent * (attempt + 2) / (attempt + 1) > turn.limit_seconds:
            failed = "there was no time to ask again"
            break
    pieces, outcome = max(candidates, key=lambda candidate: _rank(candidate[1]))
    for piece in pieces:
        yield piece
    extra = sum(other.completion_tokens for _, other in candidates) - outcome.completion_tokens
    note = "; ".join(filter(None, [outcome.note, failed])) or None
    yield replace(outcome, redraws=len(candidates) - 1, extra_tokens=extra, note=note)


async def _collected(items: AsyncIterator[Piece | Outcome]) -> tuple[list[Piece], Outcome]:
    pieces: list[Piece] = []
    async with closed(items) as open_items:
        async for item in open_items:
            if isinstance(item, Outcome):
                return pieces, item
            pieces.append(item)
    message = "a backend ended an answer without an outcome"
    raise RuntimeError(message)


def _rank(outcome: Outcome) -> float:
    return -math.inf if outcome.z is None else outcome.z


def _seed(seed: int, attempt: int) -> int:
    # Not seed + attempt: clients who count their seeds up would get each other's candidates.
    if attempt == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}:{attempt}".encode()).digest()[:4]) >> 1
