"""Charts as data: what is drawn is what the record says."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import vl_convert

from holdtrue.records import AxisCard, Reading
from holdtrue.report import charts
from holdtrue.report.layout import Label, place_labels, swarm
from holdtrue.report.series import gauge_of
from holdtrue.report.theme import CSS, DARK, LIGHT, css_variables


def data_with(spec: dict[str, Any], field: str) -> list[dict[str, Any]]:
    return [row for rows in spec["datasets"].values() for row in rows if field in row]


def test_map_holds_every_role_and_the_default(card: AxisCard) -> None:
    spec = charts.dress(charts.persona_map(card, LIGHT), LIGHT)
    dots = data_with(spec, "projection")
    assert len(dots) == len(card.roles)
    assert dots[3]["projection"] == card.roles[3].projection
    assert "default assistant" in vl_convert.vegalite_to_svg(spec)


def test_bars_name_both_ends(card: AxisCard) -> None:
    named = data_with(charts.dress(charts.role_bars(card, LIGHT), LIGHT), "category")
    order = sorted(card.roles, key=lambda role: -role.projection)
    assert [row["name"] for row in named] == [role.name for role in order[:12] + order[-12:]]
    few = card.model_copy(update={"roles": card.roles[:5]})
    assert len(data_with(charts.dress(charts.role_bars(few, LIGHT), LIGHT), "category")) == 5


def test_panels_leave_missing_layers_out(card: AxisCard) -> None:
    layers = tuple(c if c.layer % 2 else c.model_copy(update={"auroc": None, "auroc_ci": None}) for c in card.layers)
    spec = charts.dress(charts.panel(card.model_copy(update={"layers": layers}), "auroc", LIGHT), LIGHT)
    drawn = {row["layer"] for row in data_with(spec, "ci") if row["series"] == "AUROC"}
    assert drawn == {c.layer for c in card.layers if c.layer % 2}


def test_densities_integrate_to_one(card: AxisCard) -> None:
    rows = data_with(charts.dress(charts.calibration_histograms(card, LIGHT), LIGHT), "density")
    for histogram in card.histograms:
        own = [row for row in rows if row["label"] == histogram.label]
        area = sum(
            row["density"] * (b - a) for row, a, b in zip(own, histogram.edges, histogram.edges[1:], strict=False)
        )
        assert area == pytest.approx(1.0)


def test_floors_interpolate_and_never_extrapolate(card: AxisCard) -> None:
    tokens = card.calibration[0].token
    found = charts.floors(tokens)
    assert found[0.05] == pytest.approx(tokens.values[tokens.probs.index(0.05)])
    coarse = tokens.model_copy(update={"probs": (0.04, 0.5), "values": (1.0, 2.0)})
    assert list(charts.floors(coarse)) == [0.05, 0.10]


def test_gauge_reproduces_z(card: AxisCard, readings: tuple[Reading, Reading]) -> None:
    gauge = gauge_of(readings[0])
    assert gauge is not None
    for turn in readings[0].turns:
        assert turn.projection is not None
        assert gauge.z(turn.projection) == pytest.approx(turn.z)
    bare = readings[0].model_copy(update={"turns": tuple(t.model_copy(update={"z": None}) for t in readings[0].turns)})
    assert gauge_of(bare, card) is None


def test_drift_marks_alarm_and_onset_at_their_turns(card: AxisCard, readings: tuple[Reading, Reading]) -> None:
    spec = charts.dress(charts.drift(readings, card, LIGHT), LIGHT)
    marks = {row["kind"]: row for row in data_with(spec, "kind")}
    assert (marks["onset"]["turn"], marks["alarm"]["turn"]) == (6, 9)
    turns = data_with(spec, "excerpt")
    assert len(turns) == 26
    assert marks["alarm"]["value"] == next(t["value"] for t in turns if t["turn"] == 9)


def test_drift_of_many_tokens_stays_small(make_reading: Callable[..., Reading]) -> None:
    many = [make_reading("the same title", turns=120, seed=k) for k in range(3)]
    spec = charts.dress(charts.drift(many, None, DARK), DARK)
    assert sum(len(rows) for rows in spec["datasets"].values()) < 4000
    assert len({row["series"] for row in data_with(spec, "excerpt")}) == 3


def test_charts_follow_the_style_sheet(card: AxisCard) -> None:
    spec = str(charts.dress(charts.persona_map(card, CSS, "container"), CSS, responsive=True))
    assert "var(--diverging-6)" in spec
    assert not {colour for colour in LIGHT.diverging if colour in spec}
    names = [part.split(":")[0] for part in css_variables(LIGHT).split(";")]
    assert names == [part.split(":")[0] for part in css_variables(DARK).split(";")]
    assert {"--diverging-6", "--ink", "--paper"} <= set(names)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_text_contrast(theme: Any) -> None:
    def luminance(colour: str) -> float:
        parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    def ratio(a: str, b: str) -> float:
        low, high = sorted((luminance(a), luminance(b)))
        return (high + 0.05) / (low + 0.05)

    # WCAG 2.2: 4.5 for text.
    for ground in (theme.paper, theme.page):
        assert ratio(theme.ink, ground) > 7
        assert min(ratio(c, ground) for c in (theme.muted, theme.alarm, theme.assistant)) > 4.5
    assert min(ratio(c, theme.paper) for c in (*theme.steady, *theme.drifting)) > 3


def test_labels_never_cover_each_other() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform([0, 0], [300, 200], (60, 2))
    wanted = [Label("a label " + "x" * int(k % 9), float(x), float(y)) for k, (x, y) in enumerate(points[:25])]
    placed = place_labels(wanted, points, 300.0, 200.0)
    boxes = []
    for label, spot in zip(wanted, placed, strict=True):
        if spot.shown:
            length = 6.8 * len(label.text)
            left = label.x + spot.dx - {"left": 0, "right": length, "center": length / 2}[spot.align]
            boxes.append((left, label.y + spot.dy - 6.5, left + length, label.y + spot.dy + 6.5))
    assert len(boxes) > 8
    for i, a in enumerate(boxes):
        assert a[0] >= 0
        assert a[2] <= 300
        assert not any(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for b in boxes[i + 1 :])


def test_swarm_spreads_dots_within_reach() -> None:
    x = [10.0, 10.5, 11.0, 40.0]
    lift = swarm(x, radius=3.0, reach=12.0)
    assert lift[3] == 0
    assert max(map(abs, lift)) <= 12
    near = [(a, b) for a, b in zip(x[:3], lift[:3], strict=True)]
    assert all(np.hypot(p[0] - q[0], p[1] - q[1]) >= 6 for i, p in enumerate(near) for q in near[i + 1 :])
