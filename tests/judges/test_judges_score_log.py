import errno
import json
import os
from pathlib import Path

import pytest

from holdtrue.errors import RunError, StorageError
from holdtrue.judges.score_log import JudgeScore, ScoreLog


def line(id_: str, score: int | None = 3) -> JudgeScore:
    return JudgeScore(id=id_, material="d", score=score, model="m/n", rubric="r", raw="SCORE: 3")


def test_a_score_is_on_the_disk_at_once_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "scores.jsonl"
    log = ScoreLog(path)
    log.append(line("a"))
    log.append(line("b", None))
    raw = [json.loads(text) for text in path.read_text().splitlines()]
    assert [row["score"] for row in raw] == [3, None]
    assert raw[0]["schema"] == "holdtrue.judge-score/1"
    assert ScoreLog(path).scores == {("a", "d", "m/n", "r"): 3}


@pytest.mark.parametrize("torn", [b'{"schema": "holdtrue.ju', b"\xff\xfe", b"{}"])
def test_a_torn_tail_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "scores.jsonl"
    ScoreLog(path).append(line("a"))
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    log = ScoreLog(path)
    assert path.read_bytes() == whole
    log.append(line("b"))
    assert {key[0] for key in ScoreLog(path).scores} == {"a", "b"}


@pytest.mark.parametrize("bad", [b"not json\n", b'{"schema": "holdtrue.rollout/1"}\n', b"\xff\n"])
def test_a_damaged_line_is_named(tmp_path: Path, bad: bytes) -> None:
    path = tmp_path / "scores.jsonl"
    ScoreLog(path).append(line("a"))
    path.write_bytes(path.read_bytes() + bad)
    if bad.startswith(b"\xff"):
        with pytest.raises(RunError, match=r"move .* away"):
            ScoreLog(path)
    else:
        with pytest.raises(RunError, match="line 2"):
            ScoreLog(path)


def test_a_later_score_settles_an_unreadable_answer(tmp_path: Path) -> None:
    log = ScoreLog(tmp_path / "scores.jsonl")
    log.append(line("a", None))
    assert not log.scores
    log.append(line("a", 1))
    log.append(line("a", None))
    assert list(ScoreLog(log.path).scores.values()) == [1]


def test_a_full_disk_says_what_is_safe_and_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = ScoreLog(tmp_path / "scores.jsonl")
    log.append(line("a"))
    whole, real = log.path.read_bytes(), os.fsync

    def full(descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", real)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"No space left.*1 scores are safe"):
        log.append(line("b"))
    assert log.path.read_bytes() == whole
    log.append(line("b"))
    assert len(ScoreLog(log.path).scores) == 2
