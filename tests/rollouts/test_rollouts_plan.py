from dataclasses import replace

import pytest

from holdtrue.errors import SettingError
from holdtrue.personas import load_personas
from holdtrue.rollouts import PRESETS, Plan, build_plan, derive_seed, preset, resized

PERSONAS = load_personas().subset(20, 10, seed=0)


def encode(system: str | None, text: str) -> tuple[int, ...]:
    return tuple(ord(c) for c in f"{system or ''}|{text}")


def cells(plan: Plan):
    return [cell for round_ in plan.rounds for batch in round_ for cell in batch.cells]


PLAN = build_plan(PERSONAS, preset("quick"), encode, seed=3)


def test_the_design_is_crossed():
    by_role: dict[str, set[int]] = {}
    for cell in cells(PLAN):
        by_role.setdefault(cell.role, set()).add(cell.question)
    assert len(by_role) == 21
    assert all(questions == set(range(10)) for questions in by_role.values())
    assert PLAN.n_rollouts == 20 * 10 + len(PERSONAS.defaults) * 10


def test_ids_are_unique_and_each_default_prompt_answers_each_question():
    assert len({cell.id for cell in cells(PLAN)}) == PLAN.n_rollouts
    defaults = [cell for cell in cells(PLAN) if cell.row == 0]
    assert len({(cell.prompt_id, cell.question) for cell in defaults}) == len(PERSONAS.defaults) * 10


def test_a_roles_prompts_take_turns():
    used = {cell.prompt_id for cell in cells(PLAN) if cell.role == PERSONAS.roles[0].name}
    assert used == {"p0", "p1", "p2"}


def test_batches_are_filled_by_length():
    for round_ in PLAN.rounds:
        lengths = [len(cell.prompt_token_ids) for batch in round_ for cell in batch.cells]
        assert lengths == sorted(lengths)


def test_the_reserve_takes_the_same_number_from_every_question():
    small = build_plan(load_personas(), replace(preset("full"), batch_size=64), encode, seed=0)
    kept: dict[int, int] = {}
    for cell in cells(small):
        kept[cell.question] = kept.get(cell.question, 0) + cell.reserved
    assert len(set(kept.values())) == 1
    assert sum(kept.values()) <= 1400


def test_the_plan_is_the_same_every_time_and_differs_by_seed():
    assert build_plan(PERSONAS, preset("quick"), encode, seed=3) == PLAN
    other = build_plan(PERSONAS, preset("quick"), encode, seed=4)
    assert {cell.id for cell in cells(other)} == {cell.id for cell in cells(PLAN)}
    assert {cell.seed for cell in cells(other)}.isdisjoint({cell.seed for cell in cells(PLAN)})


def test_seeds_are_pinned():
    assert derive_seed(0, "a") == 7606779636460171844, "a run of an earlier version could no longer be repeated"
    assert derive_seed(0, "a") != derive_seed(0, "b")


def test_presets_grow():
    sizes = [(p.n_roles or 10**9, p.n_questions or 10**9) for p in PRESETS.values()]
    assert sizes == sorted(sizes)


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(SettingError, match="did you mean 'quick'"):
        preset("quik")


def test_a_target_outside_0_1_is_refused_and_0_switches_stopping_off():
    with pytest.raises(SettingError, match=r"1\.5"):
        resized(preset("full"), target_reliability=1.5)
    assert resized(preset("full"), target_reliability=0.0).target_reliability is None
