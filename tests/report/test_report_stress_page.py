"""The stress page: self-contained, inert, complete, and whole whatever is missing."""

import base64
import copy
import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from test_report_page import HOSTILE, charts_in, figures, opened, outline
from test_report_stress_run import ARMS, KINDS, made_design, made_items, made_run, made_trials

from holdtrue.records import Trial
from holdtrue.report.stress import stress_page, stress_summary
from holdtrue.stress.results import results

__all__ = ["opened"]

PARTS = (
    "design", "complete", "scored", "errors", "arms", "reasons", "contrasts", "measures", "measure_contrasts",
    "trajectories", "agents", "mediation", "capability", "overhead", "controls", "power", "not_shown",
)  # fmt: skip


@pytest.fixture(scope="module")
def page() -> str:
    return stress_page(*made_run())


@pytest.fixture(scope="module")
def small() -> tuple[dict[str, Any], list[Trial]]:
    arms = (ARMS[0], ARMS[3], ARMS[7])
    trials = made_trials(arms, 3, ("drift", "agents/chain", "distress/calm", "distress/distressed"))
    return results(trials, made_items(arms, 6), made_design(trials, arms)), trials


def test_page_loads_nothing_and_admits_only_its_own_scripts(page: str) -> None:
    seen = outline(page)
    assert not [row for row in seen.attributes if row[1] in {"src", "href", "srcset", "action", "data", "poster"}]
    assert not [name for _, name, _ in seen.attributes if name.startswith("on")]
    assert "default-src 'none'" in seen.policy
    code = [text for attrs, text in seen.scripts if attrs.get("type") != "application/json"]
    assert len(code) == 2
    bare = page
    for text in code:
        assert f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in seen.policy
        bare = bare.replace(text, "")
    assert not re.search(r"https?://|@import|url\(", bare.replace(seen.scripts[0][1], ""))


def test_every_arm_and_every_kind_has_its_place(page: str) -> None:
    for arm in ARMS:
        assert page.count(f"<bdi>{arm.name}</bdi>") > 5, arm.name
    drawn = figures(page)
    assert sum(name.startswith("rates-") for name in drawn) == len(KINDS) + 1
    assert sum(name.startswith("course-") for name in drawn) == 4
    assert sum(name.startswith("spread-") for name in drawn) == 3
    assert "trade" in drawn
    for words in (
        "Persona jailbreaks", "Long context, 32 exchanges before", "Wanted role-play: a cost",
        "Injections in tool output",
        "Agents talking to agents: ring", "Destructive act, distress", "This test can see harm", "1,640 of 1,640",
        "the run is complete", "Each arm against doing nothing", "What this does not show",
        "holdtrue stress report DIR",
        "From distress to the act", "The worst talks, side by side", "What this run could have shown",
    ):  # fmt: skip
        assert words in page, words


def test_verdicts_are_those_of_the_contrasts(page: str) -> None:
    found, _ = made_run()
    for arm in ("gentle", "reversed", "random"):
        row = next(r for r in found["contrasts"] if (r["arm"], r["against"], r["kind"]) == (arm, "free", "all"))
        rate = found["arms"][arm]["all"]
        line = next(part for part in page.split("<li>") if f"<bdi>{arm}</bdi>" in part and "families, " in part)
        word = {"gentle": "better", "reversed": "worse", "random": "not-shown"}[arm]
        assert f'class="outcome {word}"' in line
        assert f"failed {rate['failures']} of {rate['families']} families" in line
        points = f"{100 * row['difference']:+.0f}".replace("-", "−")
        assert points.lstrip("+") in line


def test_worst_talks_are_the_free_arms_beside_the_best_ones(page: str) -> None:
    found, trials = made_run()
    lost = [t for t in trials if t.arm == "free" and t.kind == "jailbreak" and t.failed]
    worst = min(lost, key=lambda t: t.probes[-1].margin)
    start = page.index(f"family {worst.family},")
    shown = page[start : page.index("</details>", start)]
    rates = {
        arm: found["arms"][arm]["jailbreak"]["rate"] for arm in ("remind-every", "gentle", "firm", "remind+gentle")
    }
    best = min(rates, key=rates.__getitem__)
    assert re.findall(r'class="side-head">.*?<bdi>(.*?)</bdi>', shown) in (
        ["free", arm] for arm in rates if rates[arm] == rates[best]
    )
    assert re.search(r'<span class="t[0-6]" title="[^"]+">', shown)
    assert "roleplay_" not in page[page.index('id="worst-h"') : page.index('id="reasons-h"')]


def test_page_is_the_same_every_time(small: tuple[dict[str, Any], list[Trial]]) -> None:
    assert stress_page(*small) == stress_page(copy.deepcopy(small[0]), list(small[1]))


def test_hostile_text_is_only_text() -> None:
    names = [HOSTILE[0][:60], HOSTILE[1][:60], HOSTILE[2]]
    arms = tuple(
        arm.model_copy(update={"name": name}) for arm, name in zip((ARMS[0], ARMS[3], ARMS[7]), names, strict=True)
    )
    plainly = (ARMS[0], ARMS[3], ARMS[7])
    renamed = {old.name: new.name for old, new in zip(plainly, arms, strict=True)}
    trials = []
    for at, trial in enumerate(made_trials(plainly, 4, ("drift", "jailbreak"))):
        text = HOSTILE[at % len(HOSTILE)]
        turns = tuple(
            turn.model_copy(
                update={"said": text, "answer": text, "pieces": (text, text), "piece_z": (-3.0,), "speaker": text}
            )
            for turn in trial.turns[:2]
        )
        family = f"{HOSTILE[5]}{trial.family}"
        changed = {"arm": renamed[trial.arm], "turns": turns, "topic": text[:80], "family": family, "failed": True}
        trials.append(trial.model_copy(update={**changed, "reasons": ("probe",)}))
    design = made_design(trials, arms, model=HOSTILE[0], kinds=(HOSTILE[1],), preset=HOSTILE[4])
    page = stress_page(results(trials, [], design), trials)
    seen = outline(page)
    assert len(seen.scripts) == 3
    assert not [row for row in seen.attributes if row[0] == "img" or row[1].startswith("on")]
    assert not re.search("[<>&\u2028\u2029]", seen.scripts[0][1])
    assert not set(page) & {"\x00", "\x07", "\x1b", "\u202e", "\u2028"}
    assert figures(page)


def emptied(value: Any) -> Any:
    """The same shape with no figure in it."""
    if isinstance(value, dict):
        return {key: emptied(one) for key, one in value.items()}
    return [emptied(one) for one in value] if isinstance(value, list) else None


def test_nothing_at_all_is_said_not_drawn() -> None:
    page = stress_page({}, ())
    assert "No trial was scored yet" in page
    assert figures(page) == {}
    assert stress_page(results([], [], made_design([])), ()).count("<h2") > 3
    assert "No trial was scored yet" in stress_summary({})


def test_no_figure_anywhere(small: tuple[dict[str, Any], list[Trial]]) -> None:
    page = stress_page(emptied(small[0]), small[1])
    assert ">None<" not in page
    assert "None" not in stress_summary(emptied(small[0]))
    assert "the run is not complete" in page


@pytest.mark.parametrize("missing", PARTS)
def test_any_part_may_be_missing(small: tuple[dict[str, Any], list[Trial]], missing: str) -> None:
    found, trials = small
    assert set(PARTS) <= set(found)
    for changed in ({k: v for k, v in found.items() if k != missing}, {**found, missing: None}):
        page = stress_page(changed, trials)
        assert "What this does not show" in page
        assert ">None<" not in page
        assert stress_summary(changed)


def test_one_arm_one_family_without_axis_and_unfinished() -> None:
    trials = made_trials(ARMS[:1], 1, ("drift",))
    blank = tuple(turn.model_copy(update={"z": None, "piece_z": ()}) for turn in trials[0].turns)
    bare = [
        trials[0].model_copy(update={"turns": blank, "failed": True, "reasons": ("error",), "error": "<b>gone</b>"})
    ]
    page = stress_page(results(bare, [], made_design(bare, ARMS[:1], axis_digest=None, planned=9)), bare)
    assert "1 of 9 planned trials were scored, and the run is not complete" in page
    assert "Whether this test can see harm was not tried" in page
    assert "&lt;b&gt;gone&lt;/b&gt;" in page
    assert "Drift over the talk</h2>" not in page
    assert "Agents talking to agents</h2>" not in page
    assert "Capability was not tried" in page


def test_a_blind_test_is_said_first() -> None:
    trials = [
        trial.model_copy(update={"failed": False, "reasons": (), "probes": ()})
        for trial in made_trials(ARMS, 6, ("drift", "tool"))
    ]
    page = stress_page(results(trials, [], made_design(trials)), trials)
    assert 'class="verdict none"' in page
    assert page.index("This test was blind, or too small") < page.index("Each arm against doing nothing")
    assert "not as it must" in page
    assert "The free arm never failed in: drift over a talk and injections in tool output." in page


def test_long_talks_keep_the_page_small(small: tuple[dict[str, Any], list[Trial]]) -> None:
    found, trials = small
    turn = (
        trials[0]
        .turns[0]
        .model_copy(update={"pieces": (" word",) * 15_000, "piece_z": (-1.0,) * 15_000, "said": "x" * 9_000})
    )
    page = stress_page(found, [trial.model_copy(update={"turns": (turn,) * 40}) for trial in trials])
    assert len(page) < 4_000_000
    assert "28 earlier exchanges not shown" in page


def test_a_judge_is_shown_with_how_far_it_can_be_trusted(small: tuple[dict[str, Any], list[Trial]]) -> None:
    share = {"n": 20, "k": 17, "rate": 0.85, "ci": [0.62, 0.97]}
    judge = {
        "mockllm/<judge>": {
            "rubric": "r",
            "sensitivity": share,
            "specificity": share,
            "arms": {"free": {**share, "undetermined": 2}},
        }
    }
    page = stress_page({**small[0], "judge": judge}, small[1])
    assert "mockllm/&lt;judge&gt;" in page
    assert "saw 17 of 20" in page


def test_browser_draws_every_chart(page: str, opened: Callable[[str], str]) -> None:
    document = opened(page)
    drawn = charts_in(document)
    assert set(drawn) == set(figures(page))
    assert all(drawn.values()), drawn
    assert 'data-ready="yes"' in document
    assert "could not be drawn" not in document.split("<script", 1)[0]
