"""The draw of capability items: enough of them, all different, balanced, and not to be had by guessing."""

import re
from collections import Counter

import pytest

from holdtrue.errors import SettingError
from holdtrue.scenarios import CapabilityItem, capability_items, correct
from holdtrue.scenarios.capability.items import FAMILIES, n_capability_items

ITEMS = capability_items()
BY_FAMILY = {family: [item for item in ITEMS if item.family == family] for family in FAMILIES}
RAMBLE = "Well, that is a good question, and there are several ways to look at it, so let us begin with some history."


def test_there_are_600_that_differ():
    assert len(ITEMS) == 600
    assert len({item.id for item in ITEMS}) == 600
    assert len({item.prompt for item in ITEMS}) == 600


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_its_share(family):
    assert len(BY_FAMILY[family]) == 100


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_references_pass_and_everything_there_is_can_be_drawn(seed):
    every = capability_items(n_capability_items(), seed=seed)
    assert len({item.prompt for item in every}) == len(every) == n_capability_items() >= 600
    assert [item.id for item in every if not correct(item, item.reference)] == []


def test_prompts_and_answers_are_short():
    assert max(len(item.prompt.split()) for item in ITEMS) <= 60
    # A token of these plain words is three characters or more, except where letters or numbers stand apart.
    assert max(len(item.reference) for item in ITEMS) <= 48


@pytest.mark.parametrize("family", FAMILIES)
def test_no_constant_answer_pays(family):
    items = BY_FAMILY[family]
    constants = {item.reference for item in items} | {"yes", "no", *map(str, range(30)), *"abcdefghijklmnopqrstuvwxyz"}
    best = max(constants, key=lambda said: sum(correct(item, said) for item in items))
    share = sum(correct(item, best) for item in items) / len(items)
    assert share < 0.25, (best, share)


@pytest.mark.parametrize("family", FAMILIES)
def test_other_references_mostly_fail(family):
    items = BY_FAMILY[family]
    passed = sum(correct(item, other.reference) for item in items for other in items if other is not item)
    assert passed / (len(items) * (len(items) - 1)) < 0.1


def test_naming_every_option_is_no_answer():
    for item in ITEMS:
        for check in item.checks:
            options = sorted({*check.values[:1], *check.rivals})
            if check.kind == "word" and check.rivals:
                assert not correct(item, f"It is {' or '.join(options)}."), item.prompt
            elif check.kind in {"first", "last"}:
                assert sum(correct(item, f"It is {' or '.join(each)}.") for each in (options, options[::-1])) < 2


@pytest.mark.parametrize("answer", ["", "  \n", "...", RAMBLE, RAMBLE.lower(), RAMBLE.replace(",", "")])
def test_empty_and_rambling_answers_fail(answer):
    assert [item.id for item in ITEMS if correct(item, answer)] == []


@pytest.mark.parametrize("family", FAMILIES)
def test_repeating_the_question_seldom_passes(family):
    items = [item for item in BY_FAMILY[family] if not re.match("Repeat|Copy", item.prompt)]
    # Where a word must be used, the request itself uses it; of three facts of a passage, the first is named first.
    assert sum(correct(item, item.prompt) for item in items) / len(items) < 0.4


def test_a_seed_repeats_and_another_differs():
    assert capability_items(120, seed=3) == capability_items(120, seed=3)
    same = {item.prompt for item in capability_items(120, seed=3)} & {item.prompt for item in capability_items(120)}
    assert len(same) < 60


@pytest.mark.parametrize("n", [1, 6, 50, 599])
def test_a_shorter_draw_begins_the_longer_one_and_is_balanced(n):
    drawn = capability_items(n)
    assert drawn == ITEMS[:n]
    sizes = Counter(item.family for item in drawn)
    assert max(sizes.values()) - min(sizes[family] for family in FAMILIES) <= 1


@pytest.mark.parametrize("n", [-1, 0, n_capability_items() + 1])
def test_a_number_that_can_not_be_drawn_is_named(n):
    with pytest.raises(SettingError, match=rf"n is {n}; there are 1 to {n_capability_items()} "):
        capability_items(n)


def test_a_negative_seed_is_named():
    with pytest.raises(SettingError, match="seed is -4"):
        capability_items(6, seed=-4)


def test_an_item_scores_the_same_after_json():
    for item in ITEMS[:120]:
        again = CapabilityItem.from_json(item.to_json(), "a test")
        assert again == item
        assert correct(again, item.reference)
