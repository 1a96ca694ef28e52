"""Whatever goes wrong upstream, as one error in OpenAI's shape; the key is in none of them."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, final

import httpx

from holdtrue.serve.failures import ApiError, timed_out, upstream

__all__ = ["Refusals"]

_PASSED_ON: Final = (400, 413, 422)
_SHORTEST_SECRET: Final = 4


@final
class Refusals:
    """Makes errors about one upstream.

    Args:
        place: how messages name it.
        key: what no message may show.
    """

    def __init__(self, place: str, key: str) -> None:
        self._place = place
        self._key = key

    def clean(self, text: str) -> str:
        """The text without the key."""
        return text.replace(self._key, "[key]") if len(self._key) >= _SHORTEST_SECRET else text

    def of_transport(self, error: httpx.HTTPError) -> ApiError:
        """No answer, or half of one."""
        if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
            return upstream(f"nothing answers at the upstream {self._place}; check its URL and that it runs")
        if isinstance(error, httpx.TimeoutException):
            return timed_out(f"the upstream {self._place} didn't answer in time; ask again, or allow it more time")
        return upstream(f"the upstream {self._place} broke off ({type(error).__name__}); ask again")

    def of_malformed(self, what: str) -> ApiError:
        """An answer that isn't one."""
        return upstream(self.clean(f"the upstream {self._place} sent {what}; is it an OpenAI-compatible API?"))

    def of_early_end(self) -> ApiError:
        """A stream that ended before its answer did."""
        return upstream(f"the upstream {self._place} closed the stream before its answer was finished; ask again")

    def of_chunk(self, error: object) -> ApiError:
        """An error in the middle of a stream."""
        found = _detail({"error": error})
        return upstream(
            self.clean(f"the upstream {self._place} failed while answering: {found['message'] or 'no reason given'}")
        )

    def of_status(self, status: int, headers: Mapping[str, str], body: bytes) -> ApiError:
        """A status other than 200."""
        # Before anything is cut, which might leave half a key.
        detail = _detail(_json(self.clean(body.decode(errors="replace"))))
        said = self.clean(detail["message"] or "no reason given")
        code = self.clean(detail["code"]) if detail["code"] else None
        wait = _retry_after(headers.get("retry-after"))
        if status in (401, 403):
            # About our key, so not the client's business; some upstreams quote a part of it.
            return upstream(
                f"the upstream {self._place} refuses this server's key ({status}); check HOLDTRUE_UPSTREAM_KEY"
            )
        if status == 429:
            message = f"the upstream {self._place} is asked too much: {said}"
            return ApiError(429, message, kind="rate_limit_error", code=code or "rate_limit_exceeded", retry_after=wait)
        if status in _PASSED_ON:
            param = self.clean(detail["param"]) if detail["param"] else None
            message = f"the upstream {self._place} refuses the request: {said}"
            return ApiError(status, message, kind="invalid_request_error", code=code, param=param)
        if status in (408, 504):
            return timed_out(f"the upstream {self._place} ran out of time ({status}): {said}")
        if status == 503:
            message = f"the upstream {self._place} is not available: {said}"
            return ApiError(503, message, kind="server_error", code="unavailable", retry_after=wait)
        return upstream(f"the upstream {self._place} answered {status}: {said}", retry_after=wait)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        # A page is for browsers; a line of text may say something.
        return {} if "<" in text else {"message": text.strip()[:300]}


def _detail(body: Any) -> dict[str, str]:
    """`message`, `code` and `param`, wherever this upstream puts them; empty where it doesn't."""
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return dict.fromkeys(("message", "code", "param"), "")
    error = body.get("error") or body
    if not isinstance(error, dict):
        error = {"message": error}
    message = error.get("message") or error.get("detail") or ""
    found = {"message": message, "code": error.get("code"), "param": error.get("param")}
    return {
        name: value if isinstance(value, str) else "" if value is None else json.dumps(value)
        for name, value in found.items()
    }


def _retry_after(value: str | None) -> float | None:
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            when = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None
