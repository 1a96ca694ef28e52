"""A backend in front of somebody's API: text passes through at once, readings follow, weights stay out of reach."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from typing import Any, final

import httpx

from holdtrue.errors import SettingError, TranscriptError
from holdtrue.records import HoldSpec
from holdtrue.serve.backend import Finish, Outcome, Piece, TurnRequest
from holdtrue.serve.failures import bad_request
from holdtrue.serve.redraw import redrawn
from holdtrue.serve.upstream.client import UpstreamClient
from holdtrue.serve.upstream.reading import Heard, Reading
from holdtrue.serve.upstream.stream import Usage
from holdtrue.watch.live import LiveReader

__all__ = ["UpstreamBackend", "connect"]

AHEAD_PIECES = 32
"""Pieces that may wait for a slow client before the upstream is left waiting too."""


async def connect(
    url: str,
    live: LiveReader,
    *,
    key: str = "",
    model: str | None = None,
    timeout_seconds: float = 120.0,
    transport: httpx.AsyncBaseTransport | None = None,
) -> "UpstreamBackend":
    """Put a backend in front of an API.

    Args:
        url: where it is, with or without `/v1`.
        live: reads what it writes.
        key: for the upstream; never shown.
        model: which of its models; the only one if None.
        timeout_seconds: the longest silence to bear.
        transport: in place of the network, for tests.

    Raises:
        SettingError: the URL or key can't be used, or the upstream has no model or several and none was named.
        ApiError: the upstream doesn't say which models it has.
    """
    client = UpstreamClient(url, key, timeout_seconds=timeout_seconds, transport=transport)
    try:
        return UpstreamBackend(client, live, model or await _only_model(client))
    except BaseException:
        await client.close()
        raise


@final
class UpstreamBackend:
    """Answers with somebody else's model, and reads along with a small one.

    What can be done from outside is done: the context policy, before; redrawing, here. A cap can't be.

    Args:
        client: speaks to the upstream.
        live: reads what it writes.
        model: the upstream's name for the model.
    """

    def __init__(self, client: UpstreamClient, live: LiveReader, model: str) -> None:
        self.model = model
        self.reader: str | None = live.model.name
        self.layer = live.axis.layer
        self._client, self._live = client, live
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reader")
        self._n_running = 0
        self._closed = False

    @property
    def ready(self) -> bool:
        """Whether turns can be answered; whether the upstream can, only asking it shows."""
        return not self._closed

    @property
    def load(self) -> tuple[int, int]:
        """Turns running; none wait here."""
        return self._n_running, 0

    def check_hold(self, hold: HoldSpec) -> None:
        """Refuse a hold that needs the model's weights.

        Raises:
            SettingError: it has a cap.
        """
        if hold.cap is not None:
            message = (
                f"hold {hold.name!r} caps activations, and {self.model} is somebody's API: its weights are out of "
                "reach; from outside these work: remind, reanchor, a token budget, hand over, redraw"
            )
            raise SettingError(message)

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Piece | Outcome]:
        """Draw one answer (see `Backend.answer`); several where the hold redraws.

        Raises:
            ApiError: the hold can't be applied from outside, or the upstream failed.
        """
        try:
            self.check_hold(turn.hold)
        except SettingError as error:
            raise bad_request(str(error), param="holdtrue.hold", code="hold_needs_weights") from None
        self._n_running += 1
        try:
            async with aclosing(redrawn(self._draw, turn)) as items:
                async for item in items:
                    yield item
        finally:
            self._n_running -= 1

    def count_tokens(self, messages: tuple[dict[str, str], ...]) -> int:
        """Prompt tokens by the reader's tokenizer: an estimate of the upstream's."""
        try:
            return self._live.count_tokens(messages)
        except TranscriptError:  # an order of turns that only the reader's template minds
            tokenizer = self._live.model.template.tokenizer
            return sum(len(tokenizer(message["content"]).input_ids) + 4 for message in messages)

    async def close(self) -> None:
        """Drop the upstream's connections and let the reader's thread go."""
        self._closed = True
        await self._client.close()
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def _draw(self, turn: TurnRequest) -> AsyncIterator[Piece | Outcome]:
        out: asyncio.Queue[Piece | Outcome | Exception] = asyncio.Queue(AHEAD_PIECES)
        task = asyncio.create_task(self._relay(turn, out))
        try:
            while True:
                item = await out.get()
                if isinstance(item, Exception):
                    raise item
                yield item
                if isinstance(item, Outcome):
                    return
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _relay(self, turn: TurnRequest, out: "asyncio.Queue[Piece | Outcome | Exception]") -> None:
        reading = Reading(self._live, turn, self._worker, out)
        listener = asyncio.create_task(reading.run())
        try:
            finish: Finish = "stop"
            usage: Usage | None = None
            async for delta in self._client.stream(self._body(turn)):
                if delta.text or delta.choices:
                    await out.put(Piece(delta.text, delta.choices))
                    reading.hear(delta.text)
                finish, usage = delta.finish or finish, delta.usage or usage
            reading.hear(None)
            await out.put(self._outcome(turn, await listener, finish, usage))
        except Exception as error:  # noqa: BLE001 - raised where the answer is awaited
            await out.put(error)
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener

    def _body(self, turn: TurnRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": list(turn.messages),
            "temperature": turn.temperature,
            "top_p": turn.top_p,
            "seed": turn.seed,
        }
        if turn.max_tokens is not None:
            body["max_tokens"] = turn.max_tokens
        if turn.stop:
            body["stop"] = list(turn.stop)
        if turn.top_logprobs is not None:
            body["logprobs"] = True
            if turn.top_logprobs:
                body["top_logprobs"] = turn.top_logprobs
        return body

    def _outcome(self, turn: TurnRequest, heard: Heard, finish: Finish, usage: Usage | None) -> Outcome:
        summary, notes = heard.summary, [heard.note] if heard.note else []
        if usage is None:
            usage = Usage(self.count_tokens(turn.messages), summary.n_tokens + summary.n_thinking if summary else 0)
            notes.append("the upstream sent no usage: token counts are the reader's estimate")
        return Outcome(
            finish_reason=finish,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            projection=summary.projection if summary else None,
            z=summary.z if summary else None,
            fired=None,
            thinking_projection=summary.thinking_projection if summary else None,
            note="; ".join(notes) or None,
        )


async def _only_model(client: UpstreamClient) -> str:
    names = await client.models()
    if len(names) == 1:
        return names[0]
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    message = f"the upstream {client.place} has {len(names)} models ({shown or 'none'}); name the one to serve"
    raise SettingError(message)
