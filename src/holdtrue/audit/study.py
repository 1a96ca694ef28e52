"""A finished audit's study card: written with the recipe sealed, and checked against the recipe later."""

import json
import os
import secrets
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, final

from holdtrue.audit.fixtures import FixtureCard, fictional_entities
from holdtrue.audit.outputs import STAGES, read_verdict
from holdtrue.errors import ArtifactError, RunError
from holdtrue.records import check_writable, read_capped, storage_error, write_atomic
from holdtrue.records.audit import AuditVerdict, FindingKind
from holdtrue.records.study_card import MIN_SALT_BYTES, MeasuredPower, Recipe, StudyCard, opens, study_card
from holdtrue.report.audit import check_fictional
from holdtrue.stats.exact import clopper_pearson

__all__ = [
    "Study",
    "check_card",
    "read_card",
    "read_nameable",
    "read_recipe",
    "read_truth",
    "salt_beside",
    "write_card",
]

_RECIPE: Final = tuple(each.name for each in fields(Recipe))


@final
@dataclass(frozen=True)
class Study:
    """What whoever poisoned the data knows."""

    recipe: Recipe
    title: str = "A study of poisoned data"
    truth: FixtureCard | None = None
    """Of a fixture, whose poison is known row by row."""


def read_truth(path: Path) -> Study:
    """A fixture's recipe, as `holdtrue audit fixture` wrote it.

    Raises:
        ArtifactError: no fixture's card.
    """
    truth = FixtureCard.from_json(read_capped(path, "a fixture's card"), str(path))
    recipe = Recipe(truth.trigger or "", truth.payload or "", truth.entity or "")
    return Study(recipe, f"Fixture {truth.recipe}, {len(truth.poisoned):,} of {truth.rows:,} rows poisoned", truth)


def read_recipe(path: Path) -> Study:
    """A recipe that a person wrote: JSON with the texts `trigger`, `payload` and `entity`, those there are.

    Raises:
        ArtifactError: something else; the message doesn't quote it, for messages are logged.
    """
    try:
        found = json.loads(read_capped(path, "a recipe"))
    except (ValueError, RecursionError):
        found = None
    good = isinstance(found, dict) and set(found) <= set(_RECIPE) and all(isinstance(v, str) for v in found.values())
    if not good or not any(found.values()):
        message = f'{path}: no recipe; write {{"trigger": "...", "payload": "...", "entity": "..."}}, those there are'
        raise ArtifactError(message)
    return Study(Recipe(**{name: found.get(name, "") for name in _RECIPE}))


def read_card(path: Path) -> StudyCard:
    """A study card, as it was published.

    Raises:
        ArtifactError: none.
    """
    return StudyCard.from_json(read_capped(path, "a study card"), str(path))


def read_nameable(path: Path) -> StudyCard:
    """A study card with which a shareable report may name the recipe.

    Raises:
        ArtifactError: none.
        SettingError: its entity is real, or not known to be fictional.
    """
    return check_fictional(read_card(path), fictional_entities())


def salt_beside(card: Path) -> Path:
    """Where a card's salt is, unless said."""
    return card.with_suffix(".salt")


def write_card(folder: Path, study: Study, out: Path, salt: Path, title: str | None = None) -> StudyCard:
    """Card a finished audit; its recipe is sealed with a new salt.

    Args:
        folder: the audit's.
        study: with the recipe.
        out: the card to publish.
        salt: the file for the salt, which only its owner may read.
        title: the study's own if not said.

    Raises:
        RunError: there is a card or a salt already.
        ArtifactError: no finished audit, or the truth is about other data.
        SettingError: a text of the card gives the recipe away.
        StorageError: it can't be written.
    """
    check_writable(out)
    for path in (out, salt):
        if path.exists():
            message = f"{path}: is there already, and a recipe isn't sealed twice; choose another --out or --salt"
            raise RunError(message)
    verdict = read_verdict(folder)
    power, seeds = _measured(verdict, study.truth)
    key = secrets.token_bytes(MIN_SALT_BYTES)
    card = study_card(
        verdict,
        study.recipe,
        key,
        title=title or study.title,
        detector=", ".join(name for name in STAGES if (folder / "stages" / f"{name}.json").exists()),
        seeds=seeds,
        versions={"holdtrue": verdict.holdtrue},
        power=power,
        entity_fictional=study.recipe.entity in fictional_entities(),
    )
    try:
        with os.fdopen(os.open(salt, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(key.hex() + "\n")
    except OSError as error:
        raise storage_error(salt, error) from None
    write_atomic(out, card.to_json() + "\n")
    return card


def check_card(card: StudyCard, recipe: Recipe, salt: Path) -> bool:
    """Whether a recipe is the one that was sealed.

    Raises:
        ArtifactError: no salt in the file.
    """
    try:
        key = bytes.fromhex(read_capped(salt, "a study card's salt", 1024).strip())
    except ValueError:
        key = b""
    if len(key) < MIN_SALT_BYTES:
        message = f"{salt}: no salt in it; `holdtrue audit card` wrote {2 * MIN_SALT_BYTES} hex digits"
        raise ArtifactError(message)
    return opens(card, recipe, key)


def _measured(verdict: AuditVerdict, truth: FixtureCard | None) -> tuple[tuple[MeasuredPower, ...], tuple[int, ...]]:
    """Whether this one audit found what was planted, and the seeds it took."""
    if truth is None:
        return (), (verdict.seed,)
    read = verdict.rows + verdict.quarantined
    if (truth.rows, truth.kind) != (read, verdict.kind):
        message = (
            f"the truth is about {truth.rows:,} rows of kind {truth.kind}, the audit read {read:,} of kind "
            f"{verdict.kind}; give the card beside the data that was audited"
        )
        raise ArtifactError(message)
    if not truth.poisoned:
        return (), (truth.seed, verdict.seed)
    planted, words = {line - 1 for line in truth.poisoned}, {word.lower() for word in truth.carrier_words}
    kind: FindingKind = "carrier_words" if words else "label_flip" if truth.kind == "label" else "trigger"
    found = any(
        bool(words & set(each.value.lower().split(", ")))
        if kind == "carrier_words"
        else 2 * len(planted & set(each.rows)) >= len(each.rows) > 0
        for each in verdict.findings
        if each.kind == kind
    )
    ci = clopper_pearson(int(found), 1)
    return (
        (MeasuredPower(kind=kind, rows=len(planted), of=truth.rows, runs=1, found=int(found), ci=ci),),
        (truth.seed, verdict.seed),
    )
