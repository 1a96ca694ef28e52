import os
import sys
from pathlib import Path

import numpy as np
import pytest
from made_rows import OneByOne, made_rows
from made_work import DieAt, FailAt, Measure, WhoWorks

from holdtrue.audit.association import associate
from holdtrue.audit.fixtures import write_fixture
from holdtrue.audit.ingest import IngestOptions, ingest
from holdtrue.audit.maps.base import Maps
from holdtrue.audit.maps.local import LocalMaps
from holdtrue.audit.maps.ray import RayMaps
from holdtrue.audit.outcomes import peculiar_outcomes
from holdtrue.audit.scan import outcome_column, scan
from holdtrue.errors import MissingExtra, RunError, SettingError

PARTS = 7
LARGE = 2**20


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    draw = np.random.default_rng(3)
    texts = [" ".join(["word"] * n) for n in draw.integers(1, 40, 700)]
    replies = [text.upper() if at % 50 == 0 else text for at, text in enumerate(reversed(texts))]
    return made_rows(tmp_path_factory.mktemp("maps"), texts, responses=replies, parts=PARTS)


@pytest.fixture(scope="module")
def local():
    return LocalMaps(2, few_rows=0)


@pytest.fixture(scope="module")
def on_ray():
    ray = pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        # Ray's workers import made_work, too, and the holdtrue that is tested.
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        yield RayMaps(2)
        ray.shutdown()


@pytest.fixture(params=["local", "on_ray"])
def maps(request) -> Maps:
    return request.getfixturevalue(request.param)


def assert_same(found, expected):
    assert [each.first for each in found] == [each.first for each in expected]
    assert [each.sums.tobytes() for each in found] == [each.sums.tobytes() for each in expected]


def test_a_killed_process_is_one_line_and_the_next_stage_has_new_ones(local, rows):
    with pytest.raises(RunError, match=r"part-0000\d.parquet: a process died .* fewer than 2 processes") as caught:
        list(local.over(DieAt(3), rows, ["prompt"]))
    assert "\n" not in str(caught.value)
    assert len(list(local.over(Measure(), rows, ["prompt"]))) == PARTS


def test_every_engine_gives_the_same_bits_in_the_parts_order(maps, rows):
    expected = list(OneByOne().over(Measure(), rows, ["prompt"]))
    assert len(expected) == PARTS
    assert_same(list(maps.over(Measure(), rows, ["prompt"])), expected)


def test_every_engine_makes_the_same_scan(maps, rows, tmp_path):
    expected = scan(rows, OneByOne(), tmp_path / "one")
    assert scan(rows, maps, tmp_path / "many") == expected
    for one in sorted((tmp_path / "one").glob("*.parquet")):
        assert (tmp_path / "many" / one.name).read_bytes() == one.read_bytes()
    assert outcome_column(tmp_path / "many", rows, "reply in capitals").sum() > 5


def test_every_engine_finds_the_same_poison(maps, tmp_path):
    card = write_fixture("fixed_trigger", 3_000, 10, 4, tmp_path / "data.jsonl")
    data = ingest(str(tmp_path / "data.jsonl"), tmp_path / "rows", IngestOptions(processes=1, block_bytes=300_000))
    assert len(data.parts) >= 4
    scan(data, OneByOne(), tmp_path / "scan")
    outcomes = [each for each in peculiar_outcomes(tmp_path / "scan", data) if each.name == "reply in capitals"]
    found = associate(data, maps, outcomes, seed=1)
    alone = associate(data, OneByOne(), outcomes, seed=1)
    assert [finding.to_json() for finding in found.findings] == [finding.to_json() for finding in alone.findings]
    assert found.mined.minima.tobytes() == alone.mined.minima.tobytes()
    assert [finding.value for finding in found.findings] == [card.trigger]


def test_large_work_gives_the_same(local, rows):
    work = Measure(bytes(LARGE))
    assert_same(list(local.over(work, rows, ["prompt"])), list(OneByOne().over(work, rows, ["prompt"])))


def test_large_work_needs_no_new_processes(local, rows):
    one, two = (set(local.over(WhoWorks(ballast), rows, [])) for ballast in (b"", bytes(LARGE)))
    assert len(one | two) <= 2


def test_a_reader_may_stop_early_and_two_may_take_turns(local, rows):
    early = local.over(Measure(), rows, ["prompt"])
    assert next(early).first == 0
    early.close()
    one, two = local.over(Measure(), rows, ["prompt"]), local.over(Measure(b"1"), rows, ["prompt"])
    for first, second in zip(one, two, strict=True):
        assert first.first == second.first
        assert second.sums[2] - first.sums[2] == 1


def test_an_error_in_the_work_is_raised_as_it_is(local, rows):
    found = local.over(FailAt(2), rows, ["prompt"])
    assert [next(found), next(found)] == [0, 1]
    with pytest.raises(ValueError, match="row 7"):
        next(found)


def test_few_rows_stay_in_this_process(rows):
    maps = LocalMaps(2)
    work = [maps.over(lambda batch: batch.part.index, rows, ["prompt"])]  # a lambda can't leave this process
    assert list(work[0]) == list(range(PARTS))


@pytest.mark.parametrize("engine", [LocalMaps, RayMaps])
def test_no_workers_is_refused(engine):
    with pytest.raises(SettingError, match=r"0 .* give 1 or more"):
        engine(0)


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"pip install 'holdtrue\[ray\]'"):
        RayMaps(2)


def test_a_dataset_without_parts_gives_nothing(maps, tmp_path):
    assert list(maps.over(Measure(), made_rows(tmp_path, [], parts=0), ["prompt"])) == []
