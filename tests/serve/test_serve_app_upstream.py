"""The same server as its own upstream: held and read from outside, by OpenAI's own client."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from live_server import Live, asked, serving, twin

from holdtrue.axis import Axis
from holdtrue.errors import SettingError
from holdtrue.models import ChatModel
from holdtrue.serve.build import ServeOptions, upstream_app


@pytest.fixture(scope="module")
def outside(
    live: Live, smollm: ChatModel, smollm_axis: Axis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    db = tmp_path_factory.mktemp("outside") / "sessions.db"
    options = ServeOptions(hold="remind", db=str(db), client_holds=True, max_context=512)
    with serving(upstream_app(live.url, None, twin(smollm), smollm_axis, options)) as server:
        yield server


def test_openais_client_streams_through_and_the_reading_is_the_readers(outside: Live, smollm: ChatModel) -> None:
    client = outside.openai()
    (model,) = client.models.list().data
    messages = [{"role": "user", "content": "Name three colours."}]
    stream = client.chat.completions.create(
        model=model.id,
        messages=messages,
        stream=True,
        max_tokens=8,
        temperature=0,
        extra_body={"holdtrue": {"tokens": True}},
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    told = chunks[-1].holdtrue
    assert text
    assert told["reader"] == smollm.name
    assert told["hold"] == "remind"
    assert told["fired"] is None
    assert "".join(token["text"] for token in told["tokens"]) == text


def test_read_from_outside_as_from_inside(outside: Live, live: Live) -> None:
    request = {"max_tokens": 12, "temperature": 0, "holdtrue": {"hold": "free"}}
    found = []
    for server in (live, outside):
        with server.http() as client:
            answer = client.post("/v1/chat/completions", json=asked(server, "Name three rivers.", **request)).json()
        found.append((answer["choices"][0]["message"]["content"], answer["holdtrue"]["projection"]))
    assert found[0][0] == found[1][0]
    assert found[0][1] == pytest.approx(found[1][1], abs=0.05)


def test_a_cap_cannot_be_had_from_outside_and_says_so(
    outside: Live, live: Live, smollm: ChatModel, smollm_axis: Axis, tmp_path: Path
) -> None:
    with outside.http() as client:
        offered = [hold["name"] for hold in client.get("/v1/holdtrue").json()["holds"]]
        refused = client.post("/v1/chat/completions", json=asked(outside, holdtrue={"hold": {"cap": {"fire": 0.1}}}))
    assert offered == ["free", "remind"]
    assert refused.status_code == 400
    assert "weights" in refused.json()["error"]["message"]
    with pytest.raises(SettingError, match="out of reach"):
        upstream_app(live.url, None, twin(smollm), smollm_axis, ServeOptions(hold="gentle", db=str(tmp_path / "s.db")))


def test_the_dashboard_says_who_reads(outside: Live, smollm: ChatModel) -> None:
    with outside.http() as client:
        assert client.get("/v1/holdtrue").json()["reader"] == smollm.name
        assert client.get("/").status_code == 200
