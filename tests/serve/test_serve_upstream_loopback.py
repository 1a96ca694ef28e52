"""The same over real sockets: bytes as the network cuts them, a dropped connection, nobody there."""

import asyncio
from collections.abc import Sequence

import pytest
from scripted_upstream import DONE, USAGE, a_turn, all_of, event, run, small_reader

from holdtrue.serve.failures import ApiError
from holdtrue.serve.upstream import connect
from holdtrue.watch.live import LiveReader

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def live() -> LiveReader:
    return small_reader()


class Loopback:
    """One HTTP answer per connection, chunk by chunk; without an end it waits until it is left."""

    def __init__(self, chunks: Sequence[bytes], *, ends: bool = True) -> None:
        self.chunks, self.ends = chunks, ends
        self.left = asyncio.Event()

    async def __aenter__(self) -> "Loopback":
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-l"))
        await reader.readexactly(length)
        writer.write(HEAD)
        for chunk in self.chunks:
            writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            await writer.drain()
            await asyncio.sleep(0.002)
        if self.ends:
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        else:
            await reader.read()
            self.left.set()
        writer.close()


def test_an_answer_cut_into_single_bytes_arrives_whole(live):
    raw = b": hi\r\n\r\n" + event("naïve ") + event("日本 🙂") + event(finish="stop") + USAGE + DONE

    async def work():
        async with Loopback([raw[at : at + 1] for at in range(len(raw))]) as server:
            backend = await connect(server.url, live, model="big")
            pieces, outcome = await all_of(backend.answer(a_turn()))
            await backend.close()
        assert "".join(piece.text for piece in pieces) == "naïve 日本 🙂"
        assert (outcome.prompt_tokens, outcome.completion_tokens) == (11, 5)

    run(work)


def test_leaving_closes_the_upstreams_socket(live):
    async def work():
        async with Loopback([event("a")], ends=False) as server:
            backend = await connect(server.url, live, model="big")
            items = backend.answer(a_turn())
            await anext(items)
            await items.aclose()
            await asyncio.wait_for(server.left.wait(), 10)
            await backend.close()

    run(work)


def test_silence_is_a_timeout(live):
    async def work():
        async with Loopback([event("a")], ends=False) as server:
            backend = await connect(server.url, live, model="big", timeout_seconds=0.2)
            with pytest.raises(ApiError) as caught:
                await all_of(backend.answer(a_turn()))
            await backend.close()
        assert caught.value.status == 504

    run(work)


def test_nobody_there_is_said_with_the_address(live):
    async def work():
        async with Loopback([]) as server:
            url = server.url
        backend = await connect(url, live, model="big")
        with pytest.raises(ApiError, match=f"nothing answers at the upstream {url}") as caught:
            await all_of(backend.answer(a_turn()))
        assert caught.value.status == 502
        await backend.close()
        with pytest.raises(ApiError, match="nothing answers"):
            await connect(url, live)

    run(work)
