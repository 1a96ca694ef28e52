"""The built-in data: counts, uniqueness, balance, and prose within its limits."""

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

import holdtrue.personas
from holdtrue.personas import PersonaSet, demo_conversation, load_benign, load_personas

DATA = Path(holdtrue.personas.__file__).parent / "data"


@pytest.fixture(scope="module")
def built_in() -> PersonaSet:
    return load_personas()


def words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.lower())


def sentences(text: str) -> int:
    return len(re.findall(r"[.!?](?=\s+[A-Z'])", text)) + 1


def test_public_names_are_sorted_and_there() -> None:
    names = holdtrue.personas.__all__
    assert names == sorted(names, key=lambda name: (name.islower(), name))
    assert all(hasattr(holdtrue.personas, name) for name in names)


def test_counts(built_in: PersonaSet) -> None:
    by_category = Counter(role.category for role in built_in.roles)
    assert len(built_in.roles) >= 210
    assert len(by_category) == 8
    assert min(by_category.values()) >= 25
    assert len(built_in.questions) == 120
    assert len(built_in.defaults) >= 5
    assert len(load_benign()) == 80


def test_every_role_has_three_prompts_and_a_unique_name(built_in: PersonaSet) -> None:
    assert {len(role.prompts) for role in built_in.roles} == {3}
    names = [role.name for role in built_in.roles]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)


def test_files_are_named_after_their_category() -> None:
    for path in (DATA / "roles").iterdir():
        assert json.loads(path.read_text(encoding="utf-8"))["category"] == path.stem


def test_prompts_are_distinct(built_in: PersonaSet) -> None:
    prompts = [prompt for role in built_in.roles for prompt in role.prompts]
    openings = Counter(tuple(words(prompt)[:8]) for prompt in prompts)
    assert [opening for opening, count in openings.items() if count > 1] == []
    # No stretch of nine words turns up in two prompts: nothing was stamped out of a form.
    stretches = Counter(
        stretch
        for prompt in prompts
        for stretch in {tuple(words(prompt)[i : i + 9]) for i in range(max(len(words(prompt)) - 8, 0))}
    )
    assert [stretch for stretch, count in stretches.items() if count > 1] == []


def test_prompts_are_one_or_two_short_sentences(built_in: PersonaSet) -> None:
    for role in built_in.roles:
        assert role.description.strip()
        assert "\n" not in role.description
        for prompt in role.prompts:
            assert 10 <= len(prompt.split()) <= 45, (role.name, prompt)
            assert sentences(prompt) <= 2, (role.name, prompt)


def test_no_role_is_the_assistant(built_in: PersonaSet) -> None:
    text = " ".join(prompt for role in built_in.roles for prompt in role.prompts).lower()
    assert "assistant" not in text.replace("your assistant has fled", "")
    assert "language model" not in text


def test_questions_are_balanced_in_any_prefix(built_in: PersonaSet) -> None:
    themes = [question.theme for question in built_in.questions]
    for n in range(1, len(themes) + 1):
        counts = Counter(themes[:n])
        assert max(counts.values()) - (min(counts.values()) if len(counts) == len(set(themes)) else 0) <= 1


def test_questions_name_no_role_and_no_answerer(built_in: PersonaSet) -> None:
    names = {role.name.replace("_", " ") for role in built_in.roles}
    for question in built_in.questions:
        asked = question.text.lower()
        assert len(asked.split()) <= 30
        assert "as an ai" not in asked
        assert not [name for name in names if re.search(rf"\b{name}\b", asked)], question.text
    assert len({question.text for question in built_in.questions}) == len(built_in.questions)


def test_defaults_start_with_none_and_are_plain(built_in: PersonaSet) -> None:
    assert (built_in.defaults[0].id, built_in.defaults[0].text) == ("none", None)
    texts = [default.text for default in built_in.defaults[1:]]
    assert all(texts)
    assert len(set(texts)) == len(texts)


def test_benign_kinds_take_turns() -> None:
    requests = load_benign()
    kinds = {"coding", "writing", "facts", "planning", "maths", "everyday", "company"}
    assert {request.kind for request in requests} == kinds
    assert all(a.kind != b.kind for a, b in pairwise(requests))
    assert all(len(request.text.split()) <= 45 for request in requests)
    assert len({request.text for request in requests}) == len(requests)


@pytest.mark.parametrize("name", ["drift", "steady"])
def test_demo_conversations_have_twelve_answers_of_40_to_90_words(name: str) -> None:
    raw = json.loads(demo_conversation(name).read_text(encoding="utf-8"))
    assert raw["title"]
    assert [message["role"] for message in raw["messages"]] == ["user", "assistant"] * 12
    answers = [message["content"] for message in raw["messages"][1::2]]
    assert all(40 <= len(answer.split()) <= 90 for answer in answers)


def test_taxonomy_states_the_true_counts(built_in: PersonaSet) -> None:
    page = (DATA / "TAXONOMY.md").read_text(encoding="utf-8")
    for category, count in Counter(role.category for role in built_in.roles).items():
        assert f"| {category} | {count} |" in page
    assert f"| total | {len(built_in.roles)} |" in page
    for theme in {question.theme for question in built_in.questions}:
        assert theme in page
