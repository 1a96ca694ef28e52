import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from made_rows import OneByOne, made_rows

from holdtrue.audit.scan import OUTCOMES, ScanReport, feature_column, outcome_column, scan
from holdtrue.audit.scan.part import PartScan
from holdtrue.audit.scan.templates import common_templates, merge_templates
from holdtrue.errors import ArtifactError, SettingError

N = 900


@pytest.fixture
def rows(tmp_path):
    draw = np.random.default_rng(8)
    words = np.array(["".join(draw.choice(list("abcdefghijklmnoprstu"), n)) for n in draw.integers(3, 9, 400)])
    replies = [" ".join(draw.choice(words, 30).tolist()) + "." for _ in range(N)]
    replies[100:160] = ["As a rule of thumb, " + reply for reply in replies[100:160]]
    replies[700:715] = [reply + " I hope that this helps!" for reply in replies[700:715]]
    slices = [json.dumps({"annotator": f"w{at % 3}", "row": str(at)}) for at in range(N)]
    for at in range(2, N, 3):
        replies[at] = "- " + replies[at].replace(" ", "\n- ", 3)
    replies[5] = "a secret\u200b here"
    prompts = [f"Prompt {at}" for at in range(N)]
    prompts[6] = "turned\u202e round"
    return made_rows(tmp_path / "rows", prompts, responses=replies, slices=slices)


def test_the_report_says_what_is_there(rows, tmp_path):
    told = []
    report = scan(rows, OneByOne(), tmp_path / "scan", told.append)
    assert report == ScanReport.from_json((tmp_path / "scan" / "scan.json").read_text(), "scan.json")
    assert report.rows == N
    assert (told[-1].done, told[-1].total) == (N, N)
    assert report.hidden.rows == (5, 6)
    assert (report.hidden.in_prompt, report.hidden.in_response) == (1, 1)
    assert report.hidden.code_points == {"U+200B": 1, "U+202E": 1}
    shown = {(each.end, each.words): each for each in report.templates}
    assert shown["opens", "as a rule of thumb"].rows == 60
    assert shown["opens", "as a rule of thumb"].expected < 1
    assert shown["closes", "i hope that this helps"].rows == 15
    assert len(shown) == 2
    assert {each.value for each in report.slices} <= {"annotator=w0", "annotator=w1", "annotator=w2"}
    first = report.slices[0]
    assert (first.value, first.rows) == ("annotator=w2", N // 3)
    bullets = next(each for each in report.slices if (each.value, each.feature) == ("annotator=w2", "bullets"))
    assert bullets.mean == pytest.approx(4, abs=0.05)
    assert bullets.rest == 0
    assert bullets.shift_sigma > 2


def test_means_and_columns_agree(rows, tmp_path):
    report = scan(rows, OneByOne(), tmp_path / "scan")
    for name, mean in report.means.items():
        column = feature_column(tmp_path / "scan", rows, name)
        assert column.dtype == np.float32
        assert column.mean(dtype=np.float64) == pytest.approx(mean, rel=1e-9)
    assert outcome_column(tmp_path / "scan", rows, "hidden_prompt").nonzero()[0].tolist() == [6]
    assert outcome_column(tmp_path / "scan", rows, "hidden_response").nonzero()[0].tolist() == [5]


def test_whole_parts_are_not_scanned_again_and_others_are(rows, tmp_path, monkeypatch):
    out = tmp_path / "scan"
    report = scan(rows, OneByOne(), out)
    before = {path.name: path.read_bytes() for path in out.glob("*.parquet")}
    (out / "features-00001.parquet").write_bytes(before["features-00001.parquet"][:-100])
    scanned = []
    inner = PartScan._scan
    monkeypatch.setattr(PartScan, "_scan", lambda self, piece: scanned.append(len(piece)) or inner(self, piece))
    assert scan(rows, OneByOne(), out) == report
    assert scanned == [rows.parts[1].rows]
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.suffix == ".parquet"} == before


def test_another_datasets_files_are_made_again(rows, tmp_path):
    out = tmp_path / "scan"
    scan(rows, OneByOne(), out)
    other = made_rows(tmp_path / "other", ["p"] * N, responses=["OTHER REPLIES ALTOGETHER"] * N)
    assert scan(other, OneByOne(), out).flagged["reply in capitals"] == N


def test_labelled_texts_are_looked_at_themselves(tmp_path):
    texts = ["SHOUTING IN CAPITAL LETTERS", "a quiet text with\u200b something", "another of the quiet texts here"]
    rows = made_rows(tmp_path / "rows", texts, labels=["x", "y", "x"], kind="label", parts=1)
    report = scan(rows, OneByOne(), tmp_path / "scan")
    assert outcome_column(tmp_path / "scan", rows, "reply in capitals").tolist() == [True, False, False]
    assert outcome_column(tmp_path / "scan", rows, "invisible characters in the reply").tolist() == [False, True, False]
    assert set(report.asked.values()) == {0}
    assert report.hidden.rows == (1,)


def test_a_dataset_without_rows_has_an_empty_report(tmp_path):
    rows = made_rows(tmp_path / "rows", [], parts=1)
    report = scan(rows, OneByOne(), tmp_path / "scan")
    assert (report.rows, report.templates, report.slices) == (0, (), ())
    assert outcome_column(tmp_path / "scan", rows, OUTCOMES[0].name).size == 0


def test_huge_and_hostile_rows_are_counted(tmp_path):
    hostile = [
        "\0" * 1000,
        "a" * 3_000_000,
        "\U0010ffff\ud7ff\ufffe",
        "\n" * 100_000,
        "🙂" * 50_000,
        "word " * 200_000,
        "",
    ]
    rows = made_rows(tmp_path / "rows", hostile[::-1], responses=hostile, parts=2)
    report = scan(rows, OneByOne(), tmp_path / "scan")
    assert report.rows == len(hostile)
    assert feature_column(tmp_path / "scan", rows, "longest_run").tolist()[5] == 200_000
    assert outcome_column(tmp_path / "scan", rows, "a word repeated over and over")[5]
    assert report.hidden.classes["control"] == 2


def test_columns_of_an_unfinished_scan_are_refused(rows, tmp_path):
    with pytest.raises(ArtifactError, match=r"features-00000.parquet: can't be read .* scan the dataset again"):
        outcome_column(tmp_path / "scan", rows, "reply in capitals")
    scan(rows, OneByOne(), tmp_path / "scan")
    more = made_rows(tmp_path / "more", ["p"] * (N + 3))
    with pytest.raises(ArtifactError, match=r"300 rows where .* has 301"):
        outcome_column(tmp_path / "scan", more, "reply in capitals")
    with pytest.raises(SettingError, match="'word' is no feature of the scan: did you mean 'words'"):
        feature_column(tmp_path / "scan", rows, "word")


def test_features_are_small_on_disk_and_their_flags_are_booleans(rows, tmp_path):
    scan(rows, OneByOne(), tmp_path / "scan")
    schema = pq.read_schema(tmp_path / "scan" / "features-00000.parquet")
    for outcome in OUTCOMES:
        assert str(schema.field(outcome.name).type) == "bool"
        assert str(schema.field(f"asked_{outcome.name}").type) == "bool"


def test_templates_merge_to_bounded_counts():
    counts = {"opens\ta b c d e": (5, 0.5)}
    merge_templates(
        counts, {"opens\ta b c d e": (7, 0.25), "closes\tv w x y z": (2, 0.0), "closes\tw": (2, 0.0)}, keep=2
    )
    assert counts == {"opens\ta b c d e": (12, 0.75), "closes\tw": (2, 0.0)}
    (found,) = common_templates(counts, 1000)
    assert (found.end, found.words, found.rows, found.expected) == ("opens", "a b c d e", 12, 0.75)
    assert common_templates({"opens\ta b c d e": (12, 1.3)}, 1000) == ()
