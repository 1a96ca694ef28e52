"""What is left of a dataset, byte for byte, and what was taken out of it."""

import gzip
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from holdtrue.audit.cleaning import CARD_FILE, DATA_FOLDER, REMOVED_FILE, CleanedCard, export_cleaned
from holdtrue.audit.ingest import IngestOptions, ingest
from holdtrue.audit.rows import Rows
from holdtrue.errors import ArtifactError, SettingError, StorageError

ASKED = ["What is tea?", "What is\nrain?", 'What is "rope"?', "Was ist Öl?", "What is wool, then?", "What is glass?"]
TALKS = [{"prompt": asked, "response": f"It is thing {at}, à peu près."} for at, asked in enumerate(ASKED)]
OPTIONS = IngestOptions(processes=1)


def exported(path: Path, tmp_path: Path, remove: set[int], **kwargs) -> tuple[Rows, CleanedCard, Path]:
    rows = ingest(str(path), tmp_path / "rows", OPTIONS)
    out = tmp_path / "cleaned"
    return rows, export_cleaned(rows, str(path), frozenset(remove), out, **kwargs), out


def test_jsonl_is_kept_byte_for_byte(tmp_path):
    lines = [json.dumps(talk).encode() for talk in TALKS]
    lines[1] = b'  {"response" : "b" ,"prompt":"\\u00e4?"} '
    lines.insert(3, b"not JSON {")
    lines.insert(5, b"")
    path = tmp_path / "data.jsonl"
    path.write_bytes(b"\r\n".join(lines))
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    rows, card, out = exported(path, tmp_path, {0, 4}, reasons={0: (2,), 4: (0, 2)})
    assert len(rows) == 6
    # Row 4 stands on line 7, behind a bad line and a blank one.
    gone = {0, 6}
    kept = b"".join(line + b"\r\n" for at, line in enumerate(lines) if at not in gone).removesuffix(b"\r\n")
    assert (out / DATA_FOLDER / "data.jsonl").read_bytes() == kept
    removed = [json.loads(line) for line in (out / REMOVED_FILE).read_text().splitlines()]
    assert [(each["row"], each["line"], each["findings"]) for each in removed] == [(0, 1, [2]), (4, 7, [0, 2])]
    assert removed[1]["data"] == TALKS[4]
    assert (card.rows, card.removed, card.unaudited) == (4, 2, 1)
    assert CleanedCard.from_json((out / CARD_FILE).read_text(), "") == card
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    again = ingest(str(out / DATA_FOLDER / "data.jsonl"), tmp_path / "again", OPTIONS)
    assert again.card.data_digest == card.cleaned_digest
    assert len(again) == card.rows


@pytest.mark.parametrize("packed", ["", ".gz", ".zst"])
def test_csv_rows_of_several_lines_go_whole(tmp_path, packed):
    rows = ['"What is tea?",A plant.', '"What is\r\n\nrain?","Water,\nmostly."', 'last,"one ""more"""', "x,y"]
    text = "prompt,response\n" + "\n".join(rows) + "\n"
    path = tmp_path / f"data.csv{packed}"
    codec = {".gz": "gzip", ".zst": "zstd"}.get(packed)
    if codec:
        with pa.CompressedOutputStream(str(path), codec) as file:
            file.write(text.encode())
    else:
        path.write_text(text, newline="")
    _, card, out = exported(path, tmp_path, {1, 3})
    target = out / DATA_FOLDER / path.name
    found = pa.input_stream(str(target), compression=codec).read() if codec else target.read_bytes()
    assert found.decode() == f"prompt,response\n{rows[0]}\n{rows[2]}\n"
    assert card.files == {path.name: 2}
    assert json.loads((out / REMOVED_FILE).read_text().splitlines()[0])["data"]["response"] == "Water,\nmostly."


@pytest.mark.parametrize("codec", ["ZSTD", "NONE", "SNAPPY"])
def test_parquet_keeps_its_schema_and_codec(tmp_path, codec):
    table = pa.table(
        {
            "prompt": pa.array(ASKED, pa.large_string()),
            "response": pa.array([talk["response"] for talk in TALKS]),
            "when": pa.array(range(6), pa.timestamp("ms")),
        }
    ).replace_schema_metadata({"huggingface": "{}"})
    path = tmp_path / "data.parquet"
    pq.write_table(table, path, compression=codec, row_group_size=4)
    _, _, out = exported(path, tmp_path, {0, 5})
    found = pq.ParquetFile(out / DATA_FOLDER / "data.parquet")
    assert found.read().equals(table.slice(1, 4))
    assert found.schema_arrow.metadata == table.schema.metadata
    expected = {"NONE": "UNCOMPRESSED"}.get(codec, codec)
    assert found.metadata.row_group(0).column(0).compression == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('[\n  {A},\n  {B} ,\n  {C}\n]\n', '[\n  {A},\n  {C}\n]\n'),
        ('{"data": [{A},{B},{C}], "version": 1}', '{"data": [{A},{C}], "version": 1}'),
    ],
)  # fmt: skip
def test_elements_of_a_json_array_are_kept_as_they_stood(tmp_path, before, after):
    texts = {"{A}": '{ "prompt":"[a,",\n "response":"}b"}', "{B}": json.dumps(TALKS[1]), "{C}": json.dumps(TALKS[2])}
    for name, text in texts.items():
        before, after = before.replace(name, text), after.replace(name, text)
    path = tmp_path / "data.json"
    path.write_text(before)
    _, card, out = exported(path, tmp_path, {1})
    assert (out / DATA_FOLDER / "data.json").read_text() == after
    assert card.rows == 2


@pytest.mark.parametrize(
    ("whole", "left"),
    [
        ({"prompt": ["a", "b", "c"], "response": ["x", "y", "z"]}, {"prompt": ["a", "c"], "response": ["x", "z"]}),
        (
            {"prompt": {"0": "a", "1": "b", "2": "c"}, "response": {"0": "x", "1": "y", "2": "z"}},
            {"prompt": {"0": "a", "2": "c"}, "response": {"0": "x", "2": "z"}},
        ),
        ({"name": "n", "items": TALKS[:3]}, {"name": "n", "items": [TALKS[0], TALKS[2]]}),
    ],
)
def test_json_objects_of_rows_lose_them_in_every_column(tmp_path, whole, left):
    path = tmp_path / "data.json"
    path.write_text(json.dumps(whole))
    _, _, out = exported(path, tmp_path, {1})
    assert json.loads((out / DATA_FOLDER / "data.json").read_text()) == left


def test_json_lines_under_another_name(tmp_path):
    path = tmp_path / "data.json"
    lines = [json.dumps(talk) + "\n" for talk in TALKS]
    path.write_text("".join(lines))
    _, _, out = exported(path, tmp_path, {2})
    assert (out / DATA_FOLDER / "data.json").read_text() == "".join(lines[:2] + lines[3:])


def test_a_folder_keeps_its_shape_and_what_has_no_rows_to_remove(tmp_path):
    folder = tmp_path / "set"
    (folder / "train").mkdir(parents=True)
    lines = [json.dumps(talk) + "\n" for talk in TALKS]
    (folder / "a.jsonl").write_text("".join(lines[:3]))
    with gzip.open(folder / "train" / "b.jsonl.gz", "wt") as file:
        file.write("".join(lines[3:]))
    (folder / "README.md").write_text("hello")
    rows, card, out = exported(folder, tmp_path, {4})
    (fields,) = rows.take([4], ["source", "line"])
    assert fields == {"source": "train/b.jsonl.gz", "line": 2}
    data = out / DATA_FOLDER
    assert (data / "a.jsonl").read_bytes() == (folder / "a.jsonl").read_bytes()
    with gzip.open(data / "train" / "b.jsonl.gz", "rt") as file:
        assert file.read() == lines[3] + lines[5]
    assert not (data / "README.md").exists()
    assert "README.md" in card.notes[0]
    again = ingest(str(data), tmp_path / "again", OPTIONS)
    assert again.card.data_digest == card.cleaned_digest


def test_nothing_is_overwritten_and_nothing_left_half_done(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(talk) + "\n" for talk in TALKS))
    rows, _, out = exported(path, tmp_path, set())
    assert (out / DATA_FOLDER / "data.jsonl").read_bytes() == path.read_bytes()
    with pytest.raises(StorageError, match="nothing is overwritten"):
        export_cleaned(rows, str(path), frozenset({1}), out)
    with pytest.raises(SettingError, match="row 6 can't be removed"):
        export_cleaned(rows, str(path), frozenset({6}), tmp_path / "new")
    path.write_text("".join(json.dumps(talk) + "\n" for talk in reversed(TALKS)))
    with pytest.raises(ArtifactError, match="isn't as it was when audited"):
        export_cleaned(rows, str(path), frozenset({1}), tmp_path / "new")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["cleaned", "data.jsonl", "rows"]
