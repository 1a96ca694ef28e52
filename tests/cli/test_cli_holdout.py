"""`holdtrue holdout`: committed to, used once, revealed, checked by anybody."""

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from holdtrue.cli.main import app
from holdtrue.watch import AuditSampler, audit_key

RUN = ("gate", "run", "scripted/clean", "--classes", "improper_refusal", "--min-families", "5", "--p0", "0.5")


def invoke(*words: object, code: int = 0) -> Result:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done


def refused(*words: object) -> str:
    done = invoke(*words, code=2)
    [line] = done.stderr.strip().splitlines()
    assert line.startswith("holdtrue: ")
    return line


@pytest.fixture
def tranche(tmp_path: Path) -> Path:
    folder = tmp_path / "tranche"
    invoke("holdout", "commit", folder, "--families", 10)
    return folder


def test_a_commitment_tells_nothing_but_how_many(tranche: Path) -> None:
    commitment = json.loads((tranche / "commitment.json").read_text())
    assert commitment.keys() == {"schema", "root", "n", "canary"}
    assert commitment["n"] == 7 * 10 * 2
    assert stat.S_IMODE((tranche / "secret").stat().st_mode) == 0o600
    lines = (tranche / "tranche.jsonl").read_text().splitlines()
    assert len(lines) == commitment["n"]
    assert all(commitment["canary"] in line for line in lines)


def test_a_tranche_is_used_once_revealed_and_checked(tranche: Path, tmp_path: Path) -> None:
    items, out = tranche / "tranche.jsonl", tmp_path / "runs"
    published = tmp_path / "published.json"
    published.write_bytes((tranche / "commitment.json").read_bytes())
    invoke(*RUN, "--tranche", items, "--out", out / "1")
    root = json.loads(published.read_text())["root"]
    assert json.loads((out / "1/prereg.json").read_text())["tranche_root"] == root
    assert json.loads((out / "1/tranche.json").read_text())["root"] == root
    assert "a tranche is used once" in refused(*RUN, "--tranche", items, "--out", out / "2")
    assert "revealed.json" in refused("holdout", "check", tranche)
    invoke("holdout", "reveal", tranche)
    assert "the items are those" in invoke("holdout", "check", tranche, "--commitment", published).stdout
    assert len((out / "attempts.jsonl").read_text().splitlines()) == 3  # what was refused is no attempt


def test_a_revealed_tranche_is_retired(tranche: Path, tmp_path: Path) -> None:
    invoke("holdout", "reveal", tranche)
    assert "revealed" in refused(*RUN, "--tranche", tranche / "tranche.jsonl", "--out", tmp_path / "run")


def test_an_edited_item_or_another_commitment_is_named(tranche: Path, tmp_path: Path) -> None:
    invoke("holdout", "reveal", tranche)
    other = tmp_path / "other"
    invoke("holdout", "commit", other, "--families", 10)
    swapped = invoke("holdout", "check", tranche, "--commitment", other / "commitment.json", code=1)
    assert "the reveal belongs to another commitment" in swapped.stdout
    items = tranche / "tranche.jsonl"
    items.write_text(items.read_text().replace("Yes, ", "No, ", 1))
    assert "don't have the committed root" in invoke("holdout", "check", tranche, code=1).stdout
    assert "don't open the commitment" in refused("holdout", "reveal", tranche)


def test_a_left_out_item_is_refused_before_the_run(tranche: Path, tmp_path: Path) -> None:
    items = tranche / "tranche.jsonl"
    items.write_text("".join(items.read_text().splitlines(keepends=True)[2:]))
    assert "than the commitment's 140" in refused(*RUN, "--tranche", items, "--out", tmp_path / "run")
    assert not list(tmp_path.glob("run/*"))


def test_your_own_items_are_taken_and_others_are_not(tranche: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.jsonl"
    own.write_text("".join((tranche / "tranche.jsonl").read_text().splitlines(keepends=True)[:4]))
    assert "4 items" in invoke("holdout", "commit", tmp_path / "mine", "--items", own).stdout
    own.write_text("{}\n")
    assert "own.jsonl line 1" in refused("holdout", "commit", tmp_path / "bad", "--items", own)
    assert not list(tmp_path.glob("bad/*"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("commit", "TRANCHE"), "a commitment isn't made twice"),
        (("commit", "new", "--items", "nowhere.jsonl"), "nowhere.jsonl"),
        (("reveal", "nowhere"), "nowhere/commitment.json"),
        (("check", "nowhere"), "nowhere/revealed.json"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_line(
    tranche: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tranche.parent)
    assert said in refused("holdout", *("tranche" if word == "TRANCHE" else word for word in words))


def test_a_tranche_without_its_commitment_is_refused(tranche: Path, tmp_path: Path) -> None:
    (tranche / "commitment.json").unlink()
    said = refused(*RUN, "--tranche", tranche / "tranche.jsonl", "--out", tmp_path / "run")
    assert "no commitment.json beside it" in said


def test_the_help_says_what_to_publish() -> None:
    told = " ".join(invoke("holdout", "commit", "--help").output.split())
    assert "publish commitment.json, keep the rest to yourself" in told


def test_a_servers_sampling_is_committed_opened_and_checked(tmp_path: Path) -> None:
    key, salt = audit_key(tmp_path / "k"), audit_key(tmp_path / "k.salt")
    digest = AuditSampler(key, 0.25).commitment(salt)
    promised, opened = tmp_path / "promised.json", tmp_path / "opened.json"
    group = ("holdout", "monitoring")
    invoke(*group, "commit", digest, "--server", "chat", "--out", promised)
    assert key.hex() not in promised.read_text()
    invoke(*group, "reveal", promised, "--key", tmp_path / "k", "--rate", 0.25, "--out", opened)
    assert "0.25" in invoke(*group, "check", promised, opened).stdout
    opened.write_text(opened.read_text().replace("0.25", "0.5"))
    assert "not those" in invoke(*group, "check", promised, opened, code=1).stdout


@pytest.mark.parametrize("digest", ["", "0" * 63, "z" * 64])
def test_a_servers_sampling_needs_the_digest_that_was_printed(digest: str, tmp_path: Path) -> None:
    line = refused("holdout", "monitoring", "commit", digest, "--server", "chat", "--out", tmp_path / "c.json")
    assert "64 hex digits" in line
    assert not (tmp_path / "c.json").exists()
