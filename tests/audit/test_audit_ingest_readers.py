import csv
import json
import random
from io import BytesIO, StringIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest_files import chats, write_any

from holdtrue.audit.ingest import csv_rows, json_rows
from holdtrue.audit.ingest.csv_rows import read_csv
from holdtrue.audit.ingest.json_rows import read_json
from holdtrue.audit.ingest.lines import read_lines, survey
from holdtrue.audit.ingest.readers import read
from holdtrue.audit.ingest.sources import Source, find_sources
from holdtrue.errors import ArtifactError


def source(path: Path) -> Source:
    return find_sources(str(path))[0][0]


@pytest.mark.parametrize("chunk", [1, 2, 7, 1000])
def test_an_array_is_cut_into_its_elements(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_rows, "_CHUNK", chunk)
    rng = random.Random(0)
    rows = [{"a": "".join(rng.choices('[]{}",\\\né x', k=12)), "b": [1, {"c": [[]]}]} for _ in range(40)]
    text = "[" + json.dumps(rows, indent=1)[1:]
    assert [json.loads(raw.data) for raw in read_json(BytesIO(text.encode()))] == rows
    cut = list(read_json(BytesIO(text.encode()[:-30])))
    assert [raw.line for raw in cut] == list(range(1, 41))
    assert [raw.reason for raw in cut][-2:] == ["", "the file ends in the middle of this row"]


def test_an_element_over_the_limit_spoils_itself_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_rows, "MAX_LINE", 1000)
    monkeypatch.setattr(json_rows, "_CHUNK", 64)
    found = list(read_json(BytesIO(b'[{"a": 1}, {"a": "' + b"x" * 5000 + b'"}, {oops}, {"a": 2}]')))
    assert [raw.reason for raw in found] == ["", "a row of 5,009 bytes; the limit is 1,000", "", ""]
    assert [found[at].data for at in (0, 2, 3)] == [b'{"a": 1}', b"{oops}", b'{"a": 2}']


@pytest.mark.parametrize(
    "text",
    [
        '{"data": [{"a": 1}, {"a": 2}]}',
        '{"version": "1", "data": [{"a": 1}, {"a": 2}]}',
        '{"a": [1, 2]}',
        '{"a": {"0": 1, "1": 2}}',
        '\ufeff{"a": 1}\n{"a": 2}\n',
        '[\n{"a": 1},\n{"a": 2}\n]\n',
    ],
)
def test_json_comes_in_many_forms(text: str) -> None:
    assert [json.loads(raw.data) for raw in read_json(BytesIO(text.encode()))] == [{"a": 1}, {"a": 2}]


def test_csv_says_what_it_cannot_read() -> None:
    lines = [b"a,b", b'1,"two', b'lines"', b"3", b'"x"y,4', b"\xff,5", b"7,8", b'6,"', b"9,9"]
    found = list(read_csv(BytesIO(b"\xef\xbb\xbf" + b"\r\n".join(lines)), None))
    assert [raw.line for raw in found] == [2, 4, 5, 6, 7, 8, 9]
    assert json.loads(found[0].data) == {"a": "1", "b": "two\r\nlines"}
    reasons = [
        "",
        "1 fields where the header has 2",
        "not CSV",
        "not UTF-8 at byte 0 of line 6",
        "",
        "not CSV: unexpected end of data, from here to line 9",
        "may be part of the row that begins in line 8",
    ]
    assert [raw.reason.startswith(said) for raw, said in zip(found, reasons, strict=True)] == [True] * 7
    assert json.loads(next(read_csv(BytesIO(b"a;b\n1;2"), None)).data) == {"a": "1", "b": "2"}


def csv_of(*lines: bytes) -> list[tuple[int, str]]:
    return [(raw.line, raw.reason) for raw in read_csv(BytesIO(b"\n".join(lines)), None)]


def test_an_open_quote_hides_no_line_behind_the_next_quoted_row() -> None:
    found = csv_of(b"a,b", b'1,"open', b"2,x", *[b'2,"more\nlines"', b"3,x"] * 200)
    assert found[0] == (2, "not CSV: ',' expected after '\"', from here to line 4")
    assert [line for line, reason in found if "part of the row that begins in line 2" in reason] == [3, 4, 5]
    assert [line for line, reason in found if not reason] == sorted([6, *range(7, 604, 3), *range(9, 604, 3)])


@pytest.mark.parametrize(
    ("lines", "good"),
    [
        ([b'1,"he said "hi" to', b'me, twice"', b"2,x"], [4]),
        ([b'1,"a "b"', b'c,d "e" f"', b"2,x"], [4]),
        ([b'"open,"x"', b"2,x"], [3]),
        ([b'"a""b",c', b'"x"y,"4', b'5,6"', b"2,x"], [2, 5]),
        ([b'1,"open', b'"q",2', b"2,x"], [4]),
    ],
)
def test_stray_quotes_make_no_rows_of_a_text(lines: list[bytes], good: list[int]) -> None:
    found = csv_of(b"a,b", *lines)
    assert [line for line, reason in found if not reason] == good
    assert [line for line, _ in found] == list(range(2, len(lines) + 2))


WORDS = st.from_regex(r"\A[a-z]([a-z,\n]{0,6}[a-z])?\Z")


@given(st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=8), st.data())
def test_a_quote_that_is_not_closed_makes_no_row(rows: list[tuple[str, str, str]], data: st.DataObject) -> None:
    whole = StringIO()
    csv.writer(whole, lineterminator="\n").writerows([("x", "y", "z"), *rows])
    text = whole.getvalue()
    closing = [at for at, char in enumerate(text) if char == '"'][1::2]
    intact = [raw.data for raw in read_csv(BytesIO(text.encode()), None)]
    assert intact == [json.dumps(dict(zip("xyz", row, strict=True))).encode() for row in rows]
    if closing:
        at = data.draw(st.sampled_from(closing))
        found = list(read_csv(BytesIO((text[:at] + text[at + 1 :]).encode()), None))
        kept = [raw.data for raw in found if not raw.reason]
        assert len(kept) < len(intact)
        left = iter(intact)
        assert all(row in left for row in kept)  # in their order, none twice
        assert any(raw.reason for raw in found)


def test_quotes_cannot_make_a_file_cost_its_square() -> None:
    found = csv_of(b"a,b", *[b'a","c'] * 2000)  # each line's quote is open to the end
    assert [line for line, reason in found if reason] == list(range(2, 2002))


def test_long_lines_and_rows_of_csv_are_put_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "MAX_LINE", 20)
    assert csv_of(b"a,b", b"1," + b"x" * 50, b"2,y")[1] == (3, "")
    found = csv_of(b"a,b", b"1," + b"x" * 50, b'2,"', *[b"y,y"] * 8, b"3,3")
    assert found[0] == (2, "a line of more than 20 bytes")
    assert found[1] == (3, "not CSV: field larger than field limit (20), from here to line 8")
    assert [line for line, reason in found[2:] if "begins in line 3" in reason] == list(range(4, 13))
    assert "a row of more than 20 characters" in csv_of(b"a,b", *[b'a","c'] * 5)[0][1]


def test_lines_that_end_with_cr_alone_are_said() -> None:
    assert "end with CR alone" in csv_of(b"a,b\r1,2\r")[0][1]


def test_a_damaged_file_gives_what_can_be_had(tmp_path: Path) -> None:
    path = write_any(tmp_path / "d.jsonl.gz", chats(2000))
    path.write_bytes(path.read_bytes()[:-2000])
    found = list(read(source(path)))
    assert 100 < len(found) < 2000
    assert all(not raw.reason for raw in found[:-1])
    (tmp_path / "d.parquet").write_bytes(b"PAR1 nothing PAR1")
    assert "can't be read from here on" in next(read(source(tmp_path / "d.parquet"))).reason


def test_parquet_of_bytes_and_dates(tmp_path: Path) -> None:
    table = pa.table({"text": pa.array([b"good", b"\xff"], pa.binary()), "day": pa.array([0, 1], pa.date32())})
    pq.write_table(table, tmp_path / "d.parquet")
    good, bad = read(source(tmp_path / "d.parquet"))
    assert json.loads(good.data) == {"text": "good", "day": "1970-01-01"}
    assert (bad.line, bad.reason) == (2, "not UTF-8")


@pytest.mark.parametrize("block_bytes", [1, 10, 37, 1000])
def test_cuts_are_whole_lines_with_their_numbers(tmp_path: Path, block_bytes: int) -> None:
    rng = random.Random(block_bytes)
    data = b"".join(b'{"n": %d}' % rng.randrange(10**6) + rng.choice([b"\n", b"\n\n", b"\r\n"]) for _ in range(60))
    path = tmp_path / "d.jsonl"
    path.write_bytes(data.rstrip())
    _, cuts = survey(source(path), block_bytes)
    assert [cut.start for cut in cuts[1:]] == [cut.end for cut in cuts[:-1]]
    assert all(cut.end - cut.start >= block_bytes for cut in cuts[:-1])
    found = []
    for cut in cuts:
        with path.open("rb") as file:
            file.seek(cut.start)
            found += list(read_lines(file, cut.first_line, cut.end - cut.start))
    whole = data.rstrip().split(b"\n")
    assert [(raw.line, raw.data) for raw in found] == [
        (number, line.rstrip(b"\r")) for number, line in enumerate(whole, start=1) if line.strip()
    ]


def test_a_file_that_cannot_be_read_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_bytes(b"{}")
    gone = source(tmp_path / "d.jsonl")
    (tmp_path / "d.jsonl").unlink()
    with pytest.raises(ArtifactError, match=r"d\.jsonl: can't be read \(No such file or directory\)"):
        survey(gone, 10)
