"""What the page is made of: files of this package, and what the report's theme and Vega give."""

import gzip
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Final, final

from holdtrue.report.theme import CSS, DARK, LIGHT, chart_config, css_variables

__all__ = ["Asset", "asset", "names", "page"]

_FOLDER: Final = Path(__file__).parent / "assets"
_MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".json": "application/json",
        ".svg": "image/svg+xml",
    }
)
_PAGE: Final = "index.html"
_LOCK = Lock()


@final
@dataclass(frozen=True)
class Asset:
    """A file as it is sent."""

    body: bytes
    gzipped: bytes
    etag: str
    """Of the plain body; the two encodings are told apart by `Vary`, and the tag is a weak one."""
    media_type: str


def page() -> Asset:
    """The page itself."""
    return _read(_PAGE)


def asset(name: str) -> Asset | None:
    """One of the files that the page loads; None when there is none of that name.

    A name is looked up, never joined to a folder, so no spelling of it leads out of the package.
    """
    return _read(name) if name in names() else None


@cache
def names() -> frozenset[str]:
    """Every asset there is."""
    on_disk = {path.name for path in _FOLDER.iterdir() if path.suffix in _MEDIA_TYPES and path.name != _PAGE}
    return frozenset(on_disk | _MADE.keys())


def _read(name: str) -> Asset:
    # Bundling Vega takes a second: two browsers that ask at once wait for one bundling.
    with _LOCK:
        return _build(name)


@cache
def _build(name: str) -> Asset:
    body = _MADE[name]().encode() if name in _MADE else (_FOLDER / name).read_bytes()
    return Asset(
        body=body,
        gzipped=gzip.compress(body, 6, mtime=0),
        etag=f'W/"{hashlib.sha256(body).hexdigest()[:32]}"',
        media_type=_MEDIA_TYPES[Path(name).suffix],
    )


def _vega() -> str:
    import vl_convert

    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def _theme() -> str:
    light, dark = css_variables(LIGHT), css_variables(DARK)
    return f":root{{{light}}}\n@media (prefers-color-scheme: dark){{:root{{{dark}}}}}\n"


def _chart_config() -> str:
    return json.dumps(chart_config(CSS))


_MADE: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {"vega.js": _vega, "theme.css": _theme, "chart.json": _chart_config}
)
