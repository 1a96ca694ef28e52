"""What only a file can suffer: SQLite's file deleted, filled, replaced, or never one of ours."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from holdtrue.errors import StorageError
from holdtrue.records import HoldSpec
from holdtrue.serve.store import SessionStore, StoredTurn, open_store

HOLD = HoldSpec()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


@pytest.fixture
def kept(file: Path) -> Iterator[SessionStore]:
    one = open_store(str(file))
    yield one
    one.close()


def say(kept: SessionStore, session: str, text: str = "hello") -> None:
    kept.record_turn(StoredTurn(session, user=text, answer=text), history_digest=None, detector={})


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


def test_folders_are_made_and_files_are_private(tmp_path: Path) -> None:
    os.umask(os.umask(0o022))  # the usual one, under which SQLite's own files would be readable by all
    file = tmp_path / "new" / "100% odd?#name.db"
    kept = open_store(str(file))
    say(kept, kept.create("m", None, "", HOLD).id)
    found = {path.name.removeprefix(file.name): stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    assert found == {"": 0o600, "-wal": 0o600, "-shm": 0o600}
    kept.close()


def test_different_files_are_opened_at_once(tmp_path: Path) -> None:
    start = threading.Barrier(8)

    def open_one(k: int) -> SessionStore:
        start.wait()
        return open_store(str(tmp_path / f"{k}.db"))

    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(open_one, range(8)))
    for k, one in enumerate(stores):
        one.create(f"m{k}", None, "", HOLD)
        assert [session.model for session in one.recent()] == [f"m{k}"]
        one.close()


def test_every_connection_is_set_up_for_durability(kept: SessionStore) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1, "temp_store": 2}
    with kept._database.read() as first, kept._database.read() as second:
        for connection in (first, second):
            found = {name: connection.execute(sa.text(f"PRAGMA {name}")).scalar() for name in wanted}
            assert found == wanted
            assert connection.execute(sa.text("PRAGMA busy_timeout")).scalar() == 10_000


@pytest.mark.parametrize("whole", [False, True], ids=["purge", "delete"])
def test_what_was_removed_is_gone_from_the_disk(kept: SessionStore, tmp_path: Path, whole: bool) -> None:
    session, other = (kept.create("m", None, "", HOLD).id for _ in range(2))
    for k in range(50):
        # Short ones share pages, long ones spill over several.
        say(kept, session, f"xyzzy {k} " + "secret " * (k * 40))
        say(kept, other, f"plugh {k}")
    assert b"xyzzy" in on_disk(tmp_path)
    if whole:
        assert kept.delete(session)
    else:
        with kept._database.write() as connection:
            connection.execute(sa.text("UPDATE holdtrue_sessions SET updated = 0 WHERE id = :id"), {"id": session})
        assert kept.purge(1000.0) == 1
    assert b"xyzzy" not in on_disk(tmp_path)
    assert b"secret" not in on_disk(tmp_path)
    assert session.encode() not in on_disk(tmp_path)
    assert b"plugh 49" in on_disk(tmp_path)
    assert len(kept.turns(other)) == 50


def test_a_reader_in_the_way_puts_the_wiping_off_and_no_more(kept: SessionStore, tmp_path: Path, file: Path) -> None:
    session = kept.create("m", None, "", HOLD).id
    say(kept, session, "xyzzy")
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM holdtrue_turns").fetchone() == (1,)
    assert kept.delete(session)
    assert kept.turns(session) == ()
    assert b"xyzzy" in on_disk(tmp_path)  # the reader still looks at it
    reader.execute("COMMIT")
    reader.close()
    assert kept.purge(1e6) == 0
    assert b"xyzzy" not in on_disk(tmp_path)
    with kept._database.read() as connection:
        assert connection.execute(sa.text("PRAGMA busy_timeout")).scalar() == 10_000


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + b"\xff" * 600, b"{}" * 4000])
def test_a_file_that_is_no_database_is_refused_untouched(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(StorageError, match="isn't an SQLite database") as caught:
        open_store(str(file))
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert file.read_bytes() == content
    assert list(file.parent.iterdir()) == [file]


def test_another_programs_database_is_refused_untouched(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE cookies (x)")
    connection.close()
    before = file.read_bytes()
    with pytest.raises(StorageError, match="database of another program"):
        open_store(str(file))
    assert file.read_bytes() == before


def test_a_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for odd in (tmp_path, tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(StorageError, match="not an ordinary file"):
            open_store(str(odd))
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="choose another folder"):
        open_store(str(tmp_path / "file" / "sessions.db"))


def test_a_damaged_page_is_one_clear_line(file: Path) -> None:
    kept = open_store(str(file))
    session = kept.create("m", None, "", HOLD).id
    for _ in range(40):
        say(kept, session, "x" * 2000)
    kept.close()
    raw = file.read_bytes()
    file.write_bytes(raw[:4096] + b"\xff" * (len(raw) - 4096))
    with pytest.raises(StorageError, match="damaged") as caught:
        open_store(str(file)).turns(session)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_taken_away_takes_no_turn_silently(kept: SessionStore, file: Path, replaced: bool) -> None:
    session = kept.create("m", None, "", HOLD).id
    say(kept, session)
    for path in file.parent.iterdir():
        path.unlink()
    if replaced:
        file.write_bytes(b"")
    with pytest.raises(StorageError, match="deleted or replaced"):
        say(kept, session)
    with pytest.raises(StorageError, match="deleted or replaced"):
        kept.check()


FULL = """
import resource, signal, sys
from holdtrue.errors import StorageError
from holdtrue.records import HoldSpec
from holdtrue.serve.store import StoredTurn, open_store

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = open_store(sys.argv[1])
session = store.create("m", None, "", HoldSpec()).id
say = lambda: store.record_turn(StoredTurn(session, answer="x" * 50_000), history_digest=None, detector={}).n_turns
say()
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
done = 1
try:
    while True:
        done = say()
except StorageError as error:
    print(str(error))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(done, len(store.turns(session)), say())
"""


def test_a_full_disk_loses_no_turn_and_heals(file: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, str(file)], capture_output=True, text=True, check=True)
    message, counts = done.stdout.splitlines()
    assert "the session database failed" in message
    assert str(file) in message
    answered, there, after = (int(word) for word in counts.split())
    assert answered == there == after - 1


def test_a_full_database_says_so(kept: SessionStore) -> None:
    session = kept.create("m", None, "", HOLD).id
    # SQLite's own limit gives the very error of a full disk.
    with kept._database.write() as connection:
        pages = connection.execute(sa.text("PRAGMA page_count")).scalar()
        connection.execute(sa.text(f"PRAGMA max_page_count={pages}"))
    with pytest.raises(StorageError, match=r"disk is full.*free some space") as caught:
        say(kept, session, "secret " * 10_000)
    assert "secret" not in str(caught.value)
    assert kept.turns(session) == ()


def test_a_read_only_file_is_one_clear_line(file: Path) -> None:
    # Root may write to everything: SQLite's own switch stands in for a file system mounted read-only.
    kept = open_store(str(file))
    session = kept.create("m", None, "", HOLD).id
    with kept._database.read() as connection:
        connection.execute(sa.text("PRAGMA query_only=ON"))
    with pytest.raises(StorageError, match="mend its permissions"):
        say(kept, session)
    kept.close()


def test_a_closed_store_leaves_one_file(file: Path) -> None:
    kept = open_store(str(file))
    say(kept, kept.create("m", None, "", HOLD).id)
    kept.close()
    assert list(file.parent.iterdir()) == [file]
    again = open_store(f"sqlite:///{file}")
    assert again.recent()[0].n_turns == 1
    again.close()
