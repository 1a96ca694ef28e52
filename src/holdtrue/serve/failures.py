"""One shape for every error the server answers with: ``{"error": {"message", "type", "param", "code"}}``."""

from collections.abc import Mapping
from math import ceil
from typing import Any, Final, final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from holdtrue.errors import HoldtrueError

__all__ = [
    "ApiError",
    "ErrorBody",
    "ErrorDetail",
    "bad_request",
    "forbidden",
    "install",
    "internal",
    "method_not_allowed",
    "not_found",
    "overloaded",
    "shown",
    "timed_out",
    "too_large",
    "unauthorised",
    "unavailable",
    "upstream",
]

_INVALID: Final = "invalid_request_error"
_KINDS: Final = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error", 504: "timeout_error"}
_ECHO: Final = 80
_LONGEST: Final = 600


class ErrorDetail(BaseModel):
    """What went wrong."""

    model_config = ConfigDict(frozen=True)

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """The body of every answer with a status of 400 or more, for the API's own description."""

    model_config = ConfigDict(frozen=True)

    error: ErrorDetail


@final
class ApiError(HoldtrueError):
    """An answer with a status of 400 or more; its message is made safe to show: one line, printable, cut when long."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.status = status
        self.message = _line(message, _LONGEST)
        self.kind = kind
        self.code = code
        self.param = None if param is None else _line(param, _ECHO)
        self.retry_after = retry_after
        super().__init__(self.message)

    def body(self) -> dict[str, dict[str, str | None]]:
        """The error as it goes over the wire; `kind` is called `type` there."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}

    def headers(self) -> dict[str, str]:
        """`Retry-After` in whole seconds, and how to authenticate, where they belong."""
        out = {}
        if self.retry_after is not None:
            out["Retry-After"] = str(max(1, ceil(self.retry_after)))
        if self.status == 401:
            out["WWW-Authenticate"] = "Bearer"
        return out

    def response(self, more_headers: Mapping[str, str] | None = None) -> JSONResponse:
        """The whole HTTP answer."""
        return JSONResponse(self.body(), self.status, {**(more_headers or {}), **self.headers()})


def bad_request(message: str, *, param: str | None = None, code: str | None = None) -> ApiError:
    """400: the request can't be understood or honoured."""
    return ApiError(400, message, kind=_INVALID, code=code, param=param)


def unauthorised(message: str = "no valid key; send one as 'Authorization: Bearer KEY'") -> ApiError:
    """401: no key, or one nobody knows. The same words for both, so that nothing is given away."""
    return ApiError(401, message, kind=_KINDS[401], code="invalid_api_key")


def forbidden(message: str, *, param: str | None = None, code: str | None = None) -> ApiError:
    """403: understood, and not allowed."""
    return ApiError(403, message, kind=_KINDS[403], code=code, param=param)


def not_found(message: str, *, param: str | None = None, code: str | None = "not_found") -> ApiError:
    """404: nothing by that name."""
    return ApiError(404, message, kind=_INVALID, code=code, param=param)


def method_not_allowed(message: str) -> ApiError:
    """405: the path exists, for another method."""
    return ApiError(405, message, kind=_INVALID, code="method_not_allowed")


def too_large(limit_bytes: int) -> ApiError:
    """413: the body is longer than the server reads."""
    message = f"the body is over {limit_bytes} bytes, the most this server reads; send a shorter conversation"
    return ApiError(413, message, kind=_INVALID, code="body_too_large")


def overloaded(retry_after: float, message: str = "too many requests at once; wait and send it again") -> ApiError:
    """429: the queue is full, or one client asks for more than its share.

    Args:
        retry_after: seconds until it is worth asking again.
        message: what is full.
    """
    return ApiError(429, message, kind=_KINDS[429], code="rate_limit_exceeded", retry_after=retry_after)


def unavailable(message: str, *, retry_after: float | None = None) -> ApiError:
    """503: not ready, or shutting down."""
    return ApiError(503, message, kind="server_error", code="unavailable", retry_after=retry_after)


def timed_out(message: str) -> ApiError:
    """504: the answer didn't come in the time allowed."""
    return ApiError(504, message, kind=_KINDS[504], code="timeout")


def upstream(message: str, *, retry_after: float | None = None) -> ApiError:
    """502: the API behind this server failed, or answered what isn't an answer."""
    return ApiError(502, message, kind="upstream_error", code="upstream_error", retry_after=retry_after)


def internal() -> ApiError:
    """500: says nothing of the inside, which the log has."""
    message = "the server failed on this request; its log says why"
    return ApiError(500, message, kind="server_error", code="internal_error")


def install(app: FastAPI) -> None:
    """Give every error of an app the one shape: its own, the router's, failed validation, and those nobody expected."""

    async def api(_: Request, error: Exception) -> Response:
        return error.response() if isinstance(error, ApiError) else internal().response()

    async def http(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            return internal().response()
        if error.status_code < 400:
            return Response(status_code=error.status_code, headers=error.headers)
        return _of_http(error, request).response(error.headers)

    async def invalid(_: Request, error: Exception) -> Response:
        return (_of_validation(error) if isinstance(error, RequestValidationError) else internal()).response()

    async def gone(_: Request, __: Exception) -> Response:
        # Nobody reads it; without it each client that leaves early would be logged as a failure of ours.
        return bad_request("the client left before its request was read", code="client_disconnected").response()

    async def unexpected(_: Request, __: Exception) -> Response:
        return internal().response()

    app.add_exception_handler(ApiError, api)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(Exception, unexpected)


def shown(value: object) -> str:
    """A value from outside as it may stand in a message: printable, at most 80 characters, and its kind when nested."""
    if isinstance(value, dict):
        return "an object" if value else "an empty object"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    # Cut before repr, which would spell out megabytes first; and after it, since escapes are longer.
    text = repr(value[:_ECHO]) if isinstance(value, str) else repr(value)
    cut = len(text) > _ECHO or (isinstance(value, str) and len(value) > _ECHO)
    return text[: _ECHO - 1] + "…" if cut else text


def _line(text: str, limit: int) -> str:
    # Half surrogates, control characters and line separators are none of them printable.
    out = "".join(char if char.isprintable() else " " for char in text[: limit + 1])
    return out if len(out) <= limit else out[: limit - 1] + "…"


def _of_http(error: HTTPException, request: Request) -> ApiError:
    path = shown(request.scope["path"])
    if error.status_code == 404 and error.detail == "Not Found":
        return not_found(f"nothing at {path}; /v1/models and /v1/chat/completions are here", code="unknown_url")
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow") or "another method"
        return method_not_allowed(f"{shown(request.method)} isn't possible at {path}; use {allowed}")
    if error.status_code == 500:
        return internal()
    kind = _KINDS.get(error.status_code, _INVALID if error.status_code < 500 else "server_error")
    return ApiError(error.status_code, str(error.detail), kind=kind)


def _of_validation(error: RequestValidationError) -> ApiError:
    first: dict[str, Any] = next(iter(error.errors()), {})
    where = ".".join(str(part) for part in first.get("loc", ())[1:])
    param = _line(where, _ECHO) or None
    if first.get("type") == "json_invalid":
        return bad_request("the body isn't JSON; send one JSON object", code="invalid_json")
    if first.get("type") == "missing":
        message = f"'{param or 'body'}' is missing; add it"
    else:
        message = f"'{param or 'body'}': {first.get('msg', 'not accepted')} (got {shown(first.get('input'))}); mend it"
    return ApiError(422, message, kind=_INVALID, code="invalid_value", param=param)
