"""Files from elsewhere: byte-order marks, unusual line ends, other templates."""

import json

import pytest

from holdtrue.errors import StorageError
from holdtrue.records import write_atomic
from holdtrue.watch import read_transcripts

TALK = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "a\u2028b"}]


def test_jsonl_ends_lines_at_newlines_only(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("\r\n".join(json.dumps(TALK, ensure_ascii=False) for _ in range(2)), encoding="utf-8", newline="")
    assert [t.turns[1].content for t in read_transcripts(path)] == ["a\u2028b"] * 2


def test_a_byte_order_mark_is_passed_over(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(TALK), encoding="utf-8-sig")
    assert len(read_transcripts(path)) == 1


def test_a_folder_is_not_written_over(tmp_path):
    with pytest.raises(StorageError, match="not an ordinary file"):
        write_atomic(tmp_path, "x")


def test_a_link_keeps_pointing_where_it_did(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_atomic(tmp_path / "link", "x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "x"
