"""Where the page and its files are served, and what a browser may do with them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from holdtrue.serve.dashboard.files import Asset, asset, page

__all__ = ["CONTENT_POLICY", "routes"]

CONTENT_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # No text of a model's or a client's can be parsed as markup, not even by a mistake in the page's own code.
        "require-trusted-types-for 'script'",
        "trusted-types default",
    )
)
"""No eval, no inline script or style, nothing from another origin."""

_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Content-Security-Policy": CONTENT_POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        # Names carry no version, so a browser asks each time and is told that nothing changed.
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
    }
)


def routes() -> list[BaseRoute]:
    """`/` and `/assets/{name}`; open to everyone, since they hold no data."""
    return [
        Route("/", _page, methods=["GET"], name="dashboard"),
        Route("/assets/{name}", _asset, methods=["GET"], name="dashboard-asset"),
    ]


def _page(request: Request) -> Response:
    return _sent(request, page())


def _asset(request: Request) -> Response:
    found = asset(request.path_params["name"])
    if found is None:
        return _missing()
    return _sent(request, found)


def _missing() -> Response:
    error = {
        "message": "no such file: the dashboard is at /",
        "type": "invalid_request_error",
        "param": None,
        "code": "not_found",
    }
    return JSONResponse({"error": error}, 404, headers={"X-Content-Type-Options": "nosniff"})


def _sent(request: Request, found: Asset) -> Response:
    headers = {**_HEADERS, "ETag": found.etag}
    if found.etag in _tags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    body = found.body
    if "gzip" in request.headers.get("accept-encoding", ""):
        body = found.gzipped
        headers["Content-Encoding"] = "gzip"
    return Response(body, headers=headers, media_type=found.media_type)


def _tags(header: str) -> set[str]:
    # A proxy may have made the weak tag strong or the other way round; they are compared as weak ones.
    tags = (tag.strip() for tag in header.split(","))
    return {tag if tag.startswith("W/") else f"W/{tag}" for tag in tags if tag}
