"""An upstream that says what a test has written down, and a reader small enough to build on the spot."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx
from tiny_models import CHATML, make_tokenizer, tiny_config, tiny_model

from holdtrue.axis import Axis
from holdtrue.models import ChatModel, wrap
from holdtrue.records import ContextSpec, HoldSpec
from holdtrue.serve.backend import Outcome, Piece, TurnRequest
from holdtrue.watch.live import LiveReader
from made_axis import made_axis

KEY = "sk-very-secret-0123456789"
FREE = HoldSpec(name="free")


def small_reader() -> LiveReader:
    """A random model and an axis on it: enough to have projections."""
    tokenizer = make_tokenizer(["<|im_start|>", "<|im_end|>", "<|endoftext|>"], CHATML)
    chat = wrap(tiny_model(tiny_config("llama", max_position_embeddings=4096)), tokenizer, name="tiny")
    return LiveReader(chat, an_axis(chat))


def an_axis(chat: ChatModel, layer: int = 1) -> Axis:
    return made_axis(chat, layer, (0, layer))


def a_turn(*, redraw: int = 1, below: float = -2.0, **more: Any) -> TurnRequest:
    context = ContextSpec(redraw=redraw, redraw_below=below)
    given = {
        "messages": ({"role": "user", "content": "Go on."},),
        "hold": HoldSpec(name="outside", context=context),
        "drifting": False,
        "session": "s",
        "seed": 7,
    }
    return TurnRequest(**(given | more))


def event(text: str | None = None, *, finish: str | None = None, usage: Any = None, **more: Any) -> bytes:
    """One chunk of a stream, as OpenAI writes it."""
    choice = {"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": finish, **more}
    chunk = {"object": "chat.completion.chunk", "choices": [choice], "usage": usage}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


USAGE = b'data: {"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 5}}\n\n'
DONE = b"data: [DONE]\n\n"


class Script(httpx.AsyncByteStream):
    """A body chunk by chunk; knows whether it was read to its end or dropped."""

    def __init__(self, chunks: Sequence[bytes | Exception | asyncio.Event]) -> None:
        self.chunks = chunks
        self.given = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            await asyncio.sleep(0)
            if isinstance(chunk, asyncio.Event):
                await chunk.wait()
                continue
            if isinstance(chunk, Exception):
                raise chunk
            self.given += 1
            yield chunk

    async def aclose(self) -> None:
        self.closed = True


class Upstream:
    """Answers each request with the next script, and keeps what it was asked."""

    def __init__(self, *answers: Script | httpx.Response | Exception, models: Sequence[str] = ("big",)) -> None:
        self.answers = list(answers)
        self.models = models
        self.asked: list[dict[str, Any]] = []
        self.urls: list[str] = []
        self.headers: list[httpx.Headers] = []

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._handle)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.urls.append(str(request.url))
        self.headers.append(request.headers)
        if request.url.path.endswith("/models"):
            return httpx.Response(200, json={"data": [{"id": name} for name in self.models]})
        self.asked.append(json.loads(request.content))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Script):
            return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=answer)
        return answer


def says(text: str, *, size: int = 4, usage: bool = True) -> Script:
    """A well-formed answer."""
    cut = [event(text[at : at + size]) for at in range(0, len(text), size)]
    first = event(None, delta={"role": "assistant", "content": ""})
    return Script([first, *cut, event(finish="stop"), *([USAGE] if usage else []), DONE])


async def all_of(items: AsyncIterator[Piece | Outcome]) -> tuple[list[Piece], Outcome]:
    found = [item async for item in items]
    assert isinstance(found[-1], Outcome)
    assert all(isinstance(item, Piece) for item in found[:-1])
    return found[:-1], found[-1]


def run(work: Callable[[], Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work(), 60))
