import hashlib
import hmac
import json
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from holdtrue.cli.keys import app
from holdtrue.errors import ArtifactError, SettingError, StorageError
from holdtrue.serve import keys as keys_module
from holdtrue.serve.keys import KeyRing, add_key, read_keys, revoke_key


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def test_a_key_opens_and_only_its_digest_is_kept(file: Path) -> None:
    key, secret = add_key(file, "ann", operator=True)
    assert secret.startswith("ht_")
    assert len(secret) == 46
    assert key.sha256 == hashlib.sha256(secret.encode()).hexdigest()
    text = file.read_text()
    assert secret[3:] not in text
    raw = json.loads(text)
    assert raw["schema"] == "holdtrue.keys/1"
    assert [set(entry) for entry in raw["keys"]] == [{"id", "name", "sha256", "created", "operator", "revoked"}]
    ring = KeyRing.load(file)
    assert ring.check(secret) == key
    assert key.operator
    assert ring.check(key.sha256) is None


def test_keys_never_repeat(file: Path) -> None:
    made = [add_key(file, f"n{k}") for k in range(20)]
    assert len({secret for _, secret in made}) == len({key.id for key, _ in made}) == 20
    ring = KeyRing.load(file)
    assert [ring.check(secret) for _, secret in made] == [key for key, _ in made]


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_nothing_else_opens(tmp_path_factory: pytest.TempPathFactory, presented: str) -> None:
    path = tmp_path_factory.getbasetemp() / "shared-keys.json"
    if not path.exists():
        add_key(path, "ann")
    ring = KeyRing.load(path)
    assert ring.check(presented) is None


@pytest.mark.parametrize(
    "change", [str.swapcase, lambda s: s[:-1], lambda s: s + "=", lambda s: f" {s}", lambda s: s * 2]
)
def test_a_key_must_be_exact(file: Path, change: Callable[[str], str]) -> None:
    _, secret = add_key(file, "ann")
    ring = KeyRing.load(file)
    assert ring.check(secret) is not None
    assert ring.check(change(secret)) is None


def test_every_entry_is_compared_whichever_matches(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = [add_key(file, f"n{k}")[1] for k in range(5)]
    revoke_key(file, "n2")
    ring, compared = KeyRing.load(file), []

    def counting(a: str, b: str) -> bool:
        compared.append(b)
        return hmac.compare_digest(a, b)

    monkeypatch.setattr(keys_module, "hmac", type("H", (), {"compare_digest": staticmethod(counting)}))
    for presented in (*secrets, "nothing"):
        compared.clear()
        ring.check(presented)
        assert compared == [key.sha256 for key in ring.keys]


def test_a_running_server_sees_revocations_and_additions(file: Path) -> None:
    key, secret = add_key(file, "ann")
    ring = KeyRing.load(file)
    other, second = add_key(file, "bob")
    assert ring.check(second) == other
    assert revoke_key(file, "ann").id == key.id
    assert ring.check(secret) is None
    assert ring.check(second) == other
    again, third = add_key(file, "ann")
    assert again.id != key.id
    assert ring.check(third) == again
    revoke_key(file, again.id)
    assert ring.check(third) is None


def test_a_change_within_one_tick_of_the_clock_is_seen(file: Path) -> None:
    _, secret = add_key(file, "ann")
    ring, before = KeyRing.load(file), file.stat()
    revoke_key(file, "ann")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert ring.check(secret) is None


def test_the_file_is_private_at_every_moment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    previous, seen, real = os.umask(0), [], Path.replace

    def watching(self: Path, target: Path) -> Path:
        seen.append(stat.S_IMODE(self.stat().st_mode))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", watching)
    try:
        add_key(file, "ann")
        file.chmod(0o644)
        revoke_key(file, "ann")
    finally:
        os.umask(previous)
    assert seen == [0o600, 0o600]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not [path for path in file.parent.iterdir() if path.name.startswith(".keys")]


def test_a_link_keeps_pointing_where_it_did(file: Path, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere" / "real.json"
    real.parent.mkdir()
    add_key(real, "ann")
    file.symlink_to(real)
    add_key(file, "bob")
    assert file.is_symlink()
    assert [key.name for key in read_keys(real)] == ["ann", "bob"]


def test_commands_at_once_lose_no_key(file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda k: add_key(file, f"n{k}"), range(16)))
    ring = KeyRing.load(file)
    assert [ring.check(secret) for _, secret in made] == [key for key, _ in made]


def entry(**changes: object) -> dict[str, object]:
    good = {
        "id": "key_" + "0" * 12,
        "name": "n",
        "sha256": "a" * 64,
        "created": "t",
        "operator": False,
        "revoked": None,
    }
    return {**good, **changes}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "nonsense",
        "[]",
        "null",
        '{"keys": []}',
        '{"schema": "holdtrue.keys/2", "keys": []}',
        '{"schema": "holdtrue.keys/1", "keys": 5}',
        '{"schema": "holdtrue.keys/1", "keys": [], "extra": 1}',
        "[" * 100_000,
        *(
            json.dumps({"schema": "holdtrue.keys/1", "keys": bad})
            for bad in (
                [entry(sha256="A" * 64)],
                [entry(sha256="a" * 63)],
                [entry(sha256="a" * 64 + "\n")],
                [entry(id="../x")],
                [entry(name="")],
                [entry(name="\x1b[31m")],
                [entry(name="\ud800")],
                [entry(operator="perhaps")],
                [entry(secret="x")],
                [entry(), entry()],
                [entry(), entry(id="key_" + "1" * 12, name="m")],
                [entry(), entry(id="key_" + "1" * 12, sha256="b" * 64)],
            )
        ),
    ],
)
def test_a_malformed_file_is_one_clear_line_and_lets_nobody_in(file: Path, content: str) -> None:
    _, secret = add_key(file, "ann")
    ring = KeyRing.load(file)
    file.write_text(content)
    for call in (lambda: KeyRing.load(file), lambda: ring.check(secret), lambda: ring.check(secret)):
        with pytest.raises(ArtifactError, match=r"keys\.json") as caught:
            call()
        assert "\n" not in str(caught.value)
    for call in (lambda: add_key(file, "bob"), lambda: revoke_key(file, "ann")):
        with pytest.raises(ArtifactError):
            call()
    assert file.read_text() == content


def test_a_file_taken_away_lets_nobody_in_until_it_is_back(file: Path) -> None:
    key, secret = add_key(file, "ann")
    ring, text = KeyRing.load(file), file.read_text()
    file.unlink()
    with pytest.raises(ArtifactError, match="holdtrue keys add"):
        ring.check(secret)
    file.write_text(text)
    assert ring.check(secret) == key


def test_a_file_that_anybody_may_write_is_refused(file: Path) -> None:
    add_key(file, "ann")
    file.chmod(0o666)
    with pytest.raises(ArtifactError, match="chmod 600"):
        KeyRing.load(file)


def test_missing_and_odd_files(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(ArtifactError):
            KeyRing.load(path)
    with pytest.raises(ArtifactError):
        revoke_key(tmp_path / "none.json", "x")
    with pytest.raises(StorageError, match="not an ordinary file"):
        add_key(tmp_path, "ann")


@pytest.mark.parametrize("bad", ["", " ", "a ", "\n", "a\nb", "\x1b[2J", "\0", "\ud800", "x" * 81, "\u202e"])
def test_an_impossible_name_is_refused_before_anything_is_made(file: Path, bad: str) -> None:
    with pytest.raises(SettingError, match="1 to 80 printable") as caught:
        add_key(file, bad)
    assert "\n" not in str(caught.value)
    assert not file.exists()


def test_names_in_use_and_unknown_ones(file: Path) -> None:
    key, _ = add_key(file, "ann")
    with pytest.raises(SettingError, match="in use"):
        add_key(file, "ann")
    with pytest.raises(SettingError, match="did you mean 'ann'"):
        revoke_key(file, "anne")
    # A key named like another's id doesn't shield that one.
    shield, _ = add_key(file, key.id)
    assert revoke_key(file, key.id) == read_keys(file)[0]
    assert read_keys(file)[1].revoked is None
    assert revoke_key(file, key.id).id == shield.id
    with pytest.raises(SettingError, match="could be revoked"):
        revoke_key(file, "ann")


def test_a_full_disk_leaves_the_old_keys(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_key(file, "ann")
    before = file.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="free some space"):
        add_key(file, "bob")
    monkeypatch.undo()
    assert file.read_bytes() == before
    assert {path.name for path in file.parent.iterdir()} <= {file.name, f"{file.name}.lock"}


def test_the_command_prints_the_key_and_nothing_else_on_stdout(file: Path) -> None:
    run = CliRunner().invoke
    added = run(app, ["add", "ann", "--operator", "--keys", str(file)])
    assert added.exit_code == 0
    secret = added.stdout.strip()
    key = KeyRing.load(file).check(secret)
    assert key is not None
    assert key.operator
    assert secret not in added.stderr
    assert key.id in added.stderr

    run(app, ["add", "bob", "--keys", str(file)])
    listed = run(app, ["list", "--keys", str(file)])
    assert [line.split()[0] for line in listed.stdout.splitlines()] == [one.id for one in read_keys(file)]
    assert "operator" in listed.stdout.splitlines()[0]
    assert "2 good keys of 2" in listed.stderr
    as_json = run(app, ["list", "--json", "--keys", str(file)])
    assert [one["name"] for one in json.loads(as_json.stdout)] == ["ann", "bob"]
    assert key.sha256 not in as_json.stdout + listed.stdout

    revoked = run(app, ["revoke", "ann", "--keys", str(file)])
    assert revoked.exit_code == 0
    assert revoked.stdout == ""
    assert "revoked" in run(app, ["list", "--keys", str(file)]).stdout.splitlines()[0]
    assert KeyRing.load(file).check(secret) is None


@pytest.mark.parametrize("words", [["list"], ["revoke", "x"], ["add", "\n"]])
def test_the_command_fails_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("holdtrue: ")
    assert len(done.stderr.splitlines()) == 1


def test_the_default_file_is_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["add", "ann"]).exit_code == 0
    assert [key.name for key in read_keys(tmp_path / "holdtrue-keys.json")] == ["ann"]
