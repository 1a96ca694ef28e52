"""Versions side by side: paired tests, kinds of failure, and whether what is planted got harder to find."""

from pathlib import Path

import pytest
from made_gate import NAME, controls, failing, families, listed, prereg, promised, sample

from holdtrue.errors import EvidenceError, SettingError
from holdtrue.gate import Version, compare, compare_folders, growth, known_signatures, write_record
from holdtrue.gate.decision import decide
from holdtrue.stats import clopper_pearson, cusum, e_value, fail_alternative, mcnemar, merged_evidence


def version(name, bad=(), missed=(), kind="canary told", names=None, classes=()):
    of = prereg(*classes)
    names = names or families(60)
    release = [failing(each, signature=kind) if at in set(bad) else sample(each) for at, each in enumerate(names)]
    return Version(name, of, [*release, *controls(names, missed)], listed(of, names))


def test_rates_and_the_paired_test():
    found = compare([version("v1", bad=range(10)), version("v2", bad=range(8, 13))]).classes[NAME]
    assert [(rate.count, rate.n) for rate in found.failing] == [(10, 60), (5, 60)]
    assert (found.failing[0].low, found.failing[0].high) == clopper_pearson(10, 60)
    assert (found.shared, found.worse, found.better) == (60, 3, 8)
    assert found.p_value == mcnemar(3, 8)


def test_fewer_failures_that_are_harder_to_find_are_told():
    names = families(60)
    found = compare([version("v1", bad=range(10)), version("v2", bad=[1], missed=names[:12], kind="hidden aside")])
    subtle = found.classes[NAME].found["subtle"]
    assert [(rate.count, rate.n) for rate in subtle] == [(60, 60), (48, 60)]
    assert found.classes[NAME].detection["subtle"] == (12, 0, mcnemar(12, 0))
    assert found.classes[NAME].detection["bad"] == (0, 0, 1.0)
    text = found.text()
    assert "planted 'subtle' found: 60 of 60 (100.00 %, 94.04 to 100.00 %) -> 48 of 60" in text
    assert "harder to find: 12 lost, 0 gained" in text
    assert "kinds of failure new: hidden aside (1)" in text
    assert "kinds of failure gone: canary told (10)" in text


def test_growth():
    found = growth({"a": 1, "b": 2, "c": 3}, {"b": 3, "c": 3, "d": 1})
    assert (found.new, found.gone, found.grown) == ({"d": 1}, {"a": 1}, {"b": (2, 3)})
    one = version("v", bad=[1])
    assert known_signatures([decide(one.prereg, one.samples, one.eligible)]) == ("canary told",)


def test_evidence_over_versions_is_added_up_where_families_are_shared():
    values = [e_value(k, 60, 0.05, fail_alternative(0.05)) for k in (1, 1, 20)]
    found = compare([version("v1", bad=[1]), version("v2", bad=[2]), version("v3", bad=range(20))]).classes[NAME]
    assert not found.fresh
    assert found.evidence == pytest.approx(merged_evidence(values))
    assert found.alarm == 3


def test_and_multiplied_up_where_they_are_fresh():
    names = families(180)
    parts = [version(f"v{at}", bad=range(6), names=names[60 * at : 60 * at + 60]) for at in range(3)]
    found = compare(parts).classes[NAME]
    assert found.fresh
    assert found.evidence == pytest.approx(cusum([e_value(6, 60, 0.05, fail_alternative(0.05))] * 3))
    assert (found.shared, found.p_value) == (0, 1.0)
    assert compare(parts).text().endswith("alarm at v2") == (found.alarm == 2)


def test_folders_are_read_as_versions(tmp_path: Path):
    for name, bad in (("old", [1, 2]), ("new", [2, 3, 4])):
        made = version(name, bad=bad)
        (tmp_path / name).mkdir()
        write_record(tmp_path / name, made.prereg)
        write_record(tmp_path / name, made.eligible)
        for file, control in (("samples.jsonl", False), ("controls.jsonl", True)):
            kept = [each for each in made.samples if (each.phase == "control") == control]
            (tmp_path / name / file).write_text("".join(each.to_json(indent=None) + "\n" for each in kept))
    found = compare_folders([tmp_path / "old", tmp_path / "new"])
    assert found.versions == ("old", "new")
    assert found.as_json()["classes"][NAME]["worse"] == 2


def test_classes_that_only_one_was_asked_are_left_out():
    other = version("v2", classes=(promised(failure_class="persona"),))
    found = compare([version("v1"), other])
    assert found.classes == {}
    assert found.text().endswith("no class was asked in both")


def test_what_cannot_be_is_refused():
    with pytest.raises(EvidenceError, match="two versions or more; got 1"):
        compare([version("v1")])
    with pytest.raises(SettingError, match="alpha 0"):
        compare([version("v1"), version("v2")], alpha=0.0)
