"""The HTTP side: which URL, which fields, and one streamed answer at a time."""

import json
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final, final

import httpx

from holdtrue.errors import SettingError
from holdtrue.serve.failures import ApiError
from holdtrue.serve.upstream.refusals import Refusals
from holdtrue.serve.upstream.stream import Delta, EventStream, Malformed, SurrogatePairs, delta, whole_answer

__all__ = ["UpstreamClient", "api_base"]

MAX_BODY_BYTES: Final = 2**24
_OPTIONAL: Final = ("stream_options", "seed")
"""Fields that an answer can do without, should the upstream not know them."""


def api_base(url: str) -> httpx.URL:
    """Where an API begins: the URL as given if it names a version, else with `/v1`.

    Args:
        url: for example `https://api.example.com`, with or without `/v1` or `/v1/chat/completions`.

    Raises:
        SettingError: no http URL, or one that carries more than an address.
    """
    try:
        parsed = httpx.URL(url.strip())
    except (httpx.InvalidURL, ValueError):
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        message = f"upstream {_harmless(url)!r} is no URL of an API; give one such as https://api.example.com/v1"
        raise SettingError(message)
    if parsed.userinfo or parsed.query or parsed.fragment:
        # Addresses turn up in logs.
        message = f"upstream {parsed.host}: a URL must carry no password, query or fragment; set HOLDTRUE_UPSTREAM_KEY"
        raise SettingError(message)
    path = parsed.path.rstrip("/").removesuffix("/chat/completions")
    if not re.search(r"/v\d\w*(/|$)", path):
        path += "/v1"
    return parsed.copy_with(path=path)


@final
class UpstreamClient:
    """Speaks to an OpenAI-compatible API.

    Args:
        url: where it is.
        key: sent as a bearer token; empty sends none. It is never shown.
        timeout_seconds: the longest silence before and within an answer.
        transport: in place of the network, for tests.

    Raises:
        SettingError: the URL or the key can't be used.
    """

    def __init__(
        self,
        url: str,
        key: str = "",
        *,
        timeout_seconds: float = 120.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._base = api_base(url)
        key = key.strip()
        if not key.isascii() or not key.isprintable():
            message = "the upstream key holds characters that no header can; set HOLDTRUE_UPSTREAM_KEY to the bare key"
            raise SettingError(message)
        self.place = str(self._base)
        self._refusals = Refusals(self.place, key)
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(timeout_seconds, connect=min(10.0, timeout_seconds)),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=32),
            transport=transport,
        )
        self._refused: set[str] = set()
        self._longer_name = False

    def __repr__(self) -> str:
        return f"UpstreamClient({self.place})"

    async def models(self) -> tuple[str, ...]:
        """Names at `/models`.

        Raises:
            ApiError: there is no such list.
        """
        try:
            async with self._http.stream("GET", self._at("models")) as response:
                body = await self._body(response)
                if response.status_code != 200:
                    raise self._refusals.of_status(response.status_code, response.headers, body)
        except httpx.HTTPError as error:
            raise self._refusals.of_transport(error) from None
        try:
            return tuple(str(one["id"]) for one in json.loads(body)["data"])
        except (ValueError, KeyError, TypeError, RecursionError):
            what = "a list of models without names"
            raise self._refusals.of_malformed(what) from None

    async def stream(self, body: dict[str, Any]) -> AsyncGenerator[Delta, None]:
        """Ask, and give the answer as it comes. Closing the iteration drops the connection.

        Args:
            body: the request; `stream` is added, and fields that this upstream refused before are left out.

        Raises:
            ApiError: whatever goes wrong.
        """
        while True:
            fitted = self._fitted(body)
            async with aclosing(self._asked(fitted)) as deltas:
                try:
                    async for one in deltas:
                        yield one
                except ApiError as error:
                    if not self._adapt(error, fitted):
                        raise
                else:
                    return

    async def close(self) -> None:
        """Drop all connections."""
        await self._http.aclose()

    async def _asked(self, body: dict[str, Any]) -> AsyncGenerator[Delta, None]:
        try:
            async with self._http.stream(
                "POST",
                self._at("chat/completions"),
                content=json.dumps(body).encode(),
                headers={"Content-Type": "application/json", "Accept": "text/event-stream"},
            ) as response:
                if response.status_code != 200:
                    said = await self._body(response)
                    raise self._refusals.of_status(response.status_code, response.headers, said)
                if response.headers.get("content-type", "").startswith("application/json"):
                    yield self._whole(await self._body(response))
                    return
                async for one in self._deltas(response):
                    yield one
        except httpx.HTTPError as error:
            raise self._refusals.of_transport(error) from None
        except Malformed as error:
            raise self._refusals.of_malformed(str(error)) from None

    async def _deltas(self, response: httpx.Response) -> AsyncGenerator[Delta, None]:
        pairs, finished = SurrogatePairs(), False
        async for data in _data(response):
            if data == "[DONE]":
                return
            error = json.loads(data).get("error")
            if error:
                raise self._refusals.of_chunk(error)
            one = delta(data, pairs)
            finished = finished or one.finish is not None
            yield one
        if not finished:
            raise self._refusals.of_early_end()

    def _whole(self, body: bytes) -> Delta:
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            message = "an answer that isn't JSON"
            raise Malformed(message) from None
        if isinstance(found, dict) and found.get("error"):
            raise self._refusals.of_chunk(found["error"])
        return whole_answer(found)

    def _fitted(self, body: dict[str, Any]) -> dict[str, Any]:
        body = {"stream": True, "stream_options": {"include_usage": True}, **body}
        if self._longer_name and "max_tokens" in body:
            body["max_completion_tokens"] = body.pop("max_tokens")
        return {name: value for name, value in body.items() if name not in self._refused}

    def _adapt(self, error: ApiError, body: dict[str, Any]) -> bool:
        """Whether another try may go better: without a field that was refused, or under its newer name."""
        if error.status not in (400, 422):
            return False
        named = f"{error.param or ''} {error.message}"
        if "max_tokens" in body and "max_completion_tokens" in named:
            self._longer_name = True
            return True
        refused = next((name for name in _OPTIONAL if name in body and re.search(rf"\b{name}\b", named)), None)
        if refused is None:
            return False
        self._refused.add(refused)
        return True

    async def _body(self, response: httpx.Response) -> bytes:
        found = bytearray()
        async for chunk in response.aiter_bytes():
            found += chunk
            if len(found) > MAX_BODY_BYTES:
                what = f"a body of over {MAX_BODY_BYTES} bytes"
                raise self._refusals.of_malformed(what)
        return bytes(found)

    def _at(self, path: str) -> httpx.URL:
        return self._base.copy_with(path=f"{self._base.path}/{path}")


async def _data(response: httpx.Response) -> AsyncGenerator[str, None]:
    events = EventStream()
    async for chunk in response.aiter_bytes():
        for data in events.feed(chunk):
            yield data
    for data in events.end():
        yield data


def _harmless(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url)[:80]
