"""Terminal and notebook: narrow, plain, and honest about what is missing."""

import xml.etree.ElementTree as ET
from base64 import b64decode
from collections.abc import Callable

import pytest

from holdtrue.records import AxisCard, Reading
from holdtrue.report import axis_html, axis_summary, reading_html, reading_summary, rollouts_html, verdict_on
from holdtrue.report.plain import columns, fit, number, plain


def widest(text: str) -> int:
    return max(columns(line) for line in text.splitlines())


def test_axis_summary_fits_and_says_what_matters(card: AxisCard) -> None:
    text = axis_summary(card)
    assert widest(text) <= 100
    assert text.startswith("✓ An assistant axis was found")
    assert "0.93 [0.89, 0.97]" in text
    assert "  >|    21" in text
    assert len([line for line in text.splitlines() if "[" in line and line.strip()[0] in "0123456789>|"]) >= 30


def test_axis_summary_of_a_deep_model_stays_short(card: AxisCard) -> None:
    layers = tuple(card.layers[i % 30].model_copy(update={"layer": i}) for i in range(126))
    text = axis_summary(card.model_copy(update={"layers": layers, "n_layers": 126, "recommended_layer": 97}))
    assert len(text.splitlines()) < 60
    assert "97" in text


def test_axis_summary_is_loud_without_an_axis(no_axis_card: AxisCard) -> None:
    text = axis_summary(no_axis_card)
    assert text.startswith("✗ NO reliable axis was found")
    assert text.count("  !! ") == 2
    assert widest(text) <= 100


def test_imported_axis_has_no_zeros(imported_card: AxisCard) -> None:
    text = axis_summary(imported_card)
    assert text.startswith("? Whether")
    assert text.count("not measured") >= 4
    assert "0.00" not in text


def test_reading_summary_draws_alarm_and_onset(readings: tuple[Reading, Reading]) -> None:
    text = reading_summary(readings[0])
    lines = text.splitlines()
    bars, flags = lines[1], lines[2]
    assert len(bars) == 13 + 14
    assert (flags[13 + 5], flags[13 + 8]) == ("o", "^")
    assert "!! ALARM at turn 9; the drift behind it began at turn 6" in text
    assert readings[0].caveat.split(":")[0][:60] in text
    assert "no alarm" in reading_summary(readings[1])
    assert widest(text) <= 100


def test_reading_summary_of_hostile_and_missing(
    readings: tuple[Reading, Reading], make_reading: Callable[..., Reading]
) -> None:
    turns = tuple(t.model_copy(update={"z": None}) if t.turn != 3 else t for t in readings[0].turns)
    bad = readings[0].model_copy(
        update={
            "title": "\x1b[31m漢" * 300,
            "rule": "\x07" + "漢字" * 200,
            "speaker": "\r\n" * 9 + "x" * 500,
            "turns": turns,
        }
    )
    text = reading_summary(bad)
    assert widest(text) <= 100
    assert not set(text) & {"\x1b", "\x07", "\r"}
    assert text.splitlines()[1].count("·") == 13
    assert widest(reading_summary(make_reading(turns=230))) <= 100
    none = readings[0].model_copy(update={"turns": (), "alarm_turn": None, "onset_turn": None})
    assert "no assistant turn" in reading_summary(none)
    unread = tuple(t.model_copy(update={"z": None}) for t in turns)
    assert "z not measured" in reading_summary(readings[0].model_copy(update={"turns": unread}))


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("split_half_ci", (-0.01, 0.5), "split-half"),
        ("auroc_ci", (0.49, 0.9), "random directions"),
        ("random_auroc", 0.99, "random directions"),
    ],
)
def test_verdict_reads_the_recommended_layer(card: AxisCard, field: str, value: object, why: str) -> None:
    layers = list(card.layers)
    layers[card.recommended_layer] = layers[card.recommended_layer].model_copy(update={field: value})
    found = verdict_on(card.model_copy(update={"layers": tuple(layers)}))
    assert found.state == "none"
    assert why in found.why
    layers[0], layers[card.recommended_layer] = layers[card.recommended_layer], card.layers[card.recommended_layer]
    assert verdict_on(card.model_copy(update={"layers": tuple(layers[1:])})).state == "found"


def test_verdict_heeds_the_self_test(card: AxisCard) -> None:
    assert card.self_test is not None
    failed = card.self_test.model_copy(update={"passed": False})
    assert verdict_on(card.model_copy(update={"self_test": failed})).state == "none"
    assert verdict_on(card.model_copy(update={"warnings": ("DEFAULT NOT EXTREMAL: 30 of 215",)})).state == "found"
    assert verdict_on(card.model_copy(update={"layers": ()})).state == "unknown"


def pictures(fragment: str) -> list[str]:
    return [b64decode(part.split('"')[0]).decode() for part in fragment.split("data:image/svg+xml;base64,")[1:]]


def test_notebook_fragments_are_static(card: AxisCard, readings: tuple[Reading, Reading]) -> None:
    for fragment in (axis_html(card), reading_html(readings[0])):
        assert "<script" not in fragment
        assert "http" not in fragment
        (svg,) = pictures(fragment)
        assert ET.fromstring(svg).tag.endswith("svg")
        assert svg.count("<path") > 12
    assert "alarm at turn 9, drift begins at turn 6" in reading_html(readings[0])


def test_notebook_fragments_of_missing_and_hostile(imported_card: AxisCard, no_axis_card: AxisCard) -> None:
    assert "not measured" in axis_html(imported_card)
    bad = no_axis_card.model_copy(update={"model": "<script>x</script>", "warnings": ("NO AXIS <img onerror=x>",)})
    fragment = axis_html(bad)
    assert "<script" not in fragment
    assert "<img onerror" not in fragment
    assert "NO reliable axis was found" in fragment


def test_rollouts_fragment_counts(card: AxisCard) -> None:
    counts = {f"role {i}": (i % 5, 4) for i in range(40)} | {"<b>none</b>": (0, 0)}
    fragment = rollouts_html(counts, "Rollouts of <model>")
    assert "80 of 160 rollouts accepted, 41 roles" in fragment
    assert "… and 17 more roles" in fragment
    assert "<b>none" not in fragment
    assert "<model>" not in fragment


def test_numbers_and_text() -> None:
    assert number(None) == "not measured"
    assert number(-0.001) == "0.00"
    assert number(-1234.5, 1) == "−1,234.5"
    assert plain("a\x1b[0m\n b\u202e") == "a[0m b"
    assert plain("x" * 99, 10) == "x" * 9 + "…"
    assert columns(fit("漢字漢字漢字", 7)) == 7
