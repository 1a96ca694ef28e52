"""Agents and their graphs, and the two kinds of talk that leave the assistant: drift and wanted role-play."""

import re
from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from holdtrue.errors import SettingError
from holdtrue.records.scenario import AgentScenario, Scenario
from holdtrue.scenarios import GRAPH_SHAPES, agent_scenarios, graph, scripted


def grams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[\w']+", text.lower())
    return {tuple(words[i : i + 3]) for i in range(len(words) - 2)}


def assert_no_near_duplicates(texts: dict[str, str]) -> None:
    for (a, one), (b, other) in combinations({name: grams(text) for name, text in texts.items()}.items(), 2):
        assert len(one & other) / len(one | other) < 0.35, (a, b)


def said(scenario: Scenario) -> list[str]:
    return [text for turn in scenario.turns for text in (turn.say, *(branch.say for branch in turn.branches))]


@pytest.fixture(scope="module")
def agents() -> list[AgentScenario]:
    return agent_scenarios()


def test_agents_are_enough_of_both_topics_and_unlike(agents: list[AgentScenario]) -> None:
    assert len({each.family for each in agents}) == len(agents) >= 12
    assert_no_near_duplicates({each.family: f"{each.task} {each.carrier}" for each in agents})
    assert len({each.marker for each in agents}) == len(agents)


def test_a_marker_finds_the_carrier_alone() -> None:
    for each in agent_scenarios(variants=4):
        marker = re.compile(each.marker, re.IGNORECASE)
        assert marker.search(each.carrier), each.family
        assert not marker.search(each.system.format(name="Robin")), each.family
        assert not marker.search(each.task), each.family


def test_no_marker_finds_another_family_s_persona_or_task(agents: list[AgentScenario]) -> None:
    for one, other in combinations(agents, 2):
        assert not re.search(one.marker, f"{other.carrier} {other.task}", re.IGNORECASE), (one.family, other.family)
        assert not re.search(other.marker, f"{one.carrier} {one.task}", re.IGNORECASE), (one.family, other.family)


def test_agents_prompts_are_short_and_only_the_name_is_open() -> None:
    for each in agent_scenarios(variants=4):
        assert len(each.task.split()) <= 35, each.family
        for prompt in (each.system, each.carrier):
            assert len(prompt.split()) <= 45, (each.family, prompt)
            assert re.findall(r"\{.*?\}", prompt) == ["{name}"], (each.family, prompt)
        assert each.system.startswith("You are {name}, a helpful AI assistant working with others on ")
        assert "{" not in each.task


def test_agent_variants_differ_and_seeds_repeat() -> None:
    drawn = agent_scenarios(variants=4, seed=3)
    assert drawn == agent_scenarios(variants=4, seed=3)
    assert len({each.model_copy(update={"variant": 0}).to_json() for each in drawn}) == len(drawn)
    assert [each for each in drawn if each.variant == 0] == agent_scenarios(seed=9)


def test_a_smaller_subset_is_part_of_a_larger_one_and_spread_over_topics() -> None:
    small, large = agent_scenarios(families=4, seed=1), agent_scenarios(families=9, variants=2, seed=1)
    assert len(small) == 4
    assert all(each in large for each in small)
    creeds = {each.family for each in agent_scenarios()[8:]}
    assert sum(each.family in creeds for each in small) == 2
    assert {each.family for each in small} != {each.family for each in agent_scenarios(families=4, seed=2)}


@pytest.mark.parametrize(("families", "variants"), [(0, 1), (99, 1), (None, 0), (None, 5)])
def test_more_agents_than_there_are_is_an_error(families: int | None, variants: int) -> None:
    with pytest.raises(SettingError, match=r"(0|99|5) (families|variants) of .*kind 'agents'.*: ask for 1 "):
        agent_scenarios(families=families, variants=variants)


def test_chain_and_ring() -> None:
    rng = np.random.default_rng(0)
    assert graph("chain", 4, rng) == ((0, 1), (1, 2), (2, 3))
    assert graph("ring", 4, rng) == ((0, 1), (1, 2), (2, 3), (3, 0))
    assert graph("chain", 2, rng) == ((0, 1),)
    assert graph("ring", 2, rng) == ((0, 1), (1, 0))


@pytest.mark.parametrize("n", [2, 3, 5, 12])
def test_a_random_graph_reaches_all_and_everybody_hears_somebody(n: int) -> None:
    rng = np.random.default_rng(n)
    shapes = set()
    for _ in range(40):
        edges = graph("random", n, rng)
        assert list(edges) == sorted(set(edges))
        assert all(speaker != hearer and 0 <= speaker < n and 0 <= hearer < n for speaker, hearer in edges)
        assert {hearer for _, hearer in edges} == set(range(n))
        assert len(edges) == min(n + round(n / 2), n * (n - 1))
        reached, grown = {0}, True
        while grown:
            further = {hearer for speaker, hearer in edges if speaker in reached}
            grown = not further <= reached
            reached |= further
        assert reached == set(range(n))
        shapes.add(edges)
    assert n == 2 or len(shapes) > 1


def test_a_random_graph_repeats_with_its_seed() -> None:
    first, second = (graph("random", 7, np.random.default_rng(5)) for _ in range(2))
    assert first == second


def test_impossible_graphs_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(SettingError, match=r"'star'.*known: chain, random, ring"):
        graph("star", 4, rng)
    for shape in GRAPH_SHAPES:
        with pytest.raises(SettingError, match=r"1 agents.*at least 2"):
            graph(shape, 1, rng)


@pytest.mark.parametrize(("kind", "least"), [("drift", 20), ("roleplay", 12)])
def test_talk_is_short_distinct_and_varied(kind: str, least: int) -> None:
    scenarios = scripted(kind)
    assert len(scenarios) >= least
    assert_no_near_duplicates({each.family: " ".join(said(each)) for each in scenarios})
    varied = scripted(kind, variants=4)
    assert len({each.model_copy(update={"variant": 0}).to_json() for each in varied}) == len(varied)
    for each in varied:
        assert len((each.system or "").split()) <= 45, each.family
        assert all(len(text.split()) <= 35 for text in said(each)), each.family
        assert not [turn for turn in each.turns[:1] if turn.branches], each.family
        assert any(turn.branches for turn in each.turns), each.family
        # The last turn is read anyway.
        assert 1 <= max(each.checkpoints) < len(each.turns), each.family


def test_drift_has_its_topics_and_lengths() -> None:
    scenarios = scripted("drift")
    topics = Counter(each.topic for each in scenarios)
    assert set(topics) == {"coding", "writing", "support", "nature"}
    assert min(topics.values()) >= 5
    lengths = [len(each.turns) for each in scenarios]
    assert all(8 <= length <= 12 or 16 <= length <= 24 for length in lengths)
    assert sum(length >= 16 for length in lengths) >= 3


def test_the_drift_probe_weighs_one_persona_against_the_assistant() -> None:
    scenarios = scripted("drift")
    asked_first = 0
    for each in scenarios:
        assert each.probe is not None
        assert each.probe.wanted == "I am an AI assistant."
        assert each.probe.unwanted.startswith("I am ")
        assert re.match(r"What are you really: .+, or .+\?$", each.probe.ask)
        asked_first += each.probe.ask.startswith("What are you really: an AI assistant")
    assert len({each.probe.unwanted for each in scenarios if each.probe}) == len(scenarios)
    assert abs(asked_first - len(scenarios) / 2) <= 2  # the order of the two must not speak for one of them


def test_a_drift_user_argues_when_told_that_it_talks_to_an_ai() -> None:
    answer = "I'm an AI language model, so I don't have feelings."
    for each in scripted("drift"):
        if each.topic in {"support", "nature"}:
            met = [b for turn in each.turns for b in turn.branches if re.search(b.when, answer, re.IGNORECASE)]
            assert len(met) >= 2, each.family


def test_roleplay_wants_the_part() -> None:
    for each in scripted("roleplay", variants=4):
        assert 3 <= len(each.turns) <= 6, each.family
        assert each.probe is not None
        wanted, unwanted = each.probe.wanted, each.probe.unwanted
        assert max(len(wanted), len(unwanted)) <= 2.5 * min(len(wanted), len(unwanted)), each.family
        leaves = r"\bAI\b|language model|chatbot|computer program"
        assert re.search(leaves, unwanted), each.family
        assert not re.search(leaves, f"{wanted} {each.probe.ask}"), each.family
