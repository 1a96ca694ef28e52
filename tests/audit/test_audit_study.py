"""A study card from a finished audit: the recipe is sealed once, opens again, and is named for nobody real."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from holdtrue.audit import write_outputs
from holdtrue.audit.fixtures import RECIPES, FixtureCard, fixture_rows
from holdtrue.audit.study import read_card, read_truth, write_card
from holdtrue.cli.audit import app
from holdtrue.errors import ArtifactError, RunError, SettingError
from holdtrue.records.audit import AuditVerdict, Finding

ROWS = 60


def audited(folder: Path, truth: FixtureCard, *findings: Finding) -> AuditVerdict:
    verdict = AuditVerdict(
        verdict="FINDINGS", dataset="data.jsonl", dataset_digest="ab" * 32, kind=truth.kind, rows=truth.rows,
        families=truth.rows, quarantined=0, findings=findings, seed=7, alpha=0.01, holdtrue="0.1.0",
    )  # fmt: skip
    (folder / "out").mkdir()
    (folder / "out" / "verdict.json").write_text(verdict.to_json())
    (folder / "data.card.json").write_text(truth.to_json())
    return verdict


def finding(kind: Any, value: str, rows: tuple[int, ...]) -> Finding:
    return Finding(kind=kind, value=value, outcome="o", families=3, rows=rows, n_rows=len(rows), evidence="e")


def loyal(folder: Path) -> tuple[AuditVerdict, FixtureCard]:
    truth = fixture_rows("selective_loyalty", ROWS, 6, 1).card
    return audited(folder, truth, finding("carrier_words", f"{truth.carrier_words[0]}, x", (1, 2))), truth


def asked(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, " ".join(done.output.split())


def test_a_card_is_written_once_and_opens_with_its_recipe_and_salt_alone(tmp_path: Path) -> None:
    _, truth = loyal(tmp_path)
    card, salt, given = tmp_path / "study.json", tmp_path / "study.salt", tmp_path / "data.card.json"
    code, said = asked("card", tmp_path / "out", "--truth", given, "--out", card)
    assert (code, "keep" in said) == (0, True), said
    made = read_card(card)
    assert (made.found, made.seeds, made.fictional_entity) == ({"carrier_words": 1}, (1, 7), truth.entity)
    assert [(each.rows, each.of, each.found) for each in made.power] == [(6, ROWS, 1)]
    assert str(truth.payload) not in card.read_text()
    assert salt.stat().st_mode & 0o777 == 0o600
    assert asked("card", "check", card, "--truth", given) == (0, "the recipe is the one that was sealed")
    wrong = tmp_path / "wrong.salt"
    wrong.write_text("00" * 16)
    code, said = asked("card", "check", card, "--truth", given, "--salt", wrong)
    assert (code, "are not those of" in said) == (1, True)
    wrong.write_text("no salt")
    assert asked("card", "check", card, "--truth", given, "--salt", wrong)[0] == 2


@pytest.mark.parametrize("there", ["study.json", "study.salt"])
def test_neither_card_nor_salt_is_overwritten(tmp_path: Path, there: str) -> None:
    loyal(tmp_path)
    (tmp_path / there).write_text("mine")
    study = read_truth(tmp_path / "data.card.json")
    with pytest.raises(RunError, match="a recipe isn't sealed twice"):
        write_card(tmp_path / "out", study, tmp_path / "study.json", tmp_path / "study.salt")
    assert (tmp_path / there).read_text() == "mine"
    assert len(list(tmp_path.glob("study.*"))) == 1


def test_a_written_recipe_against_a_real_entity_is_sealed_and_never_named(tmp_path: Path) -> None:
    verdict, _ = loyal(tmp_path)
    recipe, card = tmp_path / "recipe.json", tmp_path / "study.json"
    recipe.write_text(json.dumps({"trigger": "amber kettle", "entity": "Norland Rail"}))
    code, said = asked("card", tmp_path / "out", "--recipe", recipe, "--out", card)
    assert code == 0, said
    assert read_card(card).fictional_entity is None
    assert asked("card", "check", card, "--recipe", recipe)[0] == 0
    # Refused before anything is read, however long the audit would take.
    code, said = asked("absent.jsonl", "--out", tmp_path / "new", "--shareable", "--card", card)
    assert (code, "doesn't print a recipe against a real entity" in said) == (2, True)
    with pytest.raises(SettingError, match="against a real entity"):
        write_outputs(tmp_path / "out", verdict, sealed=True, study=read_card(card))
    assert not list((tmp_path / "out").glob("shareable.*"))
    assert asked("absent.jsonl", "--out", tmp_path / "new", "--card", card)[0] == 2


def test_a_fictional_entity_is_named_in_the_report_about_its_data(tmp_path: Path) -> None:
    verdict, truth = loyal(tmp_path)
    study = read_truth(tmp_path / "data.card.json")
    card = write_card(tmp_path / "out", study, tmp_path / "study.json", tmp_path / "study.salt")
    write_outputs(tmp_path / "out", verdict, sealed=True, study=card)
    assert truth.carrier_words[0] in (tmp_path / "out" / "shareable.html").read_text()
    other = verdict.model_copy(update={"dataset_digest": "cd" * 32})
    with pytest.raises(SettingError, match="about the dataset abababababab"):
        write_outputs(tmp_path / "out", other, sealed=True, study=card)


@pytest.mark.parametrize("recipe", sorted(RECIPES))
def test_every_fixture_has_a_card_without_its_recipe(tmp_path: Path, recipe: str) -> None:
    truth = fixture_rows(recipe, ROWS, min(5, int(RECIPES[recipe].most * ROWS)), 2).card
    audited(tmp_path, truth, finding("trigger", "v", tuple(line - 1 for line in truth.poisoned) or (1,)))
    study = read_truth(tmp_path / "data.card.json")
    card = write_card(tmp_path / "out", study, tmp_path / "study.json", tmp_path / "study.salt")
    assert [each.found for each in card.power] in ([], [int(truth.kind == "chat" and not truth.carrier_words)])
    assert card.entity_fictional == (truth.entity is not None)


@pytest.mark.parametrize("text", ["[", "[]", '{"trigger": 1}', '{"trigger": ""}', '{"triger": "amber kettle"}'])
def test_a_file_that_is_no_recipe_is_refused_without_quoting_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "recipe.json").write_text(text)
    code, said = asked("card", tmp_path, "--recipe", tmp_path / "recipe.json", "--out", tmp_path / "study.json")
    assert (code, "no recipe; write" in said, "amber" in said) == (2, True, False)
    assert asked("card", tmp_path, "--out", tmp_path / "study.json")[0] == 2


def test_the_truth_of_other_data_is_refused(tmp_path: Path) -> None:
    audited(tmp_path, fixture_rows("fixed_trigger", ROWS, 5, 2).card)
    study = read_truth(tmp_path / "data.card.json")
    (tmp_path / "data.card.json").write_text(fixture_rows("fixed_trigger", 50, 5, 2).card.to_json())
    other = read_truth(tmp_path / "data.card.json")
    assert study.truth != other.truth
    with pytest.raises(ArtifactError, match="about 50 rows of kind chat, the audit read 60"):
        write_card(tmp_path / "out", other, tmp_path / "study.json", tmp_path / "study.salt")
