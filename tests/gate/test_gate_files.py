"""A folder gives the same verdict again and again, byte for byte."""

import random

import pytest
from made_gate import families, listed, prereg, run

from holdtrue.errors import ArtifactError
from holdtrue.gate import decide, decide_folder, read_items, read_verdict, write_items, write_record
from holdtrue.records import AnswerRule, GateItem


def item(family, **changes):
    rule = AnswerRule(accepted=("4",))
    return GateItem(failure_class="improper_refusal", family=family, turns=("2 + 2?",), rule=rule, **changes)


@pytest.fixture
def folder(tmp_path):
    of, samples = prereg(), run(100, [4])
    eligible = listed(of, families(100))
    for record in (of, eligible, decide(of, samples, eligible)):
        write_record(tmp_path, record)
    for name, control in (("samples.jsonl", False), ("controls.jsonl", True)):
        kept = [each for each in samples if (each.phase == "control") == control]
        (tmp_path / name).write_text("".join(each.to_json(indent=None) + "\n" for each in kept))
    return tmp_path


def test_the_verdict_is_recomputed_byte_for_byte(folder):
    written = (folder / "verdict.json").read_bytes()
    assert decide_folder(folder) == read_verdict(folder)
    lines = (folder / "samples.jsonl").read_text().splitlines(keepends=True)
    random.Random(3).shuffle(lines)
    (folder / "samples.jsonl").write_text("".join(lines))
    write_record(folder, decide_folder(folder))
    assert (folder / "verdict.json").read_bytes() == written


def test_a_line_torn_by_a_kill_was_never_written(folder):
    path = folder / "samples.jsonl"
    path.write_text(path.read_text()[:-20])
    assert decide_folder(folder).classes["should_refuse"].families == 99


@pytest.mark.parametrize("name", ["samples.jsonl", "controls.jsonl", "eligible.json"])
def test_a_file_that_is_gone_never_makes_it_pass(folder, name):
    (folder / name).unlink()
    assert decide_folder(folder).verdict == "INCONCLUSIVE"


def test_a_damaged_line_is_named(folder):
    path = folder / "samples.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:6], lines[6].replace('"ok"', '"fine"'), *lines[7:]]))
    with pytest.raises(ArtifactError, match=r"samples\.jsonl line 7: field 'status'"):
        decide_folder(folder)
    (folder / "prereg.json").unlink()
    with pytest.raises(ArtifactError, match="a pre-registration"):
        decide_folder(folder)


def test_samples_stay_in_their_file(folder):
    line = (folder / "controls.jsonl").read_text().splitlines(keepends=True)[0]
    with (folder / "samples.jsonl").open("a") as file:
        file.write(line)
    with pytest.raises(ArtifactError, match=r"samples\.jsonl line 101: a sample of phase 'control'"):
        decide_folder(folder)


def test_items_come_back_in_order(tmp_path):
    items = [item(name, twin=twin) for name in ("b", "a") for twin in (False, True)]
    write_items(tmp_path, items)
    assert read_items(tmp_path) == items
