"""Requests drawn from the server's own description, and spoilt ones: never a failure of its own, one shape of error.

`HOLDTRUE_FUZZ=10000` makes it that many requests.
"""

import json
import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from live_server import Live, asked, until
from schemathesis import Case, GenerationMode

REQUESTS = int(os.environ.get("HOLDTRUE_FUZZ", "120"))
ENDLESS = "/v1/events"


def examples(share: float) -> settings:
    return settings(
        max_examples=max(3, int(REQUESTS * share)),
        deadline=None,
        # As many as a test has time for are the same each time, so that what they must have reached is reached.
        derandomize="HOLDTRUE_FUZZ" not in os.environ,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def check(answer: requests.Response) -> int:
    assert answer.status_code < 500, (answer.request.body, answer.text)
    if answer.status_code >= 400:
        error = answer.json()
        assert set(error) == {"error"}
        assert set(error["error"]) == {"message", "type", "param", "code"}
        assert "\n" not in error["error"]["message"]
    elif answer.headers["content-type"].startswith("text/event-stream"):
        assert answer.text.endswith("data: [DONE]\n\n"), answer.text[-300:]
    elif answer.headers["content-type"] == "application/json":
        answer.json()
    return answer.status_code


def short(body: Any, model: str, *, named: bool) -> Any:
    """The same request, with an answer that is over soon; under the model's own name it gets further."""
    if not isinstance(body, dict):
        return body
    limits = {key: min(body[key], 2) for key in ("max_tokens", "max_completion_tokens") if type(body.get(key)) is int}
    known: dict[str, Any] = {"model": model, "logprobs": True} if named else {}
    if named and isinstance(body.get("holdtrue"), dict):
        known["holdtrue"] = {**body["holdtrue"], "hold": "firm"}
    return {**body, "max_tokens": 2, **limits, **known}


def test_requests_from_the_description(live: Live):
    schema = schemathesis.openapi.from_url(f"{live.url}/openapi.json", timeout=60)
    operations = [result.ok() for result in schema.get_all_operations()]
    operations = [operation for operation in operations if operation.path != ENDLESS]
    chat = "/v1/chat/completions"
    assert {operation.path for operation in operations} > {chat, "/v1/models", "/v1/sessions/{session_id}", "/metrics"}
    model, seen, before = asked(live)["model"], Counter[tuple[str, int]](), _spoilt(live)
    with requests.Session() as session:
        for operation in operations:
            share = 0.3 if operation.path == chat else 0.15 / len(operations)
            for mode in GenerationMode:
                ask = _asking(live, session, operation, mode, model, seen)
                try:
                    examples(share)(ask)()
                except Unsatisfiable:
                    assert mode is GenerationMode.NEGATIVE, "a request without parameters can't be spoilt"
    assert {200, 400, 404} <= {status for path, status in seen if path == chat}, seen
    print(sorted(seen.items()))
    _still_well(live, before)


def _asking(
    live: Live, session: requests.Session, operation: Any, mode: Any, model: str, seen: Counter[tuple[str, int]]
) -> Callable[[], None]:
    @given(case=operation.as_strategy(generation_mode=mode), named=st.booleans())
    def ask(case: Case, named: bool) -> None:
        case.body = short(case.body, model, named=named)
        answer = session.request(**case.as_transport_kwargs(base_url=live.url), timeout=60)
        seen[operation.path, check(answer)] += 1

    return ask


@st.composite
def spoilt(draw: st.DrawFn, good: bytes) -> bytes:
    """A good body with bytes cut out, put in or put elsewhere."""
    raw = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(raw)))
        to = min(len(raw), at + draw(st.integers(0, 12)))
        raw[at:to] = draw(
            st.sampled_from((b"", b'"', b"{", b"]", b"null", b"-1", b"1e400", b"\\ud800", b"\x00", b"\xff"))
        )
    return bytes(raw)


def test_spoilt_bodies(live: Live):
    body = asked(live, "Hi", temperature=0.5, n=2, stop=["x"], logprobs=True, top_logprobs=2, seed=7, max_tokens=1)
    good = json.dumps({**body, "stream": False, "holdtrue": {"hold": {"cap": {"fire": 0.05}}, "session": "f"}}).encode()
    path, before = st.sampled_from(["/v1/chat/completions", "/v1/sessions/f"]), _spoilt(live)
    with requests.Session() as session:

        @examples(0.25)
        @given(raw=spoilt(good), path=path)
        def ask(raw: bytes, path: str) -> None:
            method = "POST" if path.endswith("completions") else "PATCH"
            check(session.request(method, live.url + path, data=raw, timeout=60))

        ask()
    _still_well(live, before)


def _spoilt(live: Live) -> tuple[float, float, set[str]]:
    """Turns that failed, turns that were left, and sessions that none was answered in."""
    empty = {session["id"] for session in _listed(live) if not session["n_turns"]}
    return live.figure("turns_failed_total"), live.figure("turns_left_total"), empty


def _still_well(live: Live, before: tuple[float, float, set[str]]) -> None:
    until(lambda: (live.figure("turns_running"), live.figure("turns_waiting")) == (0, 0))
    # Other tests fail and leave turns of the same server on purpose.
    failed, left, empty = _spoilt(live)
    assert (failed, left) == before[:2]
    assert empty <= before[2]
    listed = _listed(live)
    if len(listed) < 1000:
        assert live.figure("turns_total") >= sum(session["n_turns"] for session in listed)


def _listed(live: Live) -> list[dict[str, Any]]:
    with live.http() as client:
        return list(client.get("/v1/sessions?limit=1000").json()["data"])
