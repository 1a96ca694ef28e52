"""Families one by one: the tasks make new items, and the data behind them is sound."""

import re

import numpy as np
import pytest

from holdtrue.scenarios import correct
from holdtrue.scenarios.capability import arithmetic, cloze, instruction, lists, reading, strings
from holdtrue.scenarios.capability.drafts import Draft, in_turn, table
from holdtrue.scenarios.capability.spec import CapabilityItem

MODULES = {"arithmetic": arithmetic, "instruction": instruction, "strings": strings, "lists": lists, "reading": reading}
TASKS = [(name, task) for name, module in MODULES.items() for task in dict.fromkeys(module.TASKS)]
TABLES = (
    *("names", "things", "words", "adjectives", "animals", "colors"),
    *("foods", "tools", "towns", "jobs", "dishes", "topics"),
)


def item(draft: Draft) -> CapabilityItem:
    return CapabilityItem(id="x", family="lists", prompt=draft.prompt, checks=draft.checks, reference=draft.reference)


@pytest.mark.parametrize(("family", "task"), TASKS, ids=[f"{name}{task.__name__}" for name, task in TASKS])
def test_a_task_makes_different_items_whose_references_pass(family, task):
    rng = np.random.default_rng(0)
    drafts = [task(rng) for _ in range(60)]
    assert len({draft.prompt for draft in drafts}) >= 10
    assert all(correct(item(draft), draft.reference) for draft in drafts)
    assert all(re.search(r"[\w?.:,>)\]\"]$", draft.prompt) and "  " not in draft.prompt for draft in drafts)


def test_a_used_up_task_leaves_the_others_going():
    def once(rng: np.random.Generator) -> Draft:
        return Draft("once", (), "")

    def often(rng: np.random.Generator) -> Draft:
        return Draft(f"often {rng.integers(20)}", (), "")

    drawn = [draft.prompt for draft in in_turn((once, often), np.random.default_rng(0))]
    assert drawn.count("once") == 1
    assert 15 <= len(drawn) <= 21
    assert len(set(drawn)) == len(drawn)


def test_where_a_number_is_asked_for_it_is_not_the_last_one_given():
    rng = np.random.default_rng(0)
    for _ in range(40):
        for task in arithmetic.TASKS:
            draft = task(rng)
            assert re.findall(r"\d+", draft.prompt)[-1] != draft.reference, draft.prompt


def test_cloze_has_a_gap_to_fill_and_no_rival_that_is_right():
    drafts = list(cloze.drafts(np.random.default_rng(0)))
    assert len(drafts) == cloze.n_entries() >= 150
    assert len({draft.prompt for draft in drafts}) == len(drafts)
    for draft in drafts:
        assert draft.prompt.count("___") == draft.prompt.startswith("Complete: ")
        assert draft.reference.casefold() not in re.findall(r"\w+", draft.prompt.casefold())
        (check,) = draft.checks
        assert len(check.rivals) >= 4
        assert not {rival.casefold() for rival in check.rivals} & {value.casefold() for value in check.values}
        assert all(correct(item(draft), f"I think it is {value}.") for value in check.values)
        assert not any(correct(item(draft), rival) for rival in check.rivals)


@pytest.mark.parametrize("name", TABLES)
def test_tables_hold_plain_different_words(name):
    words = table(name)
    assert len(set(words)) == len(words) >= 10
    assert all(re.fullmatch("[A-Za-z]+", word) for word in words)


def test_topics_are_plurals_that_only_add_an_s():
    assert all(topic == "movies" or re.fullmatch(r"\w+(?<!ie)s", topic) for topic in table("topics"))


def test_things_in_gifts_and_jobs_take_the_article_a():
    assert [word for name in ("tools", "jobs") for word in table(name) if word[0] in "aeiou"] == []
