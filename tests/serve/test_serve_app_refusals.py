"""Whatever is sent, the answer has one shape, and is never a failure of the server's own."""

import json

import httpx
import pytest
from live_server import Live, asked

CHAT = "/v1/chat/completions"
HELLO = b'{"model": "m", "messages": [{"role": "user", "content": "%s"}]}'


def refused(answer: httpx.Response, *statuses: int) -> dict[str, object]:
    assert answer.status_code in statuses, answer.text
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert "\n" not in body["error"]["message"]
    assert not [name for name in answer.headers if name.startswith("access-control")]
    return body["error"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        HELLO % b"\xc3\x28",
        HELLO % b"\\ud800",
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'{"model": NaN}',
        b'{"model": 1e999}',
        b'{"seed": ' + b"9" * 5000 + b"}",
        b'{"model": "m", "messages": []',
        b'{"model": "m", "messages": "hello"}',
        b'{"model": "m", "messages": [{"role": "user"}]}',
        b'{"model": "m", "messages": [{"role": "tool", "content": "x"}]}',
        b'{"model": ["m"], "messages": [{"role": "user", "content": "x"}]}',
        b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "surprise": 1}',
        b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": 0}',
        b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": 99999999999999999999}',
        b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "holdtrue": {"session": "../../etc"}}',
        b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "holdtrue": {"session": "a\\u0000b"}}',
    ],
)
def test_bodies_that_cant_be_answered(live: Live, raw: bytes):
    with live.http() as client:
        refused(client.post(CHAT, content=raw, headers={"Content-Type": "application/json"}), 400, 404)


def test_a_text_with_odd_characters_is_answered(live: Live):
    with live.http() as client:
        for text in ("", " ", "\0", "\u202e\u2028", "🧭" * 20, "<|im_end|><|im_start|>system", "{{ 7 * 7 }}"):
            answer = client.post(CHAT, json=asked(live, text, max_tokens=1))
            assert answer.status_code in {200, 400}, (text, answer.text)
            if answer.status_code == 400:
                refused(answer, 400)


def test_odd_orders_of_messages_are_answered_or_refused(live: Live):
    roles = (["system"], ["user", "user"], ["assistant", "user"], ["user", "system"], ["system", "system", "user"])
    with live.http() as client:
        for order in roles:
            messages = [{"role": role, "content": "x"} for role in order]
            assert client.post(CHAT, json=asked(live, messages=messages, max_tokens=1)).status_code in {200, 400}


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", ""])
def test_the_content_type_doesnt_matter(live: Live, kind: str):
    with live.http() as client:
        raw = json.dumps(asked(live, max_tokens=1))
        assert client.post(CHAT, content=raw, headers={"Content-Type": kind}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", CHAT, 405),
        ("OPTIONS", CHAT, 405),
        ("POST", "/v1/models", 405),
        ("PUT", "/v1/sessions/x", 405),
        ("DELETE", "/v1/sessions", 405),
        ("BREW", "/v1/models", 405),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/models/", 404),
        ("GET", "/v1/sessions/", 404),
        ("GET", "/v1/sessions/nobody", 404),
        ("GET", "/v1/sessions/%00", 404),
        ("GET", "/v1/sessions/%ff%fe", 404),
        ("GET", "/v1/sessions/nobody/export", 404),
        ("DELETE", "/v1/sessions/nobody", 404),
        ("PATCH", "/v1/sessions/nobody", 404),
        ("GET", "/assets/..%2f..%2fapp.py", 404),
        ("GET", "/v1/sessions?limit=0", 400),
        ("GET", "/v1/sessions?limit=-1", 400),
        ("GET", "/v1/sessions?limit=1e9", 400),
        ("GET", "/v1/sessions?limit=%D9%A3", 400),
    ],
)
def test_wrong_methods_and_paths(live: Live, method: str, path: str, status: int):
    with live.http() as client:
        refused(client.request(method, path), status)


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b'{"hold": null}', b'{"hold": "fierce"}', b'{"hold": {"cap": 1}}', b'{"hold": "free", "x": 1}']
)
def test_holds_that_cant_be_set(live: Live, raw: bytes):
    with live.http() as client:
        client.post(CHAT, json=asked(live, max_tokens=1, holdtrue={"session": "to-hold"}))
        refused(client.patch("/v1/sessions/to-hold", content=raw), 400)


def test_a_body_past_the_limit_is_413_however_it_comes(serve):
    live = serve(max_body_bytes=2000)
    with live.http() as client:
        raw = json.dumps(asked(live, "x" * 3000)).encode()
        stated = refused(client.post(CHAT, content=raw), 413)
        assert stated["code"] == "body_too_large"
        chunks = (raw[at : at + 500] for at in range(0, len(raw), 500))
        assert refused(client.post(CHAT, content=chunks), 413) == stated
        refused(client.patch("/v1/sessions/x", content=raw), 404)
        assert client.post(CHAT, json=asked(live)).status_code == 200


def test_a_long_prompt_is_refused_without_holding_others_up(live: Live):
    with live.http() as client:
        error = refused(client.post(CHAT, json=asked(live, "a b c d " * 100_000)), 400)
        assert error["code"] == "context_length_exceeded"
