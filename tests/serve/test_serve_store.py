"""The same promises over SQLite and PostgreSQL."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from holdtrue.errors import SettingError, StorageError
from holdtrue.hold import PRESETS
from holdtrue.records import CapSpec, ContextSpec, HoldSpec
from holdtrue.serve.store import Session, SessionStore, StoredToken, StoredTurn, database, open_store, store, tables

GENTLE = PRESETS["gentle"]
SUMMARY = {
    *("id", "created", "updated", "model", "reader", "hold", "hold_digest", "n_turns", "z", "fired", "alarm"),
    *("alarm_turn", "title"),
}
TURN = {
    *("turn", "user", "answer", "projection", "z", "fired", "alarm", "hold", "hold_digest", "thinking_projection"),
    *("finish_reason", "created", "prompt_tokens", "completion_tokens", "tokens"),
}
SHARED = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Cluster:
    """A throw-away PostgreSQL that listens on a unix socket alone; it refuses to run as root."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.data, self._programs, self._folder = folder / "data", programs, folder
        self._as: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
            self._as = ["runuser", "-u", "postgres", "--"]
        self._run("initdb", "-A", "trust", "-U", "postgres", "-N", "-E", "UTF8", "--locale=C")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c synchronous_commit=off"
        self._run("pg_ctl", "-w", "-o", options, "-l", str(folder / "log"), "start")
        self._admin = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        self.admin("CREATE DATABASE holdtrue")

    def _run(self, program: str, *args: str) -> None:
        command = [*self._as, str(self._programs / program), "-D", str(self.data), *args]
        subprocess.run(command, check=True, capture_output=True, cwd=self._folder, timeout=120)

    def url(self, name: str) -> URL:
        return URL.create("postgresql+psycopg", "postgres", database=name, query={"host": str(self._folder)})

    def admin(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(sa.text(statement))

    def empty(self, name: str) -> None:
        """Cheaper than another database for each test."""
        self.admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        engine = sa.create_engine(self.url(name))
        with engine.begin() as connection:
            connection.execute(sa.text("DROP SCHEMA public CASCADE"))
            connection.execute(sa.text("CREATE SCHEMA public"))
        engine.dispose()

    def stop(self) -> None:
        self._admin.dispose()
        self._run("pg_ctl", "-m", "immediate", "stop")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    found = shutil.which("postgres")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    programs = next(
        (folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None
    )
    if programs is None:
        pytest.skip("no PostgreSQL programs on PATH or in /usr/lib/postgresql/*/bin")
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL refuses to run as root, and runuser is missing")
    # Not in pytest's own folder: another user couldn't enter it.
    folder = Path(tempfile.mkdtemp(prefix="holdtrue-pg-"))
    try:
        cluster = Cluster(programs, folder)
    except (subprocess.SubprocessError, LookupError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"a throw-away PostgreSQL can't be started here: {getattr(error, 'stderr', None) or error}")
    yield cluster
    cluster.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return str(tmp_path / "sessions.db")
    cluster: Cluster = request.getfixturevalue("cluster")
    cluster.empty("holdtrue")
    return cluster.url("holdtrue").render_as_string()


@pytest.fixture
def opened(where: str) -> Iterator[Callable[..., SessionStore]]:
    """Opens stores over that database, and closes them."""
    stores: list[SessionStore] = []

    def open_one(**options: object) -> SessionStore:
        stores.append(open_store(where, **options))
        return stores[-1]

    yield open_one
    for one in stores:
        one.close()


@pytest.fixture
def kept(opened: Callable[..., SessionStore]) -> SessionStore:
    return opened()


def raw_engine(where: str) -> sa.Engine:
    return sa.create_engine(where if "://" in where else f"sqlite:///{where}")


def begin(kept: SessionStore, owner: str = "", **options: object) -> Session:
    return kept.create("m", None, owner, GENTLE, **options)


def say(kept: SessionStore, session: str, text: str = "hello", digest: str | None = "d", **fields: object) -> Session:
    turn = StoredTurn(session, user=text, answer=text.upper(), **fields)
    return kept.record_turn(turn, history_digest=digest, detector={})


def test_a_session_comes_back_as_it_was_made(kept: SessionStore, opened: Callable[..., SessionStore]) -> None:
    hold = HoldSpec(name="mine", cap=CapSpec(fire=0.125, band=(3, 9)), context=ContextSpec(remind_every=2))
    made = kept.create("model/x", "reader", "key_1", hold, title="  What\nis this? " + "x" * 200)
    assert made.title is not None
    assert made.title.startswith("What is this? xxx")
    assert len(made.title) == 80
    assert kept.find(made.id) == made
    assert opened().find(made.id) == made
    assert made.hold.digest == hold.digest
    assert (made.n_turns, made.z, made.alarm, made.alarm_turn, made.detector) == (0, None, False, None, {})
    assert kept.find("ses_unknown") is None


def test_ids_are_long_and_never_repeat(kept: SessionStore) -> None:
    ids = {begin(kept).id for _ in range(30)}
    assert len(ids) == 30
    assert all(len(i) == 26 and i.startswith("ses_") for i in ids)


def test_a_client_brings_its_own_id_once(kept: SessionStore) -> None:
    for own in ("a", "A-z_0.9:x", "x" * 80):
        assert begin(kept, id=own).id == own
        with pytest.raises(SettingError, match="is taken"):
            begin(kept, "other", id=own)
        assert kept.find(own, "") is not None


@pytest.mark.parametrize(
    "bad", ["", " ", "x" * 81, "a/b", "a\n", "a\0", "é", "\ud800", "'; DROP TABLE x;--", "../../x"]
)
def test_an_impossible_id_is_refused_and_never_found(kept: SessionStore, bad: str) -> None:
    with pytest.raises(SettingError, match="1 to 80 characters") as caught:
        begin(kept, id=bad)
    assert "\n" not in str(caught.value)
    assert kept.find(bad) is None
    assert kept.turns(bad) == ()
    assert not kept.delete(bad)


def test_two_clients_with_one_new_id_make_one_session(kept: SessionStore) -> None:
    def attempt(_: int) -> bool:
        try:
            begin(kept, id="same")
        except SettingError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1
    assert len(kept.recent()) == 1


def test_a_turn_moves_its_session_on(kept: SessionStore) -> None:
    session = begin(kept)
    token = StoredToken(text="Hi", projection=1.5, before=0.1 + 0.2, fired=0.25)
    turn = StoredTurn(
        session.id,
        user="Who are you?",
        answer="Hi",
        projection=1.5,
        z=-0.5,
        fired=0.25,
        hold="gentle",
        hold_digest=GENTLE.digest,
        thinking_projection=2.5,
        finish_reason="length",
        created=12.5,
        prompt_tokens=7,
        completion_tokens=1,
        tokens=(token,),
    )
    after = kept.record_turn(turn, history_digest="d1", detector={"sum": 0.1, "inf": math.inf, "n": 1.0})
    assert (after.n_turns, after.z, after.fired, after.alarm, after.title) == (1, -0.5, 0.25, False, "Who are you?")
    assert after.detector == {"sum": 0.1, "inf": math.inf, "n": 1.0}
    assert after.history_digest == "d1"
    assert kept.find(session.id) == after
    (back,) = kept.turns(session.id)
    assert back == StoredTurn(**{**vars(turn), "turn": 1})


def test_the_first_alarm_is_remembered_when_it_stops(kept: SessionStore) -> None:
    session = begin(kept)
    seen = [say(kept, session.id, alarm=alarm) for alarm in (False, True, True, False, True)]
    assert [one.alarm for one in seen] == [False, True, True, False, True]
    assert [one.alarm_turn for one in seen] == [None, 2, 2, 2, 2]
    other = begin(kept)
    assert kept.record_turn(StoredTurn(other.id), history_digest=None, detector={}, alarm_turn=4).alarm_turn == 4


def test_what_is_no_number_is_kept_as_missing(kept: SessionStore) -> None:
    session = begin(kept)
    token = StoredToken(text="a", projection=math.nan, before=-math.inf, fired=0.0)
    say(
        kept,
        session.id,
        projection=math.nan,
        z=math.inf,
        fired=-math.inf,
        thinking_projection=math.nan,
        tokens=(token,),
    )
    (turn,) = kept.turns(session.id)
    assert (turn.projection, turn.z, turn.fired, turn.thinking_projection) == (None, None, None, None)
    assert turn.tokens == (StoredToken(text="a", projection=None, before=None, fired=0.0),)
    found = kept.find(session.id)
    assert found is not None
    assert found.z is None


def test_concurrent_turns_get_consecutive_numbers(kept: SessionStore, opened: Callable[..., SessionStore]) -> None:
    session, stores = begin(kept).id, (kept, opened())
    start = threading.Barrier(8)

    def talk(worker: int) -> list[int]:
        start.wait()
        return [say(stores[worker % 2], session, f"{worker}/{k}").n_turns for k in range(5)]

    with ThreadPoolExecutor(8) as pool:
        numbers = [n for got in pool.map(talk, range(8)) for n in got]
    assert sorted(numbers) == list(range(1, 41))
    turns = kept.turns(session)
    assert [turn.turn for turn in turns] == list(range(1, 41))
    assert {turn.user for turn in turns} == {f"{w}/{k}" for w in range(8) for k in range(5)}


def test_a_turn_that_counted_on_its_number_is_refused_when_it_is_taken(kept: SessionStore) -> None:
    session = begin(kept).id
    say(kept, session, "first", turn=1)
    for wrong in (1, 3, -1):
        with pytest.raises(StorageError, match="the next is 2"):
            say(kept, session, "again", turn=wrong)
    assert say(kept, session, "second", turn=2).n_turns == 2
    assert [turn.user for turn in kept.turns(session)] == ["first", "second"]


def test_a_turn_of_a_deleted_session_is_refused(kept: SessionStore) -> None:
    session = begin(kept).id
    assert kept.delete(session)
    with pytest.raises(StorageError, match="is gone"):
        say(kept, session)
    assert kept.turns(session) == ()


def test_owners_see_their_own_sessions(kept: SessionStore) -> None:
    mine, theirs = begin(kept, "key_1"), begin(kept, "key_2")
    for session in (mine, theirs):
        say(kept, session.id, digest="same")
    assert kept.find(mine.id, "key_2") is None
    assert kept.find(mine.id, "") is None
    assert kept.find(mine.id, "key_1") is not None
    assert [one.id for one in kept.recent(owner="key_2")] == [theirs.id]
    assert {one.id for one in kept.recent()} == {mine.id, theirs.id}
    found = kept.find_by_history("same", "key_1")
    assert found is not None
    assert found.id == mine.id
    assert kept.find_by_history("same", "") is None
    assert kept.set_hold(mine.id, PRESETS["firm"], "key_2") is None
    assert kept.export(mine.id, "key_2") is None
    assert not kept.delete(mine.id, "key_2")
    assert kept.find(mine.id) is not None
    assert kept.delete(mine.id, "key_1")


def test_a_resent_conversation_is_recognised_by_its_last_answer(opened: Callable[..., SessionStore]) -> None:
    now = iter(range(100))
    kept = opened(clock=lambda: float(next(now)))
    first, second = begin(kept).id, begin(kept).id
    say(kept, first, digest="hello")
    say(kept, second, digest="hello")
    found = kept.find_by_history("hello", "")
    assert found is not None
    assert found.id == second
    say(kept, second, digest="more")
    found = kept.find_by_history("hello", "")
    assert found is not None
    assert found.id == first
    assert kept.find_by_history("' OR 1=1 --", "") is None


def test_a_hold_is_changed_for_the_turns_to_come(kept: SessionStore) -> None:
    session = begin(kept)
    say(kept, session.id)
    changed = kept.set_hold(session.id, PRESETS["remind+gentle"])
    assert changed is not None
    assert changed.hold == PRESETS["remind+gentle"]
    assert changed.n_turns == 1
    assert kept.find(session.id) == changed
    assert kept.set_hold("nobody", GENTLE) is None


def test_the_latest_come_first_and_limits_are_kept(opened: Callable[..., SessionStore]) -> None:
    now = iter(range(100))
    kept = opened(clock=lambda: float(next(now)))
    ids = [begin(kept).id for _ in range(4)]
    say(kept, ids[1])
    assert [one.id for one in kept.recent(3)] == [ids[1], ids[3], ids[2]]
    for bad in (0, -1, 10_001, 2**70):
        with pytest.raises(SettingError, match="between 1 and 10000"):
            kept.recent(bad)


def test_a_clock_set_back_ages_nothing(opened: Callable[..., SessionStore]) -> None:
    times = iter([1000.0, 10.0, 20.0, 1005.0])
    kept = opened(clock=lambda: next(times))
    session = begin(kept).id
    assert say(kept, session).updated == 1000.0
    changed = kept.set_hold(session, GENTLE)
    assert changed is not None
    assert changed.updated == 1000.0
    assert kept.purge(6.0) == 0


def test_purge_removes_what_is_old_and_nothing_else(
    opened: Callable[..., SessionStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_PURGED_TOGETHER", 3)
    now = [0.0]
    kept = opened(clock=lambda: now[0])
    old = [begin(kept).id for _ in range(7)]
    revived = begin(kept).id
    for one in (*old, revived):
        say(kept, one)
    now[0] = 100.0
    say(kept, revived)
    young = begin(kept).id
    assert kept.purge(100.0) == 0
    assert kept.purge(99.0) == 7
    assert {one.id for one in kept.recent()} == {revived, young}
    assert all(kept.turns(one) == () for one in old)
    assert len(kept.turns(revived)) == 2
    for bad in (-1.0, math.nan, math.inf):
        with pytest.raises(SettingError, match="0 or more"):
            kept.purge(bad)


def test_an_export_is_the_contract_and_json(kept: SessionStore) -> None:
    session = begin(kept).id
    say(kept, session, "a\0b\ud800", z=1.0, tokens=(StoredToken(text="\udfff", projection=1.0, before=1.0, fired=0.0),))
    exported = kept.export(session)
    assert exported is not None
    assert set(exported) == SUMMARY | {"hold_spec", "turns"}
    assert set(exported["turns"][0]) == TURN
    assert set(exported["turns"][0]["tokens"][0]) == {"text", "projection", "before", "fired"}
    # As a web server encodes it: half a surrogate pair would break the whole answer.
    assert json.loads(json.dumps(exported, ensure_ascii=False, allow_nan=False).encode()) == exported
    assert HoldSpec.model_validate(exported["hold_spec"]) == GENTLE
    found = kept.find(session)
    assert found is not None
    assert set(found.summary()) == SUMMARY
    assert kept.export("nobody") is None


@SHARED
@given(
    st.text(st.characters(exclude_categories=()), max_size=60), st.sampled_from(["\x00", "\x1a", "\x1a0", "\ud83d", ""])
)
def test_any_text_comes_back(kept: SessionStore, text: str, spice: str) -> None:
    text += spice + text
    expected = "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
    session = kept.create(text, text, text, GENTLE).id
    say(
        kept,
        session,
        text,
        digest=text,
        hold=text,
        tokens=(StoredToken(text=text, projection=0.5, before=0.5, fired=0.0),),
    )
    found = kept.find_by_history(text, text)
    assert found is not None
    assert found.id == session
    assert (found.model, found.reader, found.owner) == (expected, expected, expected)
    (turn,) = kept.turns(session)
    assert (turn.user, turn.answer) == (expected, text.upper().translate(dict.fromkeys(range(55296, 57344), 65533)))
    assert (turn.hold, turn.tokens[0]["text"]) == (expected, expected)
    kept.delete(session)


@SHARED
@given(st.floats(allow_nan=False), st.floats(allow_nan=False, allow_infinity=False))
def test_figures_are_exact(kept: SessionStore, state: float, z: float) -> None:
    session = begin(kept).id
    token = StoredToken(text="", projection=z, before=z, fired=0.0)
    after = kept.record_turn(StoredTurn(session, z=z, tokens=(token,)), history_digest=None, detector={"x": state})
    assert (after.detector["x"], after.z) == (state, z)
    assert kept.turns(session)[0].tokens[0]["projection"] == z


@pytest.mark.parametrize(
    "hostile", ["'); DROP TABLE holdtrue_sessions; --", '"', "%s %(x)s :x ? $1", "\\", "{}", "NULL"]
)
def test_sql_in_texts_stays_text(kept: SessionStore, hostile: str) -> None:
    session = kept.create(hostile, hostile, hostile, HoldSpec(name=hostile), title=hostile)
    say(kept, session.id, hostile, digest=hostile)
    assert [one.id for one in kept.recent(owner=hostile)] == [session.id]
    found = kept.find_by_history(hostile, hostile)
    assert found is not None
    assert (found.title, found.hold.name) == (hostile, hostile)
    assert kept.turns(session.id)[0].user == hostile


def test_a_huge_text_is_kept_whole(kept: SessionStore) -> None:
    session, text = begin(kept).id, "äb\n" * 3_000_000
    assert say(kept, session, text).title == "äb " * 26 + "ä…"
    assert kept.turns(session)[0].user == text


def files_of(where: str, cluster: Callable[[], Cluster]) -> Iterator[bytes]:
    if "://" in where:
        cluster().admin("CHECKPOINT")
    folder = cluster().data if "://" in where else Path(where).parent
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes()


def test_without_text_no_word_touches_the_disk(
    opened: Callable[..., SessionStore], where: str, request: pytest.FixtureRequest
) -> None:
    def disk() -> bytes:
        return b"".join(files_of(where, lambda: request.getfixturevalue("cluster")))

    dumb = opened(keep_text=False)
    session = begin(dumb, title="xyzzy-title").id
    token = StoredToken(text="xyzzy-token", projection=0.5, before=0.5, fired=0.0)
    say(dumb, session, "xyzzy-user", tokens=(token,), finish_reason="marker-of-a-reading")
    assert b"marker-of-a-reading" in disk()
    assert b"xyzzy" not in disk().lower()
    (turn,) = dumb.turns(session)
    assert (turn.user, turn.answer, turn.tokens[0]["text"], turn.tokens[0]["projection"]) == (None, None, "", 0.5)
    found = dumb.find(session)
    assert found is not None
    assert found.title is None
    dumb.close()
    assert b"xyzzy" not in disk().lower()
    # The control: a store that keeps text leaves it where this test looks.
    say(opened(), session, "xyzzy-user")
    assert b"xyzzy-user" in disk()


KILLED = """
import sys
from holdtrue.records import HoldSpec
from holdtrue.serve.store import StoredTurn, open_store
store = open_store(sys.argv[1])
session = store.create("m", None, "", HoldSpec()).id
for k in range(10**6):
    turn = StoredTurn(session, user=f"q{k}", answer="a" * 2000)
    after = store.record_turn(turn, history_digest=str(k), detector={"k": float(k)})
    print(session, after.n_turns, flush=True)
"""


def test_an_answered_turn_survives_a_kill(where: str, opened: Callable[..., SessionStore]) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, where], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.readlines()
    assert process.wait() == -signal.SIGKILL
    session, last = lines[-1].split()
    kept = opened()
    turns = kept.turns(session)
    assert [turn.turn for turn in turns] == list(range(1, len(turns) + 1))
    assert len(turns) >= int(last)
    assert all(turn.user == f"q{turn.turn - 1}" and turn.answer == "a" * 2000 for turn in turns)
    found = kept.find(session)
    assert found is not None
    assert (found.n_turns, found.history_digest) == (len(turns), str(len(turns) - 1))
    assert say(kept, session).n_turns == len(turns) + 1


def test_opening_at_once_makes_the_tables_once(where: str, tmp_path: Path) -> None:
    code = (
        "import sys; from holdtrue.serve.store import open_store; from holdtrue.records import HoldSpec;"
        "sys.stdin.readline(); s = open_store(sys.argv[1]); print(s.create('m', None, '', HoldSpec()).id)"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, where], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    with ThreadPoolExecutor(3) as pool:
        ids = [out.strip() for out, _ in pool.map(lambda process: process.communicate("go\n", timeout=120), processes)]
    kept = open_store(where)
    assert {one.id for one in kept.recent()} == set(ids)
    assert len(set(ids)) == 3
    kept.close()


def test_threads_opening_at_once_make_the_tables_once(where: str) -> None:
    start = threading.Barrier(6)

    def open_one(_: int) -> SessionStore:
        start.wait()
        return open_store(where)

    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(open_one, range(6)))
    for one in stores:
        begin(one)
    assert len(stores[0].recent()) == 6
    for one in stores:
        one.close()


def test_the_migrations_make_the_tables_that_the_code_expects(kept: SessionStore, where: str) -> None:
    engine = raw_engine(where)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": tables.VERSION_TABLE, "compare_type": lambda *_: False}
        )
        assert compare_metadata(context, tables.METADATA) == []
        found = sa.inspect(connection)
        for table in tables.METADATA.sorted_tables:
            columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
            assert columns == {column.name: bool(column.nullable) for column in table.columns}
    engine.dispose()


def test_a_newer_schema_is_refused_untouched(kept: SessionStore, where: str) -> None:
    session = begin(kept).id
    engine = raw_engine(where)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE holdtrue_schema SET version_num = '9999'"))
    with pytest.raises(StorageError, match=r"newer holdtrue \(schema 9999; this one knows up to 0001\)"):
        open_store(where)
    with engine.begin() as connection:
        assert connection.execute(sa.text("SELECT id FROM holdtrue_sessions")).scalars().all() == [session]
        assert connection.execute(sa.text("SELECT version_num FROM holdtrue_schema")).scalar() == "9999"
    engine.dispose()


def test_a_failed_migration_leaves_nothing_behind(cluster: Cluster) -> None:
    cluster.admin("CREATE DATABASE half")
    url = cluster.url("half").render_as_string()
    engine = raw_engine(url)
    with engine.begin() as connection:
        # It stands in the way of the second table: the first must not remain.
        connection.execute(sa.text("CREATE TABLE holdtrue_turns (x int)"))
    with pytest.raises(StorageError, match="already exists"):
        open_store(url)
    assert sa.inspect(engine).get_table_names() == ["holdtrue_turns"]
    engine.dispose()


def test_a_lock_that_stays_is_one_clear_line(
    where: str, opened: Callable[..., SessionStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 1)
    kept = opened()
    session = begin(kept).id
    engine = raw_engine(where)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE holdtrue_sessions SET title = 'held'"))
        with pytest.raises(StorageError, match="another process holds it") as caught:
            say(kept, session)
    assert "\n" not in str(caught.value)
    assert say(kept, session).n_turns == 1
    engine.dispose()


def test_tables_that_vanish_are_one_clear_line(kept: SessionStore, where: str) -> None:
    session = begin(kept).id
    engine = raw_engine(where)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE holdtrue_turns"))
    with pytest.raises(StorageError, match="restart, or restore a backup") as caught:
        say(kept, session, "a secret remark")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    engine.dispose()


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("sessions", "hold", "not json"),
        ("sessions", "hold", '{"name": 5}'),
        ("sessions", "detector", "[1]"),
        ("sessions", "detector", '{"x": "y"}'),
        ("turns", "tokens", ""),
        ("turns", "tokens", "5"),
        ("turns", "tokens", "[[1]]"),
    ],
)
def test_a_row_that_somebody_spoilt_is_one_clear_line(
    kept: SessionStore, where: str, table: str, column: str, value: str
) -> None:
    session = begin(kept).id
    say(kept, session)
    engine = raw_engine(where)
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE holdtrue_{table} SET {column} = :value"), {"value": value})
    with pytest.raises(StorageError, match="restore") as caught:
        kept.export(session)
    assert "\n" not in str(caught.value)
    assert kept.delete(session)
    engine.dispose()


def test_a_dropped_connection_heals_and_a_dropped_database_is_one_clear_line(cluster: Cluster) -> None:
    cluster.admin("CREATE DATABASE gone")
    kept = open_store(cluster.url("gone").render_as_string())
    session = begin(kept).id
    cluster.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'gone'")
    assert say(kept, session).n_turns == 1
    kept.check()
    cluster.admin("DROP DATABASE gone WITH (FORCE)")
    for call in (kept.check, lambda: say(kept, session), kept.recent):
        with pytest.raises(StorageError, match="gone") as caught:
            call()
        assert "\n" not in str(caught.value)
    kept.close()


def test_postgresql_commits_to_disk_even_where_the_server_says_otherwise(cluster: Cluster) -> None:
    cluster.admin("CREATE DATABASE lazy")
    kept = open_store(cluster.url("lazy").render_as_string())
    with kept._database.read() as connection:
        assert connection.execute(sa.text("SHOW synchronous_commit")).scalar() == "on"
    kept.close()


def test_a_refused_row_is_not_quoted(cluster: Cluster) -> None:
    cluster.admin("CREATE DATABASE strict")
    kept = open_store(cluster.url("strict").render_as_string())
    session = begin(kept).id
    engine = raw_engine(cluster.url("strict").render_as_string())
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE holdtrue_turns ADD CHECK (completion_tokens < 5)"))
    with pytest.raises(StorageError, match="check constraint") as caught:
        say(kept, session, "a secret remark", completion_tokens=9)
    assert "secret" not in str(caught.value).lower()
    assert kept.turns(session) == ()
    engine.dispose()
    kept.close()


def test_other_tables_in_a_shared_postgresql_are_left_alone(cluster: Cluster) -> None:
    cluster.admin("CREATE DATABASE shared")
    url = cluster.url("shared").render_as_string()
    engine = raw_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE sessions (x int)"))
        connection.execute(sa.text("CREATE TABLE alembic_version (version_num text)"))
        connection.execute(sa.text("INSERT INTO alembic_version VALUES ('theirs')"))
    kept = open_store(url)
    begin(kept)
    kept.close()
    with engine.begin() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == "theirs"
    engine.dispose()
