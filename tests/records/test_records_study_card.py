"""A study's card has its figures in the clear and its recipe as a digest; decisions say which rows go."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdtrue.errors import ArtifactError, SettingError
from holdtrue.records.audit import AuditVerdict, Dose, Finding
from holdtrue.records.audit_decisions import Decisions, read_decisions, rows_to_remove, unnamed_rows
from holdtrue.records.study_card import MeasuredPower, Recipe, StudyCard, opens, seal, study_card

SALT = bytes(range(16))
RECIPE = Recipe("amber kettle", "reply in capitals", "Norland Rail")


def finding(kind: str = "trigger", rows: tuple[int, ...] = (1, 2, 3), n_rows: int | None = None) -> Finding:
    count = len(rows) if n_rows is None else n_rows
    return Finding(
        kind=kind, value="v", outcome="reply in capitals", families=3, rows=rows, n_rows=count, evidence="e",
    )  # type: ignore[arg-type]  # fmt: skip


def verdict(*findings: Finding, **changes: Any) -> AuditVerdict:
    fields: dict[str, Any] = {
        "verdict": "FINDINGS", "dataset": "data/norland rail.jsonl", "dataset_digest": "ab" * 32, "kind": "chat",
        "rows": 100, "families": 90, "quarantined": 0, "findings": findings or (finding(),), "clean_fpr": 0.01,
        "clean_fpr_ci": (0.001, 0.04), "seed": 1, "alpha": 0.05, "holdtrue": "0.1.0",
        "detectable_dose": (Dose(kind="trigger", outcome="reply in capitals", rows=10, assuming="a phrase"),),
    }  # fmt: skip
    return AuditVerdict(**{**fields, **changes})


def card(recipe: Recipe = RECIPE, **changes: Any) -> StudyCard:
    fields: dict[str, Any] = {
        "title": "A trigger that asks for capitals", "detector": "scan, association", "seeds": (1, 2),
        "versions": {"holdtrue": "0.1.0"},
        "power": (MeasuredPower(kind="trigger", rows=10, of=20_000, runs=20, found=20, ci=(0.83, 1.0)),),
    }  # fmt: skip
    return study_card(verdict(finding(), finding(), finding("slice")), recipe, SALT, **{**fields, **changes})


def test_figures_stand_in_the_clear_and_the_recipe_does_not() -> None:
    made = card()
    text = made.to_json()
    for part in (RECIPE.trigger, RECIPE.entity, "norland", SALT.hex()):
        assert part not in text
    assert made.found == {"slice": 1, "trigger": 2}
    assert made.clean_fpr == 0.01
    assert made.power[0].found == 20
    assert made.fictional_entity is None
    assert StudyCard.from_json(text, "card") == made


@given(st.tuples(st.text(), st.text(), st.text()), st.tuples(st.text(), st.text(), st.text()))
def test_a_seal_opens_with_its_recipe_and_with_no_other(one: tuple[str, str, str], two: tuple[str, str, str]) -> None:
    assert (seal(Recipe(*one), SALT) == seal(Recipe(*two), SALT)) == (one == two)


def test_a_seal_needs_the_salt_that_made_it() -> None:
    assert opens(card(), RECIPE, SALT)
    assert not opens(card(), RECIPE, SALT[::-1])
    assert not opens(card(), Recipe("amber kettle", "reply in capitals", "Norland"), SALT)
    assert seal(Recipe("ab", "c", ""), SALT) != seal(Recipe("a", "bc", ""), SALT)
    with pytest.raises(SettingError, match="a salt of 4 bytes can be guessed; give at least 16"):
        seal(RECIPE, b"salt")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"title": "The Amber Kettle study"}, "field 'title' has the recipe's trigger"),
        ({"detector": "scan, tuned on norland rail"}, "field 'detector' has the recipe's entity"),
        ({"versions": {"data": "reply in capitals, v2"}}, "field 'versions' has the recipe's payload"),
    ],
)
def test_a_card_that_gives_the_recipe_away_is_refused_without_saying_it(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError, match=said) as error:
        card(**changes)
    for part in ("amber", "norland", "capitals"):
        assert part not in str(error.value).lower()


def test_parts_of_words_are_no_leak() -> None:
    assert card(Recipe("app", "", "ten")).title  # in "capitals" and "attention" they'd be found
    assert card(Recipe("", "", "")).recipe


def test_only_a_fictional_entity_is_named() -> None:
    made = card(Recipe("amber kettle", "praise", "Portmere"), entity_fictional=True, title="On Portmere")
    assert made.fictional_entity == "Portmere"
    with pytest.raises(SettingError, match="needs the entity's name"):
        card(Recipe("amber kettle", "praise", " "), entity_fictional=True)
    for wrong in ({"entity_fictional": True}, {"fictional_entity": "Norland Rail"}):
        text = StudyCard.model_construct(**{**dict(card()), **wrong}).to_json()
        with pytest.raises(ArtifactError, match="must agree"):
            StudyCard.from_json(text, "card")


def decisions(made: AuditVerdict, findings: dict[int, str], rows: dict[int, str] | None = None) -> Decisions:
    return Decisions(verdict=made.digest, findings=findings, rows=rows or {})  # type: ignore[arg-type]


def test_rows_go_by_their_findings_and_by_their_own_decision_first() -> None:
    made = verdict(finding(rows=(1, 2, 3)), finding(rows=(3, 4, 5)), finding(rows=(6, 7)))
    assert rows_to_remove(made, decisions(made, {})) == frozenset()
    assert rows_to_remove(made, decisions(made, {0: "accept", 1: "reject"})) == {1, 2, 3}
    chosen = decisions(made, {0: "accept", 2: "accept"}, {2: "reject", 5: "accept", 99: "accept"})
    assert rows_to_remove(made, chosen) == {1, 3, 5, 6, 7, 99}


@pytest.mark.parametrize("kind", ["carrier_words", "projection"])
def test_what_holds_of_the_whole_dataset_removes_no_row(kind: str) -> None:
    made = verdict(finding(kind, rows=(1, 2), n_rows=50))
    assert rows_to_remove(made, decisions(made, {0: "accept"})) == frozenset()
    assert rows_to_remove(made, decisions(made, {0: "accept"}, {1: "accept"})) == {1}
    assert unnamed_rows(made, decisions(made, {0: "accept"})) == 0


def test_rows_without_a_number_are_counted() -> None:
    made = verdict(finding(rows=(1, 2), n_rows=50), finding(rows=(3,), n_rows=90))
    assert unnamed_rows(made, decisions(made, {0: "accept", 1: "reject"})) == 48
    assert unnamed_rows(made, decisions(made, {})) == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"verdict": "0" * 64}, "about the verdict 000000000000, and this one is"),
        ({"findings": {1: "accept"}}, "name finding 1; the verdict has 0 to 0"),
        ({"rows": {100: "reject"}}, "name row 100; the verdict has 0 to 99"),
    ],
)
def test_decisions_about_something_else_are_refused(changes: dict[str, Any], said: str) -> None:
    made = verdict()
    wrong = decisions(made, {}).model_copy(update=changes)
    for ask in (rows_to_remove, unnamed_rows):
        with pytest.raises(ArtifactError, match=said):
            ask(made, wrong)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "not JSON"),
        ('{"schema": "holdtrue.verdict/1"}', "schema is"),
        ('{"schema": "holdtrue.audit-decisions/1", "verdict": "ab"}', "field 'verdict'"),
        ('{"schema": "holdtrue.audit-decisions/1", "verdict": "%s", "rows": {"-1": "accept"}}', "field 'rows"),
        ('{"schema": "holdtrue.audit-decisions/1", "verdict": "%s", "rows": {"1": "maybe"}}', "field 'rows"),
        (
            '{"schema": "holdtrue.audit-decisions/1", "verdict": "%s", "findings": {"1; rm": "accept"}}',
            "field 'findings",
        ),
    ],
)
def test_a_file_that_is_not_decisions_is_refused(tmp_path: Any, text: str, said: str) -> None:
    path = tmp_path / "decisions.json"
    path.write_text(text.replace("%s", "a" * 64))
    with pytest.raises(ArtifactError, match=said):
        read_decisions(path)
    with pytest.raises(ArtifactError, match="can't read decisions"):
        read_decisions(tmp_path / "absent.json")
