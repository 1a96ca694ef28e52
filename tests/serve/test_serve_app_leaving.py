"""Clients that leave, dawdle, crowd, or never read: nobody else notices, and their places are free again."""

import json
import socket

import pytest
from live_server import LONG, Live, asked, raw_post, until


def load(live: Live) -> tuple[float, float]:
    return live.figure("turns_running"), live.figure("turns_waiting")


def open_turn(live: Live, *, stream: bool, text: str = LONG, **fields: object) -> socket.socket:
    connection = live.connect()
    connection.sendall(raw_post(asked(live, text, stream=stream, **{"max_tokens": 400, **fields})))
    return connection


@pytest.mark.parametrize("stream", [False, True])
def test_who_leaves_frees_the_place(live: Live, stream: bool):
    left = live.figure("turns_left_total")
    connection = open_turn(live, stream=stream)
    if stream:
        assert connection.recv(16).startswith(b"HTTP/1.1 200")
    until(lambda: load(live) == (1, 0))
    connection.close()
    until(lambda: load(live) == (0, 0))
    until(lambda: live.figure("turns_left_total") == left + 1)
    with live.http() as client:
        assert client.post("/v1/chat/completions", json=asked(live)).status_code == 200


def test_who_leaves_while_the_prompt_is_read_or_waits_frees_the_place(serve):
    live = serve(max_batch=1, max_context=8192)
    reading = open_turn(live, stream=True, text="One more word. " * 1800, max_tokens=2)
    until(lambda: load(live) == (1, 0))
    waiting = [open_turn(live, stream=stream) for stream in (False, True)]
    until(lambda: load(live) == (1, 2))
    for connection in waiting:
        connection.close()
    until(lambda: live.figure("turns_left_total") == 2)
    reading.close()
    until(lambda: load(live) == (0, 0))
    assert live.figure("turns_total") == 0, "the prompt was read to its end before its client had left"


def test_a_full_queue_is_429_and_says_when_to_come_back(serve):
    live = serve(max_batch=1, max_queue=1)
    held = open_turn(live, stream=True)
    until(lambda: load(live) == (1, 0))
    queued = open_turn(live, stream=False, max_tokens=2)
    until(lambda: load(live) == (1, 1))
    for stream in (False, True):
        with live.http() as client:
            refused = client.post("/v1/chat/completions", json=asked(live, stream=stream))
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) >= 1
        assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert live.figure("turns_failed_total") == 0
    held.close()
    assert queued.recv(16).startswith(b"HTTP/1.1 200")
    queued.close()


def test_choices_that_find_places_free_arent_refused_for_a_short_queue(serve):
    live = serve(max_batch=4, max_queue=1)
    with live.http() as client:
        answer = client.post("/v1/chat/completions", json=asked(live, n=5, temperature=1, max_tokens=2))
        assert answer.status_code == 200
        assert len(answer.json()["choices"]) == 5
        assert client.post("/v1/chat/completions", json=asked(live, n=6)).status_code == 429
    until(lambda: load(live) == (0, 0))


def test_half_open_clients_hold_nothing_up(live: Live):
    body = raw_post(asked(live))
    started = [body[:20], body[:-5], b"", b"POST /v1/chat/completions HTTP/1.1\r\n"]
    connections = [live.connect() for _ in range(40)]
    for at, connection in enumerate(connections):
        connection.sendall(started[at % 4])
    with live.http() as client:
        assert client.post("/v1/chat/completions", json=asked(live)).status_code == 200
    assert load(live) == (0, 0)
    # One that was half there all the time is still welcome to finish.
    connections[1].sendall(body[-5:])
    assert connections[1].recv(16).startswith(b"HTTP/1.1 200")
    for connection in connections:
        connection.close()


def test_clients_that_never_read_stall_nobody(live: Live):
    connections = []
    for _ in range(3):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        host, port = live.url.removeprefix("http://").split(":")
        connection.connect((host, int(port)))
        body = asked(live, LONG, stream=True, max_tokens=16, logprobs=True, top_logprobs=20)
        connection.sendall(raw_post(body))
        connections.append(connection)
    until(lambda: load(live)[0] >= 1)
    with live.http() as client:
        assert client.post("/v1/chat/completions", json=asked(live)).status_code == 200
    until(lambda: load(live) == (0, 0))
    for connection in connections:
        connection.close()


def test_turns_of_one_session_come_one_after_the_other(live: Live):
    body = asked(live, holdtrue={"session": "crowd"}, max_tokens=2)
    connections = [live.connect() for _ in range(4)]
    for connection in connections:
        connection.sendall(raw_post(body))
    for connection in connections:
        assert connection.recv(16).startswith(b"HTTP/1.1 200")
        connection.close()
    with live.http() as client:
        assert [turn["turn"] for turn in client.get("/v1/sessions/crowd").json()["turns"]] == [1, 2, 3, 4]


def test_a_hold_set_meanwhile_is_the_one_of_turns_that_waited(live: Live):
    own = {"session": "set-meanwhile"}
    with live.http() as client:
        client.post("/v1/chat/completions", json=asked(live, holdtrue=own))
        first = open_turn(live, stream=True, holdtrue=own)
        until(lambda: load(live) == (1, 0))
        waiting = live.connect()
        waiting.sendall(raw_post(asked(live, holdtrue=own)))
        assert client.patch("/v1/sessions/set-meanwhile", json={"hold": "firm"}).status_code == 200
        first.close()
        answer = b""
        while b'"hold_digest"' not in answer:
            answer += waiting.recv(65536)
        waiting.close()
        assert b'"hold":"firm"' in answer
        assert client.get("/v1/sessions/set-meanwhile").json()["turns"][-1]["hold"] == "firm"


def test_only_so_many_may_wait_for_one_session(live: Live):
    body = asked(live, LONG, holdtrue={"session": "queue"}, max_tokens=400)
    connections: list[socket.socket] = []

    def refused() -> bool:
        connections.append(live.connect())
        connections[-1].sendall(raw_post(body))
        connections[-1].settimeout(0.1)
        try:
            return connections[-1].recv(12) == b"HTTP/1.1 429"
        except TimeoutError:
            return False  # it waits in line

    until(refused)
    assert len(connections) > 17, "one is answered, and sixteen wait"
    for connection in connections:
        connection.close()
    until(lambda: load(live) == (0, 0))


def test_a_turn_that_takes_too_long_is_504_and_its_place_free(serve):
    live = serve(timeout_seconds=0.3)
    with live.http() as client:
        late = client.post("/v1/chat/completions", json=asked(live, LONG, max_tokens=400))
        assert late.status_code == 504
        assert late.json()["error"]["code"] == "timeout"
        streamed = client.post("/v1/chat/completions", json=asked(live, LONG, max_tokens=400, stream=True))
    *_, last = [line for line in streamed.text.splitlines() if line] if streamed.status_code == 200 else [streamed.text]
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "timeout"
    until(lambda: load(live) == (0, 0))
    assert live.figure("turns_failed_total") == 2
