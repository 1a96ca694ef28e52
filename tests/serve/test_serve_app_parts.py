"""Parts of the server that a well-behaved client never reaches."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from live_server import asked, serving, twin
from starlette.requests import ClientDisconnect, Request

from holdtrue.axis import Axis
from holdtrue.hold import PRESETS
from holdtrue.records import CapSpec, ContextSpec, HoldSpec
from holdtrue.serve import intake
from holdtrue.serve.backend import Outcome, Piece, TurnRequest
from holdtrue.serve.build import ServeOptions, local_app
from holdtrue.serve.choices import drawn
from holdtrue.serve.failures import ApiError
from holdtrue.serve.feed import Feed
from holdtrue.serve.intake import EventStream, body_of, until_left
from holdtrue.serve.store import open_store

CHAT = "/v1/chat/completions"
SCOPE = {"type": "http", "method": "POST", "path": "/", "headers": []}


async def _never() -> dict[str, str]:
    await asyncio.Event().wait()
    return {}


async def _gone() -> dict[str, str]:
    return {"type": "http.disconnect"}


class Source:
    """Events without end that note when they are closed."""

    def __init__(self) -> None:
        self.closed = 0

    async def events(self) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"data: x\n\n"
        finally:
            self.closed += 1


def test_a_stream_whose_client_stops_reading_is_given_up(monkeypatch):
    monkeypatch.setattr(intake, "_SEND_SECONDS", 0.05)
    source, sent = Source(), []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)
        if len(sent) == 4:
            await asyncio.Event().wait()

    asyncio.run(asyncio.wait_for(EventStream(source.events())(SCOPE, _never, send), 30))
    assert source.closed == 1


def test_a_stream_whose_client_has_left_before_it_began_is_closed_behind_its_first_event():
    source = Source()

    async def main() -> None:
        inner = source.events()
        await anext(inner)

        async def outer() -> AsyncIterator[bytes]:
            async for event in inner:
                yield event

        async def send(_: dict[str, object]) -> None:
            await asyncio.sleep(0.01)

        await asyncio.wait_for(EventStream(outer(), inner.aclose)(SCOPE, _gone, send), 30)
        assert source.closed == 1

    asyncio.run(main())


def test_work_for_a_client_that_left_is_cancelled_and_finished_with():
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("work")

    async def main() -> None:
        with pytest.raises(ClientDisconnect):
            await until_left(_gone, work())
        assert ended == ["work"]

    asyncio.run(main())


def test_a_body_that_dribbles_is_given_up(monkeypatch):
    monkeypatch.setattr(intake, "_BODY_SECONDS", 0.05)

    async def main() -> None:
        with pytest.raises(ApiError) as caught:
            await body_of(Request(SCOPE, _never), 100)
        assert caught.value.status == 408

    asyncio.run(main())


@pytest.mark.parametrize("length", ["²", "9" * 5000, "-1", "x"])
def test_a_content_length_that_is_no_number_is_passed_over(length: str):
    async def whole() -> dict[str, object]:
        return {"type": "http.request", "body": b"x" * 50, "more_body": False}

    async def main() -> bytes:
        return await body_of(Request({**SCOPE, "headers": [(b"content-length", length.encode("latin-1"))]}, whole), 100)

    if length.startswith("9"):
        with pytest.raises(ApiError, match="100 bytes"):
            asyncio.run(main())
    else:
        assert asyncio.run(main()) == b"x" * 50


def test_nobody_listens_to_a_closed_feed():
    async def main() -> list[object]:
        feed = Feed()
        feed.close()
        return [event async for event in feed.listen(None)]

    assert asyncio.run(asyncio.wait_for(asyncio.to_thread(lambda: asyncio.run(main())), 30)) == []


def test_a_listener_that_falls_behind_is_let_go():
    async def main() -> tuple[int, int]:
        feed = Feed()
        slow = feed.listen(None)
        first = asyncio.ensure_future(anext(slow))
        await asyncio.sleep(0)
        for at in range(3000):
            feed.tell("token", {"at": at}, "")
        await first
        return len([event async for event in slow]), feed.n_listeners

    heard, left = asyncio.run(main())
    assert heard < 3000
    assert left == 0


class Silent:
    """A backend that ends an answer without saying how it went."""

    model, reader, layer = "silent", None, 0
    ready, load = True, (0, 0)

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Piece | Outcome]:
        yield Piece("Hm")

    def check_hold(self, hold: HoldSpec) -> None: ...

    def count_tokens(self, messages: tuple[dict[str, str], ...]) -> int:
        return 1

    async def close(self) -> None: ...


def test_an_answer_without_an_outcome_is_a_failure_not_a_wait():
    async def main() -> None:
        turn = TurnRequest((), PRESETS["free"], False, "s", 0)
        async for _ in drawn(Silent(), [turn], 30.0):
            pass

    with pytest.raises(RuntimeError, match="without an outcome"):
        asyncio.run(main())


def test_a_sessions_hold_that_this_axis_cant_have_is_refused_by_name(serve, tmp_path: Path):
    path = str(tmp_path / "shared.db")
    store = open_store(path)
    far = HoldSpec(name="far", cap=CapSpec(tau=1.0, band=(50, 60)))
    store.create("another model", None, "", far, id="elsewhere")
    store.close()
    live = serve(db=path)
    with live.http() as client:
        refused = client.post(CHAT, json=asked(live, holdtrue={"session": "elsewhere"}))
        assert refused.status_code == 400
        assert refused.json()["error"]["code"] == "hold_not_possible"
        own = {"session": "elsewhere", "hold": "free"}
        assert client.post(CHAT, json=asked(live, holdtrue=own)).status_code == 200


def test_an_axis_without_calibration_serves_the_holds_that_need_none(smollm, smollm_axis: Axis, tmp_path: Path):
    axis = replace(smollm_axis, card=smollm_axis.card.model_copy(update={"calibration": ()}))
    app = local_app(twin(smollm), axis, ServeOptions(hold="free", db=str(tmp_path / "s.db")))
    with serving(app) as live, live.http() as client:
        assert {hold["name"] for hold in client.get("/v1/holdtrue").json()["holds"]} == {"free", "remind"}
        told = client.post(CHAT, json=asked(live)).json()["holdtrue"]
    assert isinstance(told["projection"], float)
    assert told["z"] is None


def test_a_summary_that_takes_too_long_is_504(serve):
    live = serve(timeout_seconds=0.3)
    spec = HoldSpec(name="brief", context=ContextSpec(budget_tokens=300, over_budget="summarise"))
    long = [{"role": role, "content": "word " * 60} for role in ("user", "assistant") * 3]
    body = asked(live, messages=[*long, {"role": "user", "content": "And?"}])
    body["holdtrue"] = {"hold": {key: value for key, value in spec.model_dump(mode="json").items() if key != "schema"}}
    with live.http() as client:
        late = client.post(CHAT, json=body)
    assert (late.status_code, late.json()["error"]["code"]) == (504, "timeout")
