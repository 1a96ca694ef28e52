"""Holds as records and as names: stable digests, a clear word for each mistake."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from holdtrue.errors import ArtifactError, SettingError
from holdtrue.hold import PRESETS, hold_spec
from holdtrue.records import CapSpec, ContextSpec, HoldSpec

GOLDEN = Path(__file__).parents[1] / "golden" / "hold-1.json"

CAPS = st.builds(
    lambda floor, band, strength, trigger, positions: CapSpec(
        **floor, band=band, strength=strength, trigger=trigger, positions=positions
    ),
    st.floats(0.001, 0.999).map(lambda fire: {"fire": fire}) | st.floats(-100, 100).map(lambda tau: {"tau": tau}),
    st.none() | st.tuples(st.integers(0, 20), st.integers(20, 40)),
    st.floats(0, 1),
    st.sampled_from(["always", "on_drift"]),
    st.sampled_from(["response", "all"]),
)
CONTEXTS = st.builds(
    ContextSpec,
    remind_every=st.none() | st.integers(1, 50),
    remind_on_drift=st.booleans(),
    reminder=st.text(min_size=1, max_size=50),
    reanchor=st.booleans(),
    budget_tokens=st.none() | st.integers(64, 10**6),
    over_budget=st.sampled_from(["trim", "summarise"]),
    hand_over_after=st.none() | st.integers(1, 20),
    redraw=st.integers(1, 16),
    redraw_below=st.floats(-10, 10),
)
HOLDS = st.builds(HoldSpec, name=st.text(min_size=1, max_size=80), cap=st.none() | CAPS, context=CONTEXTS)


@given(HOLDS)
def test_a_hold_comes_back_equal_with_the_same_digest(spec):
    again = HoldSpec.from_json(spec.to_json(), "hold.json")
    assert again == spec
    assert again.digest == spec.digest


@given(HOLDS, HOLDS)
def test_digests_are_equal_exactly_when_holds_are(one, other):
    assert (one.digest == other.digest) == (one == other)


def test_every_field_of_a_hold_is_in_its_digest():
    """A hold that acts otherwise and is called the same would falsify every log that names it."""
    spec = HoldSpec.from_json(GOLDEN.read_text(), GOLDEN.name)
    caps = {"band": (0, 1), "fire": 0.1, "strength": 1.0, "trigger": "always", "positions": "response"}
    contexts = {
        "remind_every": None, "remind_on_drift": False, "reminder": "x", "reanchor": False, "budget_tokens": None,
        "over_budget": "trim", "hand_over_after": None, "redraw": 1, "redraw_below": -2.0,
    }  # fmt: skip
    assert set(caps) | {"tau"} == set(CapSpec.model_fields)
    assert set(contexts) == set(ContextSpec.model_fields)
    others = [
        *(spec.model_copy(update={"cap": spec.cap.model_copy(update={key: value})}) for key, value in caps.items()),
        *(
            spec.model_copy(update={"context": spec.context.model_copy(update={key: value})})
            for key, value in contexts.items()
        ),
        spec.model_copy(update={"name": "other"}),
        spec.model_copy(update={"cap": CapSpec(tau=0.05, band=(10, 26), strength=0.5)}),
        spec.model_copy(update={"cap": None}),
    ]
    assert len({each.digest for each in [spec, *others]}) == len(others) + 1


def test_a_digest_stays_what_it_was():
    """It stands in logs and answers; a change here needs a new schema, and a new golden file."""
    digest = HoldSpec.from_json(GOLDEN.read_text(), GOLDEN.name).digest
    assert digest == "4cd22081eb633d6a0873f4cc20e3fd5f39cdc3c01713a8644536ad65d20c59ba"


def test_no_two_presets_share_a_digest():
    assert len({spec.digest for spec in PRESETS.values()}) == len(PRESETS)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_goes_by_its_name(name):
    assert hold_spec(name) is PRESETS[name]
    assert PRESETS[name].name == name
    assert PRESETS[name].free == (name == "free")


def test_a_hold_may_come_from_a_file():
    assert hold_spec(str(GOLDEN)).cap.band == (10, 26)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "not both"),
        ({"fire": 0.05, "tau": 1.0}, "not both"),
        ({"fire": 0.0}, "greater than 0"),
        ({"fire": 1.0}, "less than 1"),
        ({"fire": 5}, "less than 1"),
        ({"tau": float("nan")}, "finite number"),
        ({"tau": float("inf")}, "finite number"),
        ({"fire": float("nan")}, "finite number"),
        ({"tau": 1.0, "band": (5, 2)}, "0 <= first <= last"),
        ({"tau": 1.0, "band": (-1, 2)}, "0 <= first <= last"),
        ({"tau": 1.0, "band": (1, 2, 3)}, "at most 2"),
        ({"tau": 1.0, "strength": 1.5}, "less than or equal to 1"),
        ({"tau": 1.0, "trigger": "sometimes"}, "'always' or 'on_drift'"),
        ({"tau": 1.0, "positions": "prompt"}, "'response' or 'all'"),
        ({"tau": 1.0, "taus": 1.0}, "not permitted"),
    ],
)
def test_a_cap_that_makes_no_sense_is_refused(fields, said):
    with pytest.raises(ValidationError, match=said):
        CapSpec(**fields)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"remind_every": 0}, "greater than or equal to 1"),
        ({"reminder": ""}, "at least 1 character"),
        ({"reminder": "x" * 4001}, "at most 4000"),
        ({"budget_tokens": 63}, "greater than or equal to 64"),
        ({"over_budget": "forget"}, "'trim' or 'summarise'"),
        ({"hand_over_after": 0}, "greater than or equal to 1"),
        ({"redraw": 17}, "less than or equal to 16"),
        ({"redraw_below": float("-inf")}, "finite number"),
    ],
)
def test_a_context_that_makes_no_sense_is_refused(fields, said):
    with pytest.raises(ValidationError, match=said):
        ContextSpec(**fields)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("[]", "schema is None"),
        ("{}", "schema is None, expected 'holdtrue.hold/1'"),
        ('{"schema": "holdtrue.axis/1"}', "is it another kind of file"),
        ('{"schema": "holdtrue.hold/2"}', "or newer"),
        ('{"schema": "holdtrue.hold/1", "cap": {"fire": 0.1, "tau": 1}}', "field 'cap'.*not both"),
        ('{"schema": "holdtrue.hold/1", "cap": {"tau": NaN}}', "field 'cap.tau'.*finite"),
        ('{"schema": "holdtrue.hold/1", "cap": {"fire": 0.1, "band": [9, 3]}}', "field 'cap'.*first <= last"),
        ('{"schema": "holdtrue.hold/1", "context": {"remind": 3}}', "field 'context.remind'"),
        ('{"schema": "holdtrue.hold/1", "name": "\\ud800"}', "half a surrogate pair"),
    ],
)
def test_a_malformed_file_is_refused_by_name_and_field(tmp_path, text, said):
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(ArtifactError, match=said) as caught:
        hold_spec(str(path))
    assert "mine.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_misspelt_preset_is_refused_with_the_nearest():
    with pytest.raises(SettingError, match=r"no hold 'gentel': did you mean 'gentle'\?.*or give a \.json file"):
        hold_spec("gentel")


@pytest.mark.parametrize("name", ["missing.json", "/nowhere/hold.json"])
def test_a_file_that_is_not_there_is_refused_by_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArtifactError, match=name.replace(".", r"\.")):
        hold_spec(name)


def test_a_hold_is_frozen_and_free_only_when_nothing_is_done():
    with pytest.raises(ValidationError, match="frozen"):
        PRESETS["free"].name = "other"
    assert HoldSpec(name="anything").free
    assert not HoldSpec(cap=CapSpec(tau=0.0)).free
    assert not HoldSpec(context=ContextSpec(redraw=2)).free


def test_the_golden_file_writes_the_same():
    spec = HoldSpec.from_json(GOLDEN.read_text(), GOLDEN.name)
    assert json.loads(spec.to_json()) == json.loads(GOLDEN.read_text())


@pytest.mark.parametrize("tau", [1e39, -1e39, float("inf"), float("nan")])
def test_a_floor_out_of_all_range_is_refused_when_it_is_written(tau):
    with pytest.raises(ValidationError, match="tau"):
        CapSpec(tau=tau)
