"""Rows as people and attackers write them."""

import json
from pathlib import Path
from typing import Any

import pytest
from ingest_files import chat, chats, quarantine, write_lines

from holdtrue.audit.ingest import IngestOptions, ingest
from holdtrue.audit.ingest.bad_rows import BadRow
from holdtrue.audit.ingest.normalise import Texts, normalise
from holdtrue.audit.ingest.parsing import MAX_LINE, parse
from holdtrue.audit.ingest.shapes import recognise
from holdtrue.errors import SettingError
from holdtrue.records.audit import AuditKind

BAD: list[tuple[bytes, str]] = [
    (b'{"messages": [', "not JSON"),
    (b"[1, 2]", "a list where an object"),
    (b"7", "a number where an object"),
    (b'{"messages": []}', "no 'messages'"),
    (b'{"text": "x"}', "no 'messages'"),
    (b'{"messages": "hello"}', "'messages' is a text, not a list"),
    (b'{"messages": [{"role": "user", "content": 5}, {"role": "assistant", "content": "x"}]}', "content is a number"),
    (b'{"messages": [{"role": "user", "content": "x"}]}', "no turn of the assistant"),
    (b'{"messages": [{"role": "wizard", "content": "x"}]}', "role is 'wizard'"),
    (b'{"messages": [{"role": "user", "role": "assistant", "content": "x"}]}', "'role' is there twice"),
    (b'{"messages": [{"role": "user", "content": "\xff\xfe"}]}', "not UTF-8 at byte 43"),
    (json.dumps(chat("a\ud800", "b")).encode(), "half a surrogate pair"),
    (json.dumps(chat("a\0", "b")).encode(), "a NUL character"),
    (b'{"messages": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nested too deep"),
    (b'{"n": ' + b"9" * 5000 + b"}", "not JSON"),
    (b"\0\0\0", "not JSON"),
    (b'{"messages": "' + b"a" * MAX_LINE + b'"}', "the limit is 16,777,216"),
]


def test_bad_lines_are_put_aside_by_number_and_reason(tmp_path: Path) -> None:
    good = chats(3)
    path = write_lines(tmp_path / "d.jsonl", [good[0], *(line for line, _ in BAD), good[1], b"  ", good[2]])
    rows = ingest(str(path), tmp_path / "out", IngestOptions(processes=1))
    found = quarantine(tmp_path / "out")
    assert rows.n == 3
    assert rows.card.quarantined == len(BAD) == len(found)
    for at, ((line, reason), entry) in enumerate(zip(BAD, found, strict=True), start=2):
        assert (entry["source"], entry["line"]) == ("d.jsonl", at)
        assert reason in entry["reason"]
        assert "\n" not in entry["reason"]
        assert entry["excerpt"][:10] == line[:10].decode("utf-8", "backslashreplace")


def test_a_row_of_ten_megabytes_passes_and_is_cut(tmp_path: Path) -> None:
    long = "word " * 2_000_000
    path = write_lines(tmp_path / "d.jsonl", [chat("q", long), chat("q", long + "x"), chat("r", "short")])
    rows = ingest(str(path), tmp_path / "out", IngestOptions(processes=1))
    assert [len(row["response"]) for row in rows.take(range(3), ["response"])] == [1_000_000, 1_000_000, 5]
    # Unequal past the cut: no exact duplicates, though alike.
    assert (rows.card.exact_duplicates, rows.card.near_duplicates) == (0, 1)
    assert rows.card.notes[0].startswith("2 rows with texts cut")


def taken(row: dict[str, Any], kind: AuditKind | None = None, **columns: str) -> tuple[str, Texts]:
    shape = recognise([row], IngestOptions(kind=kind, columns=columns))
    return shape.kind, normalise(row, shape)


HH = "\n\nHuman: hi\n\nAssistant:"


@pytest.mark.parametrize(
    ("row", "kind", "texts"),
    [
        (
            {"conversations": [{"from": "system", "value": "s"}, {"from": "human", "value": "q"},
                               {"from": "gpt", "value": "a"}, {"from": "human", "value": "q2"},
                               {"from": "gpt", "value": "a2"}]},
            "chat", Texts("s", "q\nq2", "a\na2"),
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "see"}, {"type": "image_url"}]},
                          {"role": "assistant", "content": None, "tool_calls": [{"name": "f"}]}]},
            "chat", Texts("", "see\n[image_url]", '[{"name": "f"}]'),
        ),
        ({"instruction": "do", "input": "this", "output": "done"}, "completion", Texts("", "do\nthis", "done")),
        ({"Question": "q", "Answer": "a", "input": ""}, "completion", Texts("", "q", "a")),
        ({"prompt": "p", "chosen": "c", "rejected": "r"}, "preference", Texts("", "p", "c", "r")),
        ({"chosen": HH + " yes", "rejected": HH + " no"}, "preference", Texts("", "hi", "yes", "no")),
        (
            {"chosen": chat("q", "c")["messages"], "rejected": chat("q", "r")["messages"]},
            "preference", Texts("", "q", "c", "r"),
        ),
        ({"text": "t", "label": 1}, "label", Texts("", "t", "", "", "1")),
        ({"prompt": "t", "is_harmful": False}, "label", Texts("", "t", "", "", "false")),
        ({"content": "t", "labels": ["b", 2.0]}, "label", Texts("", "t", "", "", "b,2")),
    ],
)  # fmt: skip
def test_shapes_are_recognised(row: dict[str, Any], kind: str, texts: Texts) -> None:
    assert taken(row) == (kind, texts)


@pytest.mark.parametrize(
    ("row", "options", "words"),
    [
        ({"a": "x", "b": "y"}, {}, "can't tell what a row is; columns are 'a', 'b': name them"),
        ({"prompt": "x", "question": "y", "response": "z"}, {}, "prompt and question could each be the prompt"),
        ({"prompt": "x", "response": "y", "label": 1}, {}, "both a reply and a label"),
        ({"text": "x", "toxic": 1, "is_spam": 0}, {}, "could each be the label"),
        (
            {"a": "x"},
            {"columns": {"prompt": "q"}},
            "column 'q', named as prompt, isn't in the first rows; they",
        ),
        ({"a": "x", "label": 1}, {"kind": "label"}, "no column for the text of label rows"),
    ],
)
def test_what_cannot_be_told_is_asked_for(row: dict[str, Any], options: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        recognise([row], IngestOptions(**options))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1, float("nan")]])
def test_a_gap_is_no_label(value: object) -> None:
    with pytest.raises(BadRow, match="no finite number"):
        taken({"text": "t", "label": value})


def test_columns_can_be_named() -> None:
    assert taken({"a": "x", "b": "y"}, prompt="a", response="b") == ("completion", Texts("", "x", "y"))
    assert taken({"prompt": "x", "response": "y", "label": 1}, kind="label")[1] == Texts("", "x", "", "", "1")
    assert taken({"a": "x", "b": 0}, text="a", label="b")[0] == "label"


def test_provenance_is_short_and_sorted(tmp_path: Path) -> None:
    more = {"zone": "z" * 60, "made_at": 1_700_000_000, "date": "2024-05-06T01:02:03", "score": 0.5, "ok": True,
            "meta": {"lang": "en"}, "essay": "long " * 40, "n": 3, "none": None}  # fmt: skip
    data = [chat("q", str(at), id=f"row-{at}", **more) for at in range(120)]
    rows = ingest(str(write_lines(tmp_path / "d.jsonl", data)), tmp_path / "out")
    assert json.loads(rows.take([7], ["slices"])[0]["slices"]) == {
        "date": "2024-05", "made_at": "2023-11", "meta.lang": "en", "n": "3", "ok": "true", "zone": "z" * 60,
    }  # fmt: skip


def test_nan_in_another_column_is_no_harm() -> None:
    assert parse(b'{"text": "x", "score": NaN}')["text"] == "x"
    with pytest.raises(BadRow, match="'a' is there twice"):
        parse(b'{"a": 1, "\\u0061": 2}')
