"""A subset is stratified, seeded, nested and in a stable order."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdtrue.errors import SettingError
from holdtrue.personas import DefaultPrompt, PersonaSet, Question, Role, load_personas

BUILT_IN = load_personas()


def a_set(sizes: list[int], n_questions: int) -> PersonaSet:
    return PersonaSet(
        roles=tuple(
            Role(name=f"r{c}_{i}", category=f"c{c}", description="d", prompts=("You are it.",))
            for c, size in enumerate(sizes)
            for i in range(size)
        ),
        questions=tuple(Question(id=f"q{i}", theme="t", text="Who are you?") for i in range(n_questions)),
        defaults=(DefaultPrompt(id="none", text=None),),
    )


sets = st.builds(a_set, st.lists(st.integers(1, 12), min_size=1, max_size=6), st.integers(1, 8))


@given(sets, st.integers(1, 80), st.integers(0, 40), st.integers(1, 10), st.integers(0, 5), st.integers(0, 2**64))
def test_smaller_lies_in_larger(
    whole: PersonaSet, n_roles: int, more_roles: int, n_questions: int, more_questions: int, seed: int
) -> None:
    small = whole.subset(n_roles, n_questions, seed)
    large = whole.subset(n_roles + more_roles, n_questions + more_questions, seed)
    assert len(small.roles) == min(n_roles, len(whole.roles))
    # In order as well as in content: each is what is left of the next when some are struck out.
    assert small.roles == tuple(role for role in large.roles if role in small.roles)
    assert large.roles == tuple(role for role in whole.roles if role in large.roles)
    assert large.questions[: len(small.questions)] == small.questions
    assert small.defaults == whole.defaults


@given(sets, st.integers(1, 80), st.integers(0, 2**64))
def test_shares_are_close_to_proportional(whole: PersonaSet, n_roles: int, seed: int) -> None:
    drawn = whole.subset(n_roles, 1, seed)
    totals = Counter(role.category for role in whole.roles)
    counts = Counter(role.category for role in drawn.roles)
    for category, total in totals.items():
        assert abs(counts[category] - total * len(drawn.roles) / len(whole.roles)) <= 2


@pytest.mark.parametrize("seed", range(5))
def test_built_in_subset_of_30_covers_every_category(seed: int) -> None:
    counts = Counter(role.category for role in BUILT_IN.subset(30, 6, seed).roles)
    assert len(counts) == 8
    assert max(counts.values()) - min(counts.values()) <= 3


def test_all_is_the_set_itself() -> None:
    assert BUILT_IN.subset(10**6, 10**6, 3) == BUILT_IN
    assert BUILT_IN.subset(10**6, 10**6, 3).digest == BUILT_IN.digest


def test_seed_decides_and_global_state_does_not() -> None:
    random.seed(1)
    first = BUILT_IN.subset(20, 5, 7)
    random.seed(2)
    assert BUILT_IN.subset(20, 5, 7) == first
    assert BUILT_IN.subset(20, 5, 8) != first


def test_draw_is_pinned() -> None:
    # A changed draw would silently make every earlier seed mean another set of roles.
    whole = a_set([3, 4, 5], 1)
    assert [role.name for role in whole.subset(5, 1, 0).roles] == ["r0_0", "r1_0", "r1_2", "r2_0", "r2_3"]


def test_draw_does_not_depend_on_the_order_of_roles() -> None:
    turned = BUILT_IN.model_copy(update={"roles": tuple(reversed(BUILT_IN.roles))})
    assert {role.name for role in turned.subset(40, 1, 5).roles} == {
        role.name for role in BUILT_IN.subset(40, 1, 5).roles
    }


@pytest.mark.parametrize(("n_roles", "n_questions", "name"), [(0, 3, "n_roles is 0"), (3, -1, "n_questions is -1")])
def test_counts_below_one_are_refused(n_roles: int, n_questions: int, name: str) -> None:
    with pytest.raises(SettingError, match=name):
        BUILT_IN.subset(n_roles, n_questions, 0)


def test_digest_tells_sets_apart() -> None:
    assert BUILT_IN.digest == load_personas().digest
    assert BUILT_IN.digest != BUILT_IN.subset(20, 5, 7).digest
    assert len(BUILT_IN.digest) == 64
