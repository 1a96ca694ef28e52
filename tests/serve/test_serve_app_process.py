"""The server as a process of its own: killed in the middle of an answer, and asked to stop."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from live_server import LONG, until

from holdtrue.axis import Axis, save_axis
from holdtrue.serve.store import open_store

CHAT = "/v1/chat/completions"


@contextmanager
def process(axis: Path, db: Path) -> Iterator[tuple["subprocess.Popen[str]", httpx.Client]]:
    command = [
        str(Path(sys.executable).with_name("holdtrue")),
        "serve",
        "smollm2-135m",
        "--axis",
        str(axis),
        "--port",
        "0",
    ]
    command += ["--db", str(db), "--hold", "free", "--device", "cpu", "--dtype", "float32"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.extend(iter(server.stderr.readline, "")), daemon=True)
    reader.start()
    address = re.compile(r"listening on (http://\S+)")
    try:
        until(lambda: server.poll() is not None or any(map(address.search, said)), 120)
        assert server.poll() is None, said
        url = next(found[1] for found in map(address.search, said) if found)
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            yield server, client
    finally:
        server.kill()
        server.wait()
        reader.join(30)
        server.stderr.close()


@pytest.fixture
def artifact(smollm_axis: Axis, tmp_path: Path) -> Path:
    save_axis(smollm_axis, tmp_path / "axis")
    return tmp_path / "axis"


def body(text: str, **fields: object) -> dict[str, object]:
    messages = [{"role": "user", "content": text}]
    return {"model": "smollm2-135m", "messages": messages, "max_tokens": 3, "temperature": 0, **fields}


def test_a_server_killed_in_the_middle_of_an_answer_has_kept_the_ones_before(artifact: Path, tmp_path: Path):
    db, own = tmp_path / "sessions.db", {"session": "kept"}
    with process(artifact, db) as (server, client):
        for text in ("Name three colours.", "Why is the sky blue?"):
            assert client.post(CHAT, json=body(text, holdtrue=own)).status_code == 200
        third = body(LONG, holdtrue=own, stream=True, max_tokens=400)
        with client.stream("POST", CHAT, json=third) as response:
            lines = response.iter_lines()
            heard = [next(lines) for _ in range(10)]
            os.kill(server.pid, signal.SIGKILL)
            with pytest.raises(httpx.TransportError):
                heard += list(lines)
        assert not any("holdtrue" in line for line in heard), "it was killed too late"
    store = open_store(str(db))
    session = store.find("kept")
    assert session is not None
    assert session.n_turns == 2
    turns = store.turns("kept")
    assert [turn.user for turn in turns] == ["Name three colours.", "Why is the sky blue?"]
    assert all(turn.answer and len(turn.tokens) == 3 for turn in turns)
    store.close()


def test_a_server_asked_to_stop_finishes_what_it_has_begun_and_takes_nothing_new(artifact: Path, tmp_path: Path):
    with process(artifact, tmp_path / "sessions.db") as (server, client):
        url = str(client.base_url)
        feed_ended = threading.Event()

        def listen() -> None:
            with httpx.stream("GET", f"{url}/v1/events", timeout=60, trust_env=False) as feed:
                for _ in feed.iter_lines():
                    pass
            feed_ended.set()

        threading.Thread(target=listen, daemon=True).start()
        # A connection that is open already is told, one that isn't is refused.
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as waiting:
            assert waiting.get("/ready").status_code == 200
            with client.stream("POST", CHAT, json=body(LONG, stream=True, max_tokens=60)) as response:
                lines = response.iter_lines()
                next(lines)
                server.send_signal(signal.SIGTERM)
                until(lambda: _refused(waiting))
                assert _refused(waiting)
                *_, last = [line for line in lines if line]
        assert last == "data: [DONE]"
        assert server.wait(30) == 0
        assert feed_ended.wait(30)
    store = open_store(str(tmp_path / "sessions.db"))
    (session,) = store.recent()
    assert session.n_turns == 1
    store.close()


def _refused(client: httpx.Client) -> bool:
    try:
        answer = client.post(CHAT, json=body("Hi"))
    except httpx.TransportError:
        return True
    assert answer.status_code in {200, 503}, answer.text
    return answer.status_code == 503 and json.loads(answer.text)["error"]["code"] == "unavailable"
