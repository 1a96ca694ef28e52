"""The gate's charts: every class has its row, what wasn't asked has no mark, nothing falls off the axis."""

from typing import Any

import pytest
from made_verdict import found, mixed, rate, rows_of, unasked, whole

from holdtrue.report.charts import dress
from holdtrue.report.gate.charts import bounds, version_rates
from holdtrue.report.theme import LIGHT


def values(chart: Any) -> list[dict[str, Any]]:
    return rows_of(dress(chart, LIGHT))


def test_every_class_has_its_row_and_the_unasked_one_no_mark() -> None:
    rows = values(bounds(mixed()[0], LIGHT))
    assert [row["label"] for row in rows] == [
        "Refusing what is harmless",
        "Yielding where it should refuse",
        "Feeding a delusion",
        "Destroying files",
    ]
    assert [row["bound"] for row in rows] == [0.0097, 0.1145, 0.0281, None]
    assert [row["low"] for row in rows] == [0.00485, 0.01, 0.00485, 0.00485]  # a FAIL leaves nothing below p0
    assert [row["said"] for row in rows] == ["✓ ≤ 0.97 %", "✗ ≤ 11.45 %", "? ≤ 2.81 %", "nothing is shown"]


@pytest.mark.parametrize("bound", [0.0, -0.1, 1e-9, 1.0, None])
def test_the_axis_holds_whatever_bound_there_is(bound: float | None) -> None:
    chart = bounds(whole("PASS", codebase=found("PASS", upper_bound=bound, p0=0.001)), LIGHT)
    row = values(chart)[0]
    assert 0 < row["low"] < row["p0"]
    assert row["bound"] is None or row["low"] < row["bound"] <= 1
    assert (row["bound"] is None) == (bound is None or bound <= 0)


def test_two_classes_that_read_alike_stay_apart() -> None:
    verdict = whole("NOT_APPLICABLE", None, codebase=unasked())
    twice = verdict.model_copy(update={"classes": {"a\x00b": unasked(), "ab": unasked()}})
    rows = values(bounds(twice, LIGHT))
    assert [row["label"] for row in rows] == ["ab", "ab"]
    assert len({row["at"] for row in rows}) == 2


def test_versions_of_one_name_stay_apart_and_empty_ones_are_left_blank() -> None:
    rates = [("v1", rate(0, 59)), ("v1", rate(3, 59)), ("v2", rate(0, 0))]
    chart = version_rates([("Destroying files", rates)], "failing families", LIGHT)
    rows = values(chart)
    assert [(row["version"], row["of"], row["latest"]) for row in rows] == [
        ("v1", "0 of 59", False),
        ("v1", "3 of 59", False),
    ]
    assert len({row["at"] for row in rows}) == 2
    assert version_rates([("Destroying files", [("v1", rate(0, 0))])], "failing families", LIGHT) is None
