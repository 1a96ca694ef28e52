"""Every error has one shape, one line, and says nothing of the inside."""

import json
from typing import Annotated

import pytest
from fastapi import Body, FastAPI, Query
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from holdtrue.errors import SettingError
from holdtrue.serve import failures
from holdtrue.serve.failures import ApiError, ErrorBody, install, shown


@pytest.fixture
def client():
    app = FastAPI()
    install(app)

    @app.get("/sessions")
    async def sessions(limit: Annotated[int, Query(ge=1, le=200)]):
        return {"limit": limit}

    @app.post("/body")
    async def body(value: Annotated[dict[str, int], Body()]):
        return value

    @app.get("/raise/{what}")
    async def fail(what: str):
        raise {
            "busy": failures.overloaded(0.2),
            "secret": RuntimeError("password=hunter2"),
            "own": SettingError("/srv/private/axis.json is malformed"),
            "teapot": HTTPException(418, "a teapot\nindeed"),
            "server": HTTPException(500, "password=hunter2"),
            "key": failures.unauthorised(),
        }[what]

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("method", "path", "status", "kind", "code"),
    [
        ("GET", "/nowhere", 404, "invalid_request_error", "unknown_url"),
        ("DELETE", "/sessions", 405, "invalid_request_error", "method_not_allowed"),
        ("GET", "/sessions?limit=many", 422, "invalid_request_error", "invalid_value"),
        ("GET", "/sessions", 422, "invalid_request_error", "invalid_value"),
        ("GET", "/raise/busy", 429, "rate_limit_error", "rate_limit_exceeded"),
        ("GET", "/raise/secret", 500, "server_error", "internal_error"),
        ("GET", "/raise/own", 500, "server_error", "internal_error"),
        ("GET", "/raise/server", 500, "server_error", "internal_error"),
        ("GET", "/raise/teapot", 418, "invalid_request_error", None),
        ("GET", "/raise/key", 401, "authentication_error", "invalid_api_key"),
    ],
)
def test_every_error_has_the_one_shape(client, method, path, status, kind, code):
    response = client.request(method, path)
    assert response.status_code == status
    assert set(response.json()) == {"error"}
    error = ErrorBody.model_validate_json(response.content, strict=True).error
    assert (error.type, error.code) == (kind, code)
    assert error.message.isprintable()
    assert "hunter2" not in response.text
    assert "/srv" not in response.text


def test_a_refused_parameter_is_named_with_its_mend(client):
    error = client.get("/sessions?limit=0").json()["error"]
    assert error["param"] == "limit"
    assert "greater than or equal to 1 (got '0')" in error["message"]
    assert "'limit' is missing; add it" in client.get("/sessions").json()["error"]["message"]


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b""])
def test_a_body_that_is_no_json_is_the_clients_failure(client, body):
    response = client.post("/body", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 422)
    ErrorBody.model_validate_json(response.content)


def test_headers_say_when_to_come_back_which_method_and_how_to_authenticate(client):
    assert client.get("/raise/busy").headers["Retry-After"] == "1"
    assert client.post("/sessions").headers["Allow"] == "GET"
    assert client.get("/raise/key").headers["WWW-Authenticate"] == "Bearer"


def test_a_long_path_is_not_echoed_whole(client):
    assert len(client.get("/" + "x" * 5000).json()["error"]["message"]) < 200


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (failures.bad_request("m", param="p", code="c"), 400),
        (failures.forbidden("m"), 403),
        (failures.not_found("m"), 404),
        (failures.method_not_allowed("m"), 405),
        (failures.too_large(10), 413),
        (failures.unavailable("m", retry_after=2.5), 503),
        (failures.timed_out("m"), 504),
        (failures.upstream("m"), 502),
        (failures.internal(), 500),
    ],
)
def test_named_errors_carry_their_status(error, status):
    response = error.response()
    assert response.status_code == status
    assert json.loads(response.body) == error.body()
    assert error.body()["error"]["message"] == str(error)


@given(st.text(st.characters(), max_size=2000), st.text(st.characters(), max_size=200))
def test_any_text_makes_a_message_of_one_printable_line(message, param):
    error = ApiError(400, message, kind="invalid_request_error", param=param)
    assert error.message.isprintable()
    assert len(error.message) <= 600
    assert len(error.param) <= 80
    json.dumps(error.body(), ensure_ascii=False).encode()


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()), st.lists))
def test_any_value_is_shown_printable_and_short(value):
    assert shown(value).isprintable()
    assert 0 < len(shown(value)) <= 80
