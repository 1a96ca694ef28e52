import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from ingest_files import chat, chats, quarantine, write_any, write_lines

from holdtrue.audit.ingest import IngestOptions, ingest, reading
from holdtrue.audit.rows import SCHEMA, Rows
from holdtrue.errors import ArtifactError, EvidenceError, RunError, SettingError
from holdtrue.progress import Progress

TEXTS = ["system", "prompt", "response", "rejected", "label"]
SMALL = IngestOptions(block_bytes=20_000, processes=1)


def read_all(rows: Rows) -> list[dict[str, str]]:
    return rows.take(range(rows.n), TEXTS)


@pytest.mark.parametrize(
    "name", [f"d{end}{pack}" for end in (".jsonl", ".json", ".csv", ".tsv", ".parquet") for pack in ("", ".gz", ".zst")]
)
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    table = [{"prompt": f'ask, {at}\n"now"', "response": f"say é {at}", "source": "web"} for at in range(10)]
    rows = ingest(str(write_any(tmp_path / name, table)), tmp_path / "out")
    assert [(r["prompt"], r["response"]) for r in read_all(rows)] == [(r["prompt"], r["response"]) for r in table]
    assert rows.take([3], ["source", "slices"]) == [{"source": name, "slices": '{"source": "web"}'}]
    assert rows.card.kind == "completion"
    assert rows.card.columns == {"prompt": "prompt", "response": "response"}
    assert pq.read_schema(tmp_path / "out" / "part-00000.parquet").equals(SCHEMA)


def test_lines_hashes_and_families_of_a_chat(tmp_path: Path) -> None:
    data = [chat("Hi  there", "a"), b"", chat("hi THERE", "b"), b"{oops", chat("Hi  there", "a")]
    rows = ingest(str(write_lines(tmp_path / "d.jsonl", data)), tmp_path / "out")
    table = pq.read_table(tmp_path / "out" / "part-00000.parquet").to_pydict()
    assert table["line"] == [1, 3, 5]
    assert table["prompt_hash"][0] == table["prompt_hash"][1]
    assert table["row_hash"][0] == table["row_hash"][2] != table["row_hash"][1]
    assert rows.families.tolist() == [0, 1, 0]
    assert (rows.card.exact_duplicates, rows.card.quarantined, rows.card.families) == (1, 1, 2)
    assert quarantine(tmp_path / "out")[0] | {"reason": ""} == {
        "source": "d.jsonl", "line": 4, "reason": "", "excerpt": "{oops",
    }  # fmt: skip


def test_processes_and_blocks_change_nothing_but_the_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_INLINE", 0)
    data = [*chats(300), *chats(100), b"[1]", *chats(50, seed=1)]
    path = str(write_lines(tmp_path / "d.jsonl", data))
    seen: list[Progress] = []
    one = ingest(path, tmp_path / "one", IngestOptions(processes=1))
    many = ingest(path, tmp_path / "many", IngestOptions(block_bytes=40_000, processes=2), seen.append)
    columns = [name for name in SCHEMA.names if name not in ("line", "row_hash", "prompt_hash")]
    assert len(one.parts) == 1
    assert len(many.parts) >= 3
    assert many.take(range(450), columns) == one.take(range(450), columns)
    lines = [line for part in many.parts for line in pq.read_table(part.path).column("line").to_pylist()]
    assert lines == [*range(1, 401), *range(402, 452)]
    assert many.families.tolist() == one.families.tolist() == [*range(300), *range(100), *range(400, 450)]
    assert quarantine(tmp_path / "many") == quarantine(tmp_path / "one")
    assert quarantine(tmp_path / "one")[0]["line"] == 401
    assert [(each.done, each.total) for each in seen if not each.note][-1] == (seen[1].total, seen[1].total)
    assert seen[-1].note == "grouping 450 rows into families"
    assert not (tmp_path / "many" / "scratch").exists()


KILLED = """
import sys, time
from pathlib import Path
from holdtrue.audit.ingest import IngestOptions, ingest, reading
real = reading.do_block
def slow(job):
    time.sleep(0.2)
    return real(job)
reading.do_block = slow
ingest(sys.argv[1], Path(sys.argv[2]), IngestOptions(block_bytes=20_000, processes=1))
"""


def test_a_killed_ingest_goes_on_without_loss_or_repetition(tmp_path: Path) -> None:
    data = str(write_lines(tmp_path / "d.jsonl", [*chats(200), b"{", *chats(200)]))
    log = tmp_path / "killed" / "blocks.jsonl"
    environment = os.environ | {"PYTHONPATH": str(Path(reading.__file__).parents[3])}
    command = [sys.executable, "-c", KILLED, data, str(tmp_path / "killed")]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        for _ in range(6000):  # starting may take long on a busy machine
            if log.exists() and log.read_bytes().count(b"\n") > 3:
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    before = log.read_bytes()
    assert 3 < before.count(b"\n") < 10
    log.write_bytes(before + b'{"block": 9')  # a line torn by a power cut
    resumed, whole = ingest(data, tmp_path / "killed", SMALL), ingest(data, tmp_path / "whole", SMALL)
    assert resumed.card == whole.card
    for path in (tmp_path / "whole").glob("*"):
        if path.name != "blocks.jsonl":
            assert (tmp_path / "killed" / path.name).read_bytes() == path.read_bytes()
    blocks = [json.loads(line)["block"] for line in log.read_text().splitlines()[1:]]
    assert sorted(blocks) == list(range(len(blocks)))


KILLED_WITH_WORKERS = """
import os, signal, sys
from pathlib import Path
from holdtrue.audit.ingest import IngestOptions, ingest, reading
class Pool(reading.ProcessPoolExecutor):
    def submit(self, *_):
        ask = super().submit
        print(ask(os.getpid).result(), ask(signal.getsignal, signal.SIGINT).result() == signal.SIG_IGN, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
reading.ProcessPoolExecutor, reading._INLINE = Pool, 0
ingest(sys.argv[1], Path(sys.argv[2]))
"""


def test_workers_leave_ctrl_c_to_the_parent_and_end_with_it(tmp_path: Path) -> None:
    data = str(write_lines(tmp_path / "d.jsonl", chats(3)))
    environment = os.environ | {"PYTHONPATH": str(Path(reading.__file__).parents[3])}
    command = [sys.executable, "-c", KILLED_WITH_WORKERS, data, str(tmp_path / "out")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        pid, ignores = process.stdout.readline().split()
        assert ignores == b"True"
        try:
            process.communicate(timeout=60)  # ends when the last of its children has closed the output
        except subprocess.TimeoutExpired:
            os.kill(int(pid), signal.SIGKILL)
            raise


def test_a_kill_in_the_last_step_is_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = str(write_lines(tmp_path / "d.jsonl", [*chats(200), *chats(20)]))

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("holdtrue.audit.ingest.finish.write_atomic", killed)
        with pytest.raises(Killed):
            ingest(data, tmp_path / "a", SMALL)
    assert ingest(data, tmp_path / "a", SMALL).card == ingest(data, tmp_path / "b", SMALL).card
    assert Rows(tmp_path / "a").take([219], TEXTS) == Rows(tmp_path / "b").take([219], TEXTS)


def test_a_finished_folder_is_given_back_and_another_dataset_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "d.jsonl", chats(5))
    first = ingest(str(path), tmp_path / "out")
    stamp = (tmp_path / "out" / "rows.json").stat().st_mtime_ns
    assert ingest(str(path), tmp_path / "out", IngestOptions(processes=1)).card == first.card
    assert (tmp_path / "out" / "rows.json").stat().st_mtime_ns == stamp
    with pytest.raises(RunError, match=r"similarity 0\.7 there, 0\.5 here"):
        ingest(str(path), tmp_path / "out", IngestOptions(similarity=0.5))
    write_lines(path, chats(6))
    with pytest.raises(RunError, match="another dataset"):
        ingest(str(path), tmp_path / "out")
    (tmp_path / "out" / "blocks.jsonl").unlink()
    with pytest.raises(RunError, match="unknown dataset"):
        ingest(str(path), tmp_path / "out")


def test_after_a_refusal_the_same_folder_takes_the_mended_file_or_options(tmp_path: Path) -> None:
    out = tmp_path / "out"
    path = write_lines(tmp_path / "d.jsonl", [])
    with pytest.raises(EvidenceError, match="no rows in it"):
        ingest(str(path), out)
    write_lines(path, [{"a": "x", "b": "y"}, {"a": "z", "b": 5}])
    with pytest.raises(SettingError, match=r"^/.*/d\.jsonl: can't tell .* name them by field"):
        ingest(str(path), out)
    with pytest.raises(EvidenceError, match="none of 2 rows is good"):  # its blocks are finished, and empty
        ingest(str(path), out, IngestOptions(kind="chat", columns={"messages": "a"}))
    rows = ingest(str(path), out, IngestOptions(columns={"prompt": "a", "response": "b"}))
    assert (rows.n, rows.card.quarantined) == (1, 1)
    assert [entry["line"] for entry in quarantine(out)] == [2]


def test_a_folder_is_read_in_order_and_says_what_it_skipped(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "b").mkdir(parents=True)
    (folder / ".cache").mkdir()
    write_lines(folder / "b" / "2.jsonl", chats(2, seed=2))
    write_any(folder / "c.parquet", chats(2, seed=3))
    write_lines(folder / "a.jsonl", chats(2, seed=1))
    write_lines(folder / ".cache" / "x.jsonl", chats(2))
    (folder / "model.pkl").write_bytes(b"cos\nsystem\n")
    rows = ingest(str(folder), tmp_path / "out")
    assert [row["source"] for row in rows.take(range(6), ["source"])] == [
        *["a.jsonl"] * 2, *["b/2.jsonl"] * 2, *["c.parquet"] * 2,
    ]  # fmt: skip
    assert rows.card.notes == ("skipped: 1 files of no known format (model.pkl), 1 hidden ones",)


def test_what_is_missing_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def offline(*_: object, **__: object) -> None:
        message = "no route\nto host"
        raise OSError(message)

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", offline)
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.pkl").write_bytes(b"")
    for name, words in [
        ("no/such", "the Hub gave no dataset of that name \\(no route\\)"),
        (str(tmp_path / "none.jsonl"), "no such file or folder"),
        (str(tmp_path / "empty"), "no file of rows"),
        (str(tmp_path / "x.pkl"), "no known format"),
        ("n" * 5000 + ".jsonl", "n…: can't be looked at"),
    ]:
        with pytest.raises(ArtifactError, match=words) as caught:
            ingest(name, tmp_path / "out")
        assert "\n" not in str(caught.value)
    with pytest.raises(EvidenceError, match=r"none of 2 rows is good; the first: d\.jsonl line 1: not JSON"):
        ingest(str(write_lines(tmp_path / "d.jsonl", [b"{", b"[]"])), tmp_path / "out")
    with pytest.raises(EvidenceError, match="no rows in it"):
        ingest(str(write_lines(tmp_path / "e.jsonl", [])), tmp_path / "out2")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"columns": {"promt": "x"}}, "did you mean 'prompt'"),
        ({"similarity": 0.0}, "above 0"),
        ({"processes": 0}, "at least 1"),
    ],
)
def test_impossible_options_are_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        IngestOptions(**wrong)  # type: ignore[arg-type]


def test_damaged_families_are_said_in_one_line(tmp_path: Path) -> None:
    rows = ingest(str(write_lines(tmp_path / "d.jsonl", chats(3))), tmp_path / "out")
    path = tmp_path / "out" / "family-00000.parquet"
    for damage, words in [
        (lambda: pq.write_table(pq.read_table(path).slice(1), path), "families of 2 rows"),
        (lambda: path.write_bytes(path.read_bytes()[:-9]), "can't be read"),
        (path.unlink, "can't be read"),
    ]:
        damage()
        with pytest.raises(ArtifactError, match=words) as caught:
            _ = rows.families
        assert "\n" not in str(caught.value)
