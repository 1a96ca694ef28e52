"""What `--db` takes, and that no password in it is ever repeated."""

import builtins
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdtrue.errors import HoldtrueError, MissingExtra, SettingError, StorageError
from holdtrue.serve.store import open_store
from holdtrue.serve.store.address import parse_address

SECRET = "hunter2"


def test_paths_and_sqlite_urls_name_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for given_ in (
        "a.db",
        "sqlite:///a.db",
        "sqlite+pysqlite:///a.db",
        str(tmp_path / "a.db"),
        f"sqlite:///{tmp_path}/a.db",
    ):
        assert parse_address(given_).file == tmp_path / "a.db"
    assert parse_address("a.db").label == "a.db"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse_address("~/a.db").file == tmp_path / "a.db"


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgres"])
def test_postgresql_urls_take_one_driver_and_show_no_user(scheme: str) -> None:
    address = parse_address(f"{scheme}://ann:{SECRET}@db.example:5433/talks?sslmode=require")
    assert address.url.drivername == "postgresql+psycopg"
    assert address.label == "postgresql://db.example:5433/talks"
    assert address.url.password == SECRET
    assert SECRET not in repr(address)


@pytest.mark.parametrize(
    ("bad", "hint"),
    [
        ("", "neither a path nor a URL"),
        ("a\0b", "neither a path nor a URL"),
        (f"postgresql:/ann:{SECRET}@h/db", "neither a path nor a URL"),
        (f"postgres:ann:{SECRET}@h/db", "neither a path nor a URL"),
        (f"host=h user=ann password={SECRET}", "neither a path nor a URL"),
        (f"mysql://ann:{SECRET}@h/db", "of the kind 'mysql'"),
        (f"postgresql+psycopg2://ann:{SECRET}@h/db", "of the kind 'postgresql\\+psycopg2'"),
        (f"{SECRET}@://h", "its scheme"),
        ("://", "its scheme"),
        (f"postgresql://ann:{SECRET}/db", "is its port a number"),
        (f"postgresql://ann:x@{SECRET}@h/db", "write it as %40"),
        (f"postgresql://ann:{SECRET}@h:port/db", "is its port a number"),
        (f"sqlite://{SECRET}@h/x", "a path and nothing else"),
        ("sqlite:///x?mode=ro", "a path and nothing else"),
        ("sqlite://", "forget every turn"),
        (":memory:", "forget every turn"),
        ("sqlite:///:memory:", "forget every turn"),
        ("file:x.db?mode=memory", "forget every turn"),
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(bad: str, hint: str) -> None:
    with pytest.raises(SettingError, match=hint) as caught:
        open_store(bad)
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "postgresql://USER:PASSWORD@HOST/DATABASE" in str(caught.value) or "%40" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ann:{SECRET}@127.0.0.1:1/db",
        f"postgresql://ann:{SECRET}@no-such-host.invalid/db",
        f"postgresql://127.0.0.1:1/db?password={SECRET}",
        f"postgresql://ann:{SECRET}@127.0.0.1:1/db?{SECRET}=1&sslpassword={SECRET}",
        f"postgresql://ann:{SECRET}@/db?host=/nowhere/{SECRET}",
        f"postgresql://ann:{SECRET}@127.0.0.1:99999/db",
    ],
)
def test_an_unreachable_server_is_one_line_without_the_password(url: str) -> None:
    with pytest.raises(StorageError) as caught:
        open_store(url)
    text = str(caught.value)
    assert SECRET not in text
    assert "\n" not in text
    assert text.startswith("postgresql://")
    assert caught.value.__suppress_context__


@given(
    st.text(alphabet="abc:/@?#%=&[]+.0 \0\u00e9'\"", max_size=30),
    st.sampled_from(["", "postgresql://", "sqlite://", "x://"]),
)
def test_any_address_is_read_or_refused(rest: str, scheme: str) -> None:
    message = ""
    try:
        parse_address(scheme + rest)
    except HoldtrueError as error:
        message = str(error)
    assert "\n" not in message


def test_a_password_is_scrubbed_in_every_spelling() -> None:
    address = parse_address("postgresql://ann:p%40s%20s@h/db?sslpassword=zz9")
    assert address.scrub("p@s s p%40s%20s p%40s+s zz9 ann") == "*** *** *** *** ann"


def test_a_missing_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: object, **kwargs: object) -> object:
        if name.startswith("psycopg"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match="pip install"):
        open_store("postgresql://127.0.0.1:1/db")
