"""`POST /v1/chat/completions`."""

import time
from collections.abc import AsyncGenerator, AsyncIterator

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from holdtrue.serve import wire
from holdtrue.serve.backend import TokenChoice, closed
from holdtrue.serve.failures import ApiError, internal
from holdtrue.serve.intake import EventStream, until_left
from holdtrue.serve.turn import Turn
from holdtrue.serve.turns import Asker, Turns
from holdtrue.serve.wire import ChatRequest, Choice, Stamp

__all__ = ["answer"]


async def answer(request: Request, raw: bytes, asker: Asker, turns: Turns, names: tuple[str, ...]) -> Response:
    """Answer one request, whole or as a stream.

    Args:
        request: for its client's leaving.
        raw: its body.
        asker: who asks.
        turns: the server's standing parts.
        names: what the model may be called.

    Raises:
        ApiError: it can't be answered.
    """
    # Megabytes of JSON take a while to check: off the event loop.
    asked = await anyio.to_thread.run_sync(wire.parse_chat, raw)
    wire.check_model(asked.model, names)
    turn = await Turn.begin(turns, asked, asker)
    stamp = Stamp(
        id=wire.completion_id(),
        created=int(time.time()),
        model=asked.model,
        fingerprint=wire.fingerprint(turns.weights_digest, turn.hold.digest),
        include_usage=asked.include_usage,
    )
    if not asked.stream:
        return JSONResponse(await until_left(request.receive, _whole(turn, asked, stamp)))
    chunks = _chunks(turn, asked, stamp)
    # What goes wrong before the first chunk still has a status of its own.
    first = await until_left(request.receive, anext(chunks))
    return EventStream(_with_first(first, chunks), chunks.aclose)


async def _whole(turn: Turn, asked: ChatRequest, stamp: Stamp) -> dict[str, object]:
    drawn: list[list[TokenChoice]] = [[] for _ in range(asked.n)]
    async with closed(turn.pieces()) as pieces:
        async for index, piece in pieces:
            drawn[index] += piece.choices
    choices = [
        Choice(
            index=index,
            text=turn.text(index),
            finish_reason=turn.outcomes[index].finish_reason,
            tokens=tuple(drawn[index]) if asked.top_logprobs is not None else None,
        )
        for index in range(asked.n)
    ]
    return wire.completion(stamp, choices, _usage(turn), turn.report())


async def _chunks(turn: Turn, asked: ChatRequest, stamp: Stamp) -> AsyncGenerator[bytes, None]:
    wants_log_probs = asked.top_logprobs is not None
    opening = b"".join(wire.event(wire.role_chunk(stamp, each)) for each in range(asked.n))
    async with closed(turn.pieces()) as pieces:
        async for index, piece in pieces:
            # Not before there is something to say: what goes wrong until then has a status of its own.
            if opening:
                yield opening
                opening = b""
            if piece.text or (wants_log_probs and piece.choices):
                yield wire.event(wire.chunk(stamp, index, piece.text, piece.choices if wants_log_probs else None))
    if opening:
        yield opening
    for index in range(asked.n):
        yield wire.event(wire.finish_chunk(stamp, index, turn.outcomes[index].finish_reason))
    yield wire.event(wire.last_chunk(stamp, turn.report(), _usage(turn) if asked.include_usage else None))
    yield wire.DONE


async def _with_first(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async with closed(rest):
            yield first
            async for event in rest:
                yield event
    except ApiError as error:
        # The status has gone out long ago: the error is the stream's last event.
        yield wire.event(error.body())
    except Exception:
        yield wire.event(internal().body())
        raise


def _usage(turn: Turn) -> dict[str, object]:
    outcomes = turn.outcomes.values()
    return wire.usage_object(
        next(iter(outcomes)).prompt_tokens, sum(each.completion_tokens + each.extra_tokens for each in outcomes)
    )
