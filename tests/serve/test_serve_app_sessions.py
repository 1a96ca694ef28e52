"""Sessions over HTTP, the live feed, figures, the audit log, and a store that fails."""

import json
import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from live_server import LONG, Live, asked, events_of, until

from holdtrue.errors import StorageError
from holdtrue.hold import PRESETS
from holdtrue.serve.audit_log import AuditLog
from holdtrue.serve.failures import unavailable
from holdtrue.serve.keys import add_key
from holdtrue.serve.local import LocalBackend
from holdtrue.serve.store import SessionStore, open_store
from holdtrue.watch import AuditSampler

CHAT = "/v1/chat/completions"


@contextmanager
def listening(live: Live, key: str | None = None) -> Iterator["queue.Queue[tuple[str, dict[str, Any]]]"]:
    """The feed's events as they come."""
    heard: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
    ready = threading.Event()
    with live.http(key) as client, client.stream("GET", "/v1/events") as response:

        def listen() -> None:
            name = ""
            try:
                for line in response.iter_lines():
                    ready.set()
                    if line.startswith("event: "):
                        name = line.removeprefix("event: ")
                    elif line.startswith("data: "):
                        heard.put((name, json.loads(line.removeprefix("data: "))))
            except httpx.TransportError:
                return  # closed under it

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        assert ready.wait(30)
        try:
            yield heard
        finally:
            response.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
            thread.join(30)


def test_a_session_is_listed_looked_at_held_exported_and_deleted(live: Live):
    with live.http() as client:
        for text in ("First.", "Second."):
            client.post(CHAT, json=asked(live, text, holdtrue={"session": "whole"}))
        listed = client.get("/v1/sessions?limit=1").json()
        assert listed["object"] == "list"
        (summary,) = listed["data"]
        assert (summary["id"], summary["n_turns"], summary["title"]) == ("whole", 2, "First.")
        look = client.get("/v1/sessions/whole").json()
        assert {name: look[name] for name in summary} == summary
        assert [turn["turn"] for turn in look["turns"]] == [1, 2]
        assert len(look["turns"][0]["tokens"]) == look["turns"][0]["completion_tokens"] == 3
        assert "".join(token["text"] for token in look["turns"][0]["tokens"]) == look["turns"][0]["answer"]
        held = client.patch("/v1/sessions/whole", json={"hold": "firm"}).json()
        assert held["hold"] == "firm"
        told = client.post(CHAT, json=asked(live, holdtrue={"session": "whole"})).json()["holdtrue"]
        assert (told["hold"], told["hold_digest"]) == ("firm", held["hold_digest"])
        exported = client.get("/v1/sessions/whole/export")
        assert exported.headers["content-disposition"] == 'attachment; filename="whole.json"'
        assert exported.json() == client.get("/v1/sessions/whole").json()
        assert client.delete("/v1/sessions/whole").json() == {"id": "whole", "deleted": True}
        assert client.get("/v1/sessions/whole").status_code == 404


def test_the_feed_tells_tokens_then_the_turn_then_the_session(live: Live):
    with live.http() as client, listening(live) as heard:
        answer = client.post(CHAT, json=asked(live, holdtrue={"session": "fed", "tokens": True})).json()
        client.patch("/v1/sessions/fed", json={"hold": "firm"})
        client.delete("/v1/sessions/fed")
        events = [heard.get(timeout=30) for _ in range(7)]
    assert [name for name, _ in events] == ["token"] * 3 + ["turn", "session", "session", "deleted"]
    told = answer["holdtrue"]
    for (_, event), token in zip(events[:3], told["tokens"], strict=True):
        assert set(event) == {"session", "turn", "text", "projection", "before", "fired", "z"}
        assert {name: event[name] for name in token} == token
        assert (event["session"], event["turn"]) == ("fed", 1)
    assert events[2][1]["z"] == pytest.approx(told["z"])
    turn = events[3][1]
    assert (turn["session"], turn["turn"], turn["answer"]) == ("fed", 1, answer["choices"][0]["message"]["content"])
    assert isinstance(turn["drift"], float)
    assert [event["hold"] for _, event in events[4:6]] == ["free", "firm"]
    assert events[6][1] == {"id": "fed"}


def test_the_feed_tells_clients_of_their_own_sessions_alone(serve, tmp_path: Path):
    secrets = {name: add_key(tmp_path / "keys", name, operator=name == "op")[1] for name in ("ann", "bob", "op")}
    live = serve(keys=tmp_path / "keys")
    with live.http(secrets["ann"]) as ann, live.http(secrets["bob"]) as bob, live.http(secrets["op"]) as operator:
        model = ann.get("/v1/models").json()["data"][0]["id"]
        body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
        with (
            listening(live, secrets["ann"]) as anns,
            listening(live, secrets["bob"]) as bobs,
            listening(live, secrets["op"]) as all_of_them,
        ):
            ann.post(CHAT, json={**body, "holdtrue": {"session": "a"}})
            operator.post(CHAT, json={**body, "holdtrue": {"session": "a"}})
            bob.post(CHAT, json={**body, "holdtrue": {"session": "b"}})

            def sessions(heard: "queue.Queue[tuple[str, dict[str, Any]]]", n: int) -> list[str]:
                seen = []
                while len(seen) < n:
                    name, event = heard.get(timeout=30)
                    seen += [event["session"]] if name == "turn" else []
                return seen

            assert sessions(all_of_them, 3) == ["a", "a", "b"]
            assert sessions(anns, 2) == ["a", "a"]
            assert sessions(bobs, 1) == ["b"]


def test_listeners_that_leave_are_forgotten(live: Live):
    feed = live.app.state.feed
    before = feed.n_listeners
    with listening(live):
        until(lambda: feed.n_listeners == before + 1)
    until(lambda: feed.n_listeners == before)


def test_figures_carry_model_and_layer_and_no_more(live: Live, smollm):
    with live.http() as client:
        client.post(CHAT, json=asked(live, "A secret question.", holdtrue={"session": "figured"}))
        before = {name: live.figure(name) for name in ("turns_total", "completion_tokens_total", "prompt_tokens_total")}
        usage = client.post(CHAT, json=asked(live)).json()["usage"]
        refused = live.figure("requests_refused_total")
        client.post(CHAT, content=b"{")
        text = client.get("/metrics").text
    assert live.figure("turns_total") == before["turns_total"] + 1
    for name in ("prompt", "completion"):
        assert live.figure(f"{name}_tokens_total") == before[f"{name}_tokens_total"] + usage[f"{name}_tokens"]
    assert live.figure("requests_refused_total") == refused + 1
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert samples
    for line in samples:
        labels = dict(each.split("=") for each in line[line.index("{") + 1 : line.index("}")].split(","))
        assert labels.pop("le", None) is None or "_bucket{" in line
        assert labels == {"model": f'"{smollm.name}"', "layer": '"20"'}, line
    assert "secret" not in text
    assert "figured" not in text


def test_what_the_server_is_is_told(live: Live, smollm):
    with live.http() as client:
        about = client.get("/v1/holdtrue").json()
    assert (about["model"], about["layer"], about["hold"], about["needs_key"]) == (smollm.name, 20, "free", False)
    assert {hold["name"] for hold in about["holds"]} >= {"free", "gentle", "firm"}
    assert about["calibration"]["sd"] > 0
    assert about["detector"]["alarm"] > 0


def test_retention_deletes_what_wasnt_used_for_so_long(serve, tmp_path: Path, smollm):
    old = open_store(str(tmp_path / "old.db"), clock=lambda: time.time() - 10 * 86_400)
    old.create(smollm.name, None, "", PRESETS["free"], id="old")
    old.close()
    new = open_store(str(tmp_path / "old.db"))
    new.create(smollm.name, None, "", PRESETS["free"], id="new")
    new.close()
    live = serve(db=str(tmp_path / "old.db"), keep_days=5.0)
    with live.http() as client:
        until(lambda: [each["id"] for each in client.get("/v1/sessions").json()["data"]] == ["new"])


def test_the_audit_log_has_the_drawn_turns_and_nothing_else_tells(serve, tmp_path: Path, caplog):
    sampler, log = AuditSampler(b"k" * 32, 0.5), tmp_path / "audit.jsonl"
    live = serve(audit=AuditLog(sampler, log))
    names = [f"s{at}" for at in range(6)]
    with live.http() as client:
        answers = {
            name: client.post(CHAT, json=asked(live, f"I am {name}.", holdtrue={"session": name})).json()
            for name in names
        }
        figures = client.get("/metrics").text
    drawn = [name for name in names if sampler.chosen(name, 1)]
    assert 0 < len(drawn) < len(names)
    until(lambda: log.exists() and log.read_text().count("\n") == len(drawn))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines == [
        {
            "session": name,
            "turn": 1,
            "user": f"I am {name}.",
            "answer": answers[name]["choices"][0]["message"]["content"],
        }
        for name in drawn
    ]
    assert log.stat().st_mode & 0o077 == 0
    shapes = {tuple(sorted(answer)) + tuple(sorted(answer["holdtrue"])) for answer in answers.values()}
    assert len(shapes) == 1
    assert "audit" not in figures + json.dumps(answers) + caplog.text


def test_an_audit_log_that_cant_be_written_fails_no_answer_and_says_so_of_every_turn(serve, tmp_path: Path, caplog):
    live = serve(audit=AuditLog(AuditSampler(b"k" * 32, 0.5), tmp_path / "gone" / "audit.jsonl"))
    with live.http() as client:
        for name in ("s1", "s2", "s3", "s4"):
            assert client.post(CHAT, json=asked(live, holdtrue={"session": name})).status_code == 200

    def told() -> list[str]:
        return [record.message for record in caplog.records if "audit log" in record.message]

    until(lambda: len(told()) == 4)
    assert len(set(told())) == 1


def _full(*_: object, **__: object) -> Any:
    message = "sessions.db: the session database failed (disk is full); free some space, then try again"
    raise StorageError(message)


@pytest.mark.parametrize("call", ["find_by_history", "create", "record_turn"])
def test_a_store_that_fails_is_503_and_the_streams_last_event(live: Live, monkeypatch, call: str):
    history = [{"role": role, "content": "x"} for role in ("user", "assistant", "user")]
    with live.http() as client:
        before = client.get("/v1/sessions").json()["data"]
        monkeypatch.setattr(SessionStore, call, _full)
        failed = client.post(CHAT, json=asked(live, messages=history))
        assert failed.status_code == 503
        assert "disk is full" in failed.json()["error"]["message"]
        streamed = client.post(CHAT, json=asked(live, messages=history, stream=True))
        if call == "find_by_history":
            assert streamed.status_code == 503
        else:
            *_, last = events_of(streamed.text)
            assert last["error"]["code"] == "unavailable"
        monkeypatch.undo()
        assert client.post(CHAT, json=asked(live)).status_code == 200
        after = client.get("/v1/sessions").json()["data"]
        # The list is cut, and sessions that were begun and never answered in have pushed others out.
        kept = [[each for each in listed if each["n_turns"]][:40] for listed in (after[1:], before)]
        assert kept[0] == kept[1]
    assert live.figure("turns_running") == 0


def test_a_session_deleted_while_it_answers_ends_its_stream_with_an_error(live: Live):
    with live.http() as client:
        client.post(CHAT, json=asked(live, holdtrue={"session": "doomed"}))
        body = asked(live, LONG, holdtrue={"session": "doomed"}, stream=True, max_tokens=30)
        with client.stream("POST", CHAT, json=body) as response, live.http() as other:
            lines = response.iter_lines()
            next(lines)
            assert other.delete("/v1/sessions/doomed").status_code == 200
            *_, last = [line for line in lines if line]
        assert json.loads(last.removeprefix("data: "))["error"]["code"] == "unavailable"
        assert client.get("/v1/sessions/doomed").status_code == 404


def test_ready_says_so_until_the_server_drains(serve):
    live = serve()
    with live.http() as client:
        assert (client.get("/ready").status_code, client.get("/health").status_code) == (200, 200)
        live.app.state.standing.draining = True
        assert (client.get("/ready").status_code, client.get("/health").status_code) == (503, 200)
        refused = client.post(CHAT, json=asked(live))
        assert refused.status_code == 503
        assert "Retry-After" in refused.headers


def test_one_choice_that_fails_ends_the_turn_and_frees_the_others(live: Live, monkeypatch):
    draw, calls = LocalBackend._draw, []

    async def failing(self: LocalBackend, turn: Any) -> Any:
        calls.append(turn)
        if len(calls) == 2:
            message = "no"
            raise unavailable(message)
        async for item in draw(self, turn):
            yield item

    monkeypatch.setattr(LocalBackend, "_draw", failing)
    with live.http() as client:
        assert client.post(CHAT, json=asked(live, LONG, n=3, max_tokens=400)).status_code == 503
    until(lambda: (live.figure("turns_running"), live.figure("turns_waiting")) == (0, 0))
