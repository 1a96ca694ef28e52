"""Where the store lives: a plain path, or a database URL whose password is never repeated."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final
from urllib.parse import quote, quote_plus

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from holdtrue.errors import SettingError

__all__ = ["Address", "parse_address"]

_KNOWN: Final = "expected a file path, sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE"
_POSTGRES: Final = frozenset({"postgres", "postgresql", "postgresql+psycopg"})
_SQLITE: Final = frozenset({"sqlite", "sqlite+pysqlite"})
# Paths that are surely a misspelt URL or a libpq connection string: repeating them could repeat a password.
_NO_PATH: Final = re.compile(r"(postgres\w*|sqlite|mysql|mariadb|mssql|oracle)(\+\w+)?:|.*\bpassword\s*=", re.I | re.S)


@final
@dataclass(frozen=True, repr=False)
class Address:
    """A database to open."""

    url: URL
    label: str
    """For messages: the path, or host and database; no user, no password."""
    file: Path | None
    """Of an SQLite database."""

    def scrub(self, text: str) -> str:
        """A driver's message without the password, should it have repeated it."""
        values = [self.url.password, *(self.url.query[key] for key in self.url.query if "pass" in key.lower())]
        for value in values:
            for secret in (value,) if isinstance(value, str) else value or ():
                for form in {secret, quote(secret, safe=""), quote_plus(secret)} - {""}:
                    text = text.replace(form, "***")
        return text


def parse_address(url_or_path: str) -> Address:
    """Read what `--db` was given.

    Args:
        url_or_path: a path, `sqlite:///PATH`, `postgresql://…` or `postgresql+psycopg://…`.

    Raises:
        SettingError: none of these, or a database in memory, which would forget every turn.
    """
    scheme, is_url, _ = url_or_path.partition("://")
    if not is_url:
        if not url_or_path or "\0" in url_or_path or _NO_PATH.match(url_or_path):
            message = f"the session database's address is neither a path nor a URL; {_KNOWN}"
            raise SettingError(message)
        return _in_file(url_or_path)
    scheme = scheme.lower()
    if scheme not in _POSTGRES | _SQLITE:
        shown = f"'{scheme}'" if re.fullmatch(r"[a-z][a-z0-9+]{0,30}", scheme) else "its scheme"
        message = f"no session database of the kind {shown}; {_KNOWN}"
        raise SettingError(message)
    try:
        url = make_url(url_or_path)
    except (ArgumentError, ValueError):
        message = f"the {scheme} URL of the session database can't be read (is its port a number?); {_KNOWN}"
        raise SettingError(message) from None
    if scheme in _SQLITE:
        if url.host or url.username or url.query:
            message = f"an sqlite URL takes a path and nothing else, three slashes and then the path; {_KNOWN}"
            raise SettingError(message)
        return _in_file(url.database or ":memory:")
    if "@" in (url.host or ""):
        message = "the session database's URL holds an '@' in its password: write it as %40"
        raise SettingError(message)
    host = url.host or "local"
    port = f":{url.port}" if url.port else ""
    label = f"postgresql://{host}{port}/{url.database or ''}"
    return Address(url.set(drivername="postgresql+psycopg"), label, None)


def _in_file(path: str) -> Address:
    if path.startswith((":memory:", "file:")):
        message = f"a session database '{path[:20]}' would forget every turn, or isn't a plain path; {_KNOWN}"
        raise SettingError(message)
    file = Path(path).expanduser()
    # Absolute, so that the driver can't take a path for a URI, and a change of folder doesn't matter.
    return Address(URL.create("sqlite", database=str(file.absolute())), str(file), file.absolute())
