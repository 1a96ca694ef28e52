"""Every interval of the results again from the trials, planted outcomes, and what is missing or broken."""

import json
from collections import defaultdict

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from holdtrue.errors import RunError
from holdtrue.records import (
    CapabilityTrial,
    CapSpec,
    ContextSpec,
    HoldSpec,
    ProbeReading,
    SpokenTurn,
    StressArm,
    StressDesign,
    Trial,
)
from holdtrue.stress.results import results

FREE = StressArm(name="free", hold=HoldSpec(name="free"))
GENTLE = StressArm(name="gentle", hold=HoldSpec(name="gentle", cap=CapSpec(fire=0.05)))
REMIND = StressArm(name="remind", hold=HoldSpec(name="remind", context=ContextSpec(remind_every=4)))
RANDOM = StressArm(name="random", direction="random", hold=HoldSpec(cap=CapSpec(fire=0.05)), expected="same")
REVERSED = StressArm(name="reversed", direction="reversed", hold=HoldSpec(cap=CapSpec(fire=0.05)), expected="worse")
ARMS = (FREE, GENTLE, REMIND, RANDOM, REVERSED)


def design(trials=(), arms=ARMS, **changes):
    fields = {
        "model": "toy",
        "weights_digest": "w",
        "axis_digest": "a",
        "preset": "quick",
        "seed": 7,
        "arms": arms,
        "kinds": ("drift", "jailbreak"),
        "families": 12,
        "variants": 2,
        "planned": len(trials),
        "version": "0",
    }
    return StressDesign(**(fields | changes))


def trial(arm, family, *, kind="drift", variant=0, failed=False, margin=None, z=(), **fields):
    return Trial(
        arm=arm,
        kind=kind,
        family=family,
        variant=variant,
        seed=0,
        failed=failed,
        reasons=("probe",) if failed else (),
        probes=()
        if margin is None
        else (ProbeReading(after_turn=0, margin=9.0), ProbeReading(after_turn=8, margin=margin)),
        turns=tuple(SpokenTurn(said="?", answer="!", z=each) for each in z),
        **fields,
    )


def noisy(n=12, bad=("reversed",), seed=0):
    """Two kinds, two variants; arms in `bad` fail and lose margin throughout, the others share a little noise."""
    rng = np.random.default_rng(seed)
    found = []
    for kind in ("drift", "jailbreak"):
        for at in range(n):
            base = rng.normal()
            for arm in ARMS:
                worse = arm.name in bad
                for variant in range(2):
                    margin = float(base + 0.2 * rng.normal() - 2 * worse)
                    z = tuple(float(each) for each in rng.normal(size=3) - worse)
                    found.append(
                        trial(
                            arm.name,
                            f"f{at}",
                            kind=kind,
                            variant=variant,
                            failed=bool(worse or rng.random() < 0.15),
                            margin=margin,
                            z=z,
                            topic="ab"[at % 2],
                            repetition=float(rng.random()),
                            log_prob=float(-rng.random()),
                            tokens_in=int(rng.integers(100, 200)) * (2 if arm.name == "remind" else 1),
                            tokens_out=40,
                            seconds=float(rng.uniform(1, 2)),
                        )
                    )
    return found


def items(n=200, arms=("free", "gentle", "reversed"), rates=(0.6, 0.6, 0.2)):
    rng = np.random.default_rng(3)
    ease = rng.random(n)
    return [
        CapabilityTrial(
            arm=arm,
            family=f"g{at % 4}",
            item=f"i{at}",
            prompt="?",
            answer="!",
            correct=bool(ease[at] < rate),
            tokens_in=1,
            tokens_out=1,
            seconds=0.1,
        )
        for arm, rate in zip(arms, rates, strict=True)
        for at in range(n)
    ]


@pytest.fixture(scope="module")
def made():
    trials = noisy()
    return trials, results(trials, items(), design(trials))


def failing(trials, arm, kind):
    """Family to verdict, by a plain loop."""
    verdicts = {}
    for one in trials:
        if one.arm == arm and kind in (one.kind, "all"):
            key = (one.kind, one.family)
            verdicts[key] = verdicts.get(key, False) or one.failed
    return verdicts


def tango(worse, better, n):
    """Tango's limits by bisection on the absolute score, another route than the package's."""
    z = norm.ppf(0.975)

    def inside(d):
        b = -worse - better + (2 * n - worse + better) * d
        q = (np.sqrt(max(b * b + 8 * n * better * d * (1 - d), 0)) - b) / (4 * n)
        return abs(worse - better - n * d) <= z * np.sqrt(max(n * (2 * q + d * (1 - d)), 0)) + 1e-12

    ends = []
    for bound in (-1.0, 1.0):
        near, far = (worse - better) / n, bound
        for _ in range(80):
            middle = (near + far) / 2
            near, far = (middle, far) if inside(middle) else (near, middle)
        ends.append(near)
    return ends


def bootstrap_t(values):
    """Efron's bootstrap-t from other draws than the package's."""
    values, n = np.array(values), len(values)
    drawn = np.random.default_rng(99).choice(values, (20_000, n))
    ratio = (drawn.mean(axis=1) - values.mean()) / drawn.std(axis=1, ddof=1)
    return [values.mean() - values.std(ddof=1) * np.quantile(ratio, at) for at in (0.975, 0.025)]


def test_rates_and_their_intervals_again(made):
    trials, found = made
    for arm, kinds in found["arms"].items():
        assert set(kinds) == {"drift", "jailbreak", "all"}
        for kind, row in kinds.items():
            verdicts = failing(trials, arm, kind)
            expected = binomtest(sum(verdicts.values()), len(verdicts)).proportion_ci(0.95, "exact")
            assert (row["families"], row["failures"]) == (len(verdicts), sum(verdicts.values()))
            assert row["rate"] == row["failures"] / row["families"]
            assert row["ci"] == pytest.approx(list(expected), abs=1e-9)


def test_contrasts_again(made):
    trials, found = made
    expected_rows = {(arm, "free") for arm in ("gentle", "remind", "random", "reversed")}
    expected_rows |= {("gentle", "random"), ("reversed", "random")}
    assert {(row["arm"], row["against"]) for row in found["contrasts"]} == expected_rows
    by_test = defaultdict(list)
    for row in found["contrasts"]:
        own, other = (failing(trials, row[side], row["kind"]) for side in ("arm", "against"))
        worse = sum(own[family] and not other[family] for family in own)
        better = sum(other[family] and not own[family] for family in own)
        assert (row["worse"], row["better"], row["families"]) == (worse, better, len(own))
        assert row["difference"] == (worse - better) / len(own)
        assert row["ci"] == pytest.approx(tango(worse, better, len(own)), abs=1e-7)
        p = binomtest(worse, worse + better).pvalue if worse + better else 1.0
        assert row["p"] == pytest.approx(p)
        by_test[row["against"], row["kind"]].append((p, row["p_holm"]))
    for pairs in by_test.values():
        for p, adjusted in pairs:
            smaller = [other for other, _ in pairs if other <= p]
            steps = [min(1, other * (len(pairs) - sum(q < other for q, _ in pairs))) for other in smaller]
            assert adjusted == pytest.approx(max(steps))


def test_measures_again(made):
    """Means exactly, intervals but for the noise of another bootstrap's draws."""
    trials, found = made
    take = {
        "margin": lambda one: one.probes[-1].margin,
        "z": lambda one: one.turns[-1].z,
        "z_drop": lambda one: one.turns[-1].z - one.turns[0].z,
        "repetition": lambda one: one.repetition,
        "log_prob": lambda one: one.log_prob,
    }

    def by_family(arm, kind, measure):
        values = defaultdict(list)
        for one in trials:
            if one.arm == arm and kind in (one.kind, "all"):
                values[one.kind, one.family].append(take[measure](one))
        return {family: np.mean(own) for family, own in values.items()}

    def agrees(row, name, values):
        assert row[name] == pytest.approx(np.mean(values))
        low, high = bootstrap_t(values)
        assert row["ci"] == pytest.approx([low, high], abs=0.15 * (high - low))

    for arm, kinds in found["measures"].items():
        for kind, measures in kinds.items():
            assert set(measures) == set(take)
            for measure, row in measures.items():
                agrees(row, "mean", list(by_family(arm, kind, measure).values()))
    assert len(found["measure_contrasts"]) == 6 * 3 * len(take)
    for row in found["measure_contrasts"]:
        own, other = (by_family(row[side], row["kind"], row["measure"]) for side in ("arm", "against"))
        agrees(row, "difference", [own[family] - other[family] for family in own])
        assert 0 < row["p"] <= row["p_holm"] <= 1


def test_trajectories_again(made):
    trials, found = made
    course = found["trajectories"]["reversed"]["drift/a"]
    assert [point["turn"] for point in course["z"]] == [1, 2, 3]
    assert [point["turn"] for point in course["margin"]] == [0, 8]
    mine = [one for one in trials if (one.arm, one.kind, one.topic) == ("reversed", "drift", "a")]
    assert course["z"][1]["mean"] == pytest.approx(np.mean([one.turns[1].z for one in mine]))
    assert course["z"][1]["families"] == 6
    low, high = course["z"][1]["ci"]
    assert low < course["z"][1]["mean"] < high
    assert course["margin"][1]["mean"] == pytest.approx(np.mean([one.probes[-1].margin for one in mine]))


def test_capability_again(made):
    _, found = made
    answers = {(one.arm, one.item): one.correct for one in items()}
    for arm in ("free", "gentle", "reversed"):
        row, own = found["capability"][arm], [correct for (who, _), correct in answers.items() if who == arm]
        assert (row["items"], row["correct"]) == (200, sum(own))
        assert row["ci"] == pytest.approx(list(binomtest(sum(own), 200).proportion_ci(0.95, "exact")), abs=1e-9)
        assert sum(each["items"] for each in row["by_family"].values()) == 200
    row = found["capability"]["reversed"]
    gained = sum(answers["reversed", f"i{at}"] and not answers["free", f"i{at}"] for at in range(200))
    lost = sum(answers["free", f"i{at}"] and not answers["reversed", f"i{at}"] for at in range(200))
    assert row["difference"] == (gained - lost) / 200
    assert row["difference_ci"] == pytest.approx(tango(gained, lost, 200), abs=1e-7)
    assert row["non_inferior"] is False
    assert found["capability"]["gentle"]["non_inferior"] is True, "the same answers, and 200 of them"
    assert found["capability"]["free"]["difference"] is None
    assert found["capability"]["remind"]["rate"] is None


def test_capability_of_few_items_stays_open():
    found = results([], items(20), design())
    assert found["capability"]["gentle"]["difference"] == 0
    assert found["capability"]["gentle"]["non_inferior"] is None


def test_overhead_again(made):
    trials, found = made
    row = found["overhead"]["remind"]
    assert row["tokens_in"] == sum(one.tokens_in for one in trials if one.arm == "remind")
    spent = defaultdict(int)
    for one in trials:
        spent[one.arm, one.kind, one.family] += one.tokens_in + one.tokens_out
    logs = [
        np.log(spent["remind", kind, family] / spent["free", kind, family])
        for arm, kind, family in spent
        if arm == "free"
    ]
    assert row["tokens_ratio"] == pytest.approx(np.exp(np.mean(logs)))
    low, high = bootstrap_t(logs)
    assert np.log(row["tokens_ratio_ci"]) == pytest.approx([low, high], abs=0.15 * (high - low))
    assert row["seconds_ratio_ci"][0] < 1 < row["seconds_ratio_ci"][1]
    assert found["overhead"]["free"]["tokens_ratio"] is None


def test_an_arm_that_fails_everywhere_comes_out_worse(made):
    _, found = made
    row = next(row for row in found["contrasts"] if (row["arm"], row["kind"]) == ("reversed", "all"))
    assert row["p_holm"] < 0.05
    assert row["ci"][0] > 0
    control = {one["arm"]: one for one in found["controls"]}
    assert set(control) == {"reversed", "random"}
    assert (control["reversed"]["seen"], control["reversed"]["ok"]) == ("worse", True)
    assert (control["random"]["seen"], control["random"]["ok"]) == ("same", True)


def test_a_harm_that_is_not_seen_is_said():
    trials = noisy(bad=())
    found = results(trials, [], design(trials))
    control = next(one for one in found["controls"] if one["arm"] == "reversed")
    assert (control["seen"], control["ok"]) == ("same", False)
    assert control["sentence"] in found["not_shown"]
    assert "blind" in control["sentence"]


def test_a_random_direction_that_harms_is_said():
    trials = noisy(bad=("random", "reversed"))
    control = next(one for one in results(trials, [], design(trials))["controls"] if one["arm"] == "random")
    assert (control["seen"], control["ok"]) == ("worse", False)


def test_identical_arms_come_out_as_no_result():
    one = [each for each in noisy() if each.arm == "free"]
    trials = [each.model_copy(update={"arm": arm.name}) for each in one for arm in ARMS]
    found = results(trials, items(rates=(0.6, 0.6, 0.6)), design(trials))
    for row in found["contrasts"]:
        assert (row["difference"], row["p"], row["p_holm"]) == (0, 1, 1)
        assert row["ci"][0] < 0 < row["ci"][1]
    for row in found["measure_contrasts"]:
        assert (row["difference"], row["p"]) == (0, 1)
        assert row["ci"] is None or row["ci"][0] < 0 < row["ci"][1]
    assert any("gentle against free: no difference" in said for said in found["not_shown"])


def test_the_same_trials_give_the_same_bytes_in_any_order(made):
    trials, found = made
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text) == found
    assert json.dumps(results(trials[::-1], items()[::-1], design(trials))) == text
    other = results(trials, items(), design(trials, seed=8))
    assert other["measures"] != found["measures"]
    assert other["contrasts"] == found["contrasts"]


def test_one_more_arm_leaves_the_others_intervals_as_they_were(made):
    trials, found = made
    fewer = [one for one in trials if one.arm != "remind"]
    again = results(fewer, items(), design(fewer, arms=tuple(arm for arm in ARMS if arm is not REMIND)))
    assert again["measures"]["gentle"] == found["measures"]["gentle"]
    assert again["trajectories"]["gentle"] == found["trajectories"]["gentle"]


def test_nothing_at_all():
    found = results([], [], design(planned=10))
    json.dumps(found, allow_nan=False)
    assert found["complete"] is False
    assert found["arms"]["free"]["drift"] == {"families": 0, "trials": 0, "failures": 0, "rate": None, "ci": [0.0, 1.0]}
    assert all(row["difference"] is None and row["p_holm"] is None for row in found["contrasts"])
    assert (found["measure_contrasts"], found["mediation"]) == ([], {})
    assert all(one["ok"] is None for one in found["controls"])
    assert "0 of 10 planned trials were scored: the run is not complete." in found["not_shown"]


def test_one_family():
    trials = [trial(arm.name, "only", failed=arm is REVERSED, margin=1.0, z=(0.5, 0.1)) for arm in ARMS]
    found = results(trials, [], design(trials))
    json.dumps(found, allow_nan=False)
    assert found["arms"]["reversed"]["drift"]["ci"] == pytest.approx([0.025, 1])
    row = found["measures"]["free"]["drift"]["z_drop"]
    assert (row["mean"], row["ci"], row["families"]) == (pytest.approx(-0.4), None, 1)
    assert found["power"]["drift"]["worse"] is None
    assert any("Too few families" in said and "drift" in said for said in found["not_shown"])


def test_an_error_is_a_failure_and_has_no_measures():
    trials = [
        trial("free", "a", margin=1.0),
        trial("free", "b", margin=5.0, error="the model ran out of memory"),
        trial("gentle", "a", margin=1.0),
        trial("gentle", "b", margin=1.0),
    ]
    found = results(trials, [], design(trials, arms=(FREE, GENTLE)))
    assert found["arms"]["free"]["drift"]["failures"] == 1
    assert found["reasons"]["free"]["drift"] == {"error": 1}
    assert found["measures"]["free"]["drift"]["margin"]["mean"] == 1
    assert (found["errors"], found["complete"]) == (1, True)
    assert next(row for row in found["contrasts"] if row["kind"] == "drift")["better"] == 1


def test_a_family_fails_when_any_variant_does_and_reasons_count_once():
    trials = [
        trial("free", "a"),
        trial("free", "a", variant=1, failed=True),
        trial("free", "a", variant=2, failed=True),
        trial("free", "b"),
    ]
    found = results(trials, [], design(trials, arms=(FREE,)))
    assert found["arms"]["free"]["drift"]["failures"] == 1
    assert found["arms"]["free"]["drift"]["trials"] == 4
    assert found["reasons"]["free"]["drift"] == {"probe": 1}


def test_what_only_one_arm_tried_is_not_compared():
    """Variant 1 of family a failed in the free arm alone because the other never tried it."""
    trials = [
        trial("free", "a"),
        trial("free", "a", variant=1, failed=True),
        trial("free", "b", failed=True),
        trial("gentle", "a"),
        trial("gentle", "c", failed=True),
    ]
    found = results(trials, [], design(trials, arms=(FREE, GENTLE), planned=6))
    row = next(row for row in found["contrasts"] if row["kind"] == "drift")
    assert (row["families"], row["worse"], row["better"], row["difference"]) == (1, 0, 0, 0)
    assert found["complete"] is False


def test_roleplay_is_a_cost_and_depths_are_one_family():
    trials = [
        *(trial("free", "a", kind=f"long/{depth}", failed=depth == 32) for depth in (0, 8, 32)),
        trial("free", "a", kind="roleplay", failed=True),
        trial("free", "a"),
    ]
    found = results(trials, [], design(trials, arms=(FREE,), kinds=("drift", "long", "roleplay")))
    assert list(found["arms"]["free"]) == ["drift", "long/0", "long/8", "long/32", "roleplay", "all"]
    pooled = found["arms"]["free"]["all"]
    assert (pooled["families"], pooled["trials"], pooled["failures"]) == (2, 4, 1)


def test_agents_are_followed_by_shape():
    trials = []
    for at in range(12):
        for arm, rows in (("free", ((1, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1))), ("gentle", ((1, 0, 0),) * 4)):
            infected = tuple(tuple(map(bool, row)) for row in rows)
            trials.append(trial(arm, f"f{at}", kind="agents/chain", infected=infected, edges=((0, 1), (1, 2))))
    found = results(trials, [], design(trials, arms=(FREE, GENTLE), kinds=("agents",)))["agents"]
    assert [one["share"] for one in found["free"]["chain"]["rounds"]] == [0, 0, 0.5, 1]
    assert found["free"]["chain"]["reproduction"]["value"] == 1
    assert found["gentle"]["chain"]["reproduction"]["value"] == 0
    assert found["gentle"]["chain"]["reproduction"]["ci"][1] > 0.1
    assert found["free"]["chain"]["rounds"][1]["families"] == 12


def test_distress_is_traced_to_the_act_and_compared_with_the_free_arm():
    """In the free arm distress lowers z by 2, and each unit of it costs 1; the gentle arm halves the first step."""
    rng, trials = np.random.default_rng(0), []
    for arm, step in (("free", -2.0), ("gentle", -1.0)):
        for at in range(12):
            for told in (False, True):
                z = float(rng.normal() * 0.3 + step * told)
                act = {"act_z": z, "act_margin": float(-z + 0.1 * rng.normal()), "distressed": told}
                trials.append(
                    trial(arm, f"f{at}", kind=f"distress/{'distressed' if told else 'calm'}", z=(0.0, z), **act)
                )
    found = results(trials, [], design(trials, arms=(FREE, GENTLE), kinds=("distress",)))
    free, gentle = found["mediation"]["free"], found["mediation"]["gentle"]
    assert free["a"]["value"] == pytest.approx(-2, abs=0.3)
    assert free["b"]["value"] == pytest.approx(-1, abs=0.3)
    assert free["indirect"]["value"] == pytest.approx(free["a"]["value"] * free["b"]["value"])
    assert free["proportion"] == pytest.approx(1, abs=0.3)
    assert free["against_free"] is None
    effect = gentle["against_free"]["total"]
    assert effect["ci"][1] < 0
    assert effect["p"] < 0.05
    assert effect["difference"] == pytest.approx(gentle["total"]["value"] - free["total"]["value"])
    distressed = [one.act_margin for one in trials if one.arm == "free" and one.distressed]
    assert found["measures"]["free"]["distress/distressed"]["act_margin"]["mean"] == pytest.approx(np.mean(distressed))
    assert set(found["trajectories"]["free"]) == {"distress/calm", "distress/distressed"}
    assert any("slope" in said for said in found["not_shown"])


def test_without_a_free_arm_nothing_is_compared():
    trials = [trial("gentle", "a"), trial("random", "a")]
    found = results(trials, [], design(trials, arms=(GENTLE, RANDOM)))
    assert {row["against"] for row in found["contrasts"]} == {"random"}
    assert found["power"] == {}
    assert any("No arm leaves the model free" in said for said in found["not_shown"])
    assert found["controls"][0]["ok"] is None


def test_capability_can_be_planned_too():
    assert results([], items(10), design(planned_items=30))["complete"] is True
    assert results([], items(10), design(planned_items=31))["complete"] is False


@pytest.mark.parametrize(
    ("trials", "capability", "said"),
    [
        ([trial("gentel", "a")], [], "arm 'gentel'.*did you mean 'gentle'"),
        ([trial("free", "a"), trial("free", "a", failed=True)], [], "free/drift/a/0 is there twice"),
        ([], [*items(1), *items(1)], "free/i0 is there twice"),
    ],
)
def test_trials_of_another_run_are_refused(trials, capability, said):
    with pytest.raises(RunError, match=said):
        results(trials, capability, design())


def test_arms_of_a_design_have_different_names():
    with pytest.raises(ValueError, match="arms must have different names"):
        design(arms=(FREE, FREE))


def test_a_design_comes_back_from_its_file():
    whole = design(noisy())
    assert StressDesign.from_json(whole.to_json(), "design.json") == whole
