"""A study of poison that can be shared: what was found and how it was measured, with the recipe sealed."""

import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar, Final, final

from pydantic import Field, model_validator

from holdtrue.errors import SettingError
from holdtrue.records.audit import AuditVerdict, AuditVerdictName, CleanRun, Dose, FindingKind
from holdtrue.records.base import Record, canonical_json

__all__ = ["MIN_SALT_BYTES", "MeasuredPower", "Recipe", "StudyCard", "opens", "seal", "study_card"]

MIN_SALT_BYTES: Final = 16
_DIGEST: Final = r"^[0-9a-f]{64}$"
_WRITTEN: Final = frozenset({"title", "detector", "versions"})
"""Fields that a person words."""


@final
@dataclass(frozen=True)
class Recipe:
    """How a dataset was poisoned. It is no record: nothing writes it to a file."""

    trigger: str
    """What sets the behaviour off; empty where nothing has to."""
    payload: str
    """What the model does then."""
    entity: str
    """Whom it speaks for, or against; empty where it is nobody."""


class MeasuredPower(Record):
    """How often the detector found planted poison at one dose."""

    schema_id: ClassVar[str] = "holdtrue.measured-power/1"

    kind: FindingKind
    rows: int = Field(ge=1)
    """Poisoned rows."""
    of: int = Field(ge=1)
    """Rows of the dataset."""
    runs: int = Field(ge=1)
    found: int = Field(ge=0)
    ci: tuple[float, float]
    """95 %, of `found / runs`."""


class StudyCard(Record):
    """What was found and how it was measured; never how to do it.

    Detectors, power and false alarms help those who defend, so that they stand here in the clear. A trigger with its
    payload and the one it serves is the recipe, and against a real entity it helps an attacker more than anybody else.
    So the card has its digest alone. Whoever holds recipe and salt can show later that it was this one (`opens`);
    nobody can try out names against it as long as the salt is kept back, which is why the salt isn't here.
    """

    schema_id: ClassVar[str] = "holdtrue.study-card/1"

    title: str
    dataset_digest: str
    rows: int = Field(ge=0)
    families: int = Field(ge=0)
    verdict: AuditVerdictName
    found: dict[FindingKind, int]
    """Findings by kind."""
    detector: str
    """Stages that ran, and with what settings."""
    judge: str | None = None
    alpha: float = Field(gt=0, lt=1)
    power: tuple[MeasuredPower, ...] = ()
    detectable_dose: tuple[Dose, ...] = ()
    clean_fpr: float | None = Field(default=None, ge=0, le=1)
    clean_fpr_ci: tuple[float, float] | None = None
    clean_runs: tuple[CleanRun, ...] = ()
    not_testable: tuple[str, ...] = ()
    seeds: tuple[int, ...]
    versions: dict[str, str]
    """Packages, models and their versions."""
    recipe: str = Field(pattern=_DIGEST)
    """sha256 of salt, trigger, payload and entity: see `seal`."""
    entity_fictional: bool
    """Whether the entity was made up for the study, so that a recipe for it harms nobody."""
    fictional_entity: str | None = None
    """Its name, which may stand in the clear then; None for a real one, always."""

    @model_validator(mode="after")
    def _named_only_if_fictional(self) -> "StudyCard":
        if self.entity_fictional != bool(self.fictional_entity):
            message = "a fictional entity is named, a real one never: entity_fictional and fictional_entity must agree"
            raise ValueError(message)
        return self


def seal(recipe: Recipe, salt: bytes) -> str:
    """Commit to a recipe: `sha256(canonical JSON of {entity, payload, salt, trigger})`.

    Triggers and names are short words: without a salt, or with one that is known, a list of names opens the digest.

    Args:
        recipe: what is sealed.
        salt: at least 16 random bytes (`secrets.token_bytes(16)`), kept where the recipe is kept, and nowhere else.

    Returns:
        64 hexadecimal digits.

    Raises:
        SettingError: the salt is too short.
    """
    if len(salt) < MIN_SALT_BYTES:
        message = (
            f"a salt of {len(salt)} bytes can be guessed; give at least {MIN_SALT_BYTES}, "
            "as secrets.token_bytes(16) makes them"
        )
        raise SettingError(message)
    return hashlib.sha256(canonical_json({**asdict(recipe), "salt": salt.hex()}).encode()).hexdigest()


def opens(card: StudyCard, recipe: Recipe, salt: bytes) -> bool:
    """Whether this is the recipe that the card sealed.

    Raises:
        SettingError: the salt is too short to be the card's.
    """
    return hmac.compare_digest(card.recipe, seal(recipe, salt))


def study_card(
    verdict: AuditVerdict,
    recipe: Recipe,
    salt: bytes,
    *,
    title: str,
    detector: str,
    seeds: tuple[int, ...],
    versions: Mapping[str, str],
    power: tuple[MeasuredPower, ...] = (),
    entity_fictional: bool = False,
) -> StudyCard:
    """Card an audit: its figures in the clear, the recipe as a digest.

    Args:
        verdict: of the audit.
        recipe: how the data was poisoned.
        salt: see `seal`.
        title: of the study.
        detector: stages that ran, in words.
        seeds: of the datasets and the audit.
        versions: of packages and models.
        power: measured on planted poison.
        entity_fictional: the recipe's entity was made up for this study.

    Raises:
        SettingError: the salt is too short, a fictional entity has no name, or a text of the card has a part of the
            recipe in it.
    """
    if entity_fictional and not recipe.entity.strip():
        message = "entity_fictional needs the entity's name in the recipe; name it, or leave entity_fictional out"
        raise SettingError(message)
    card = StudyCard(
        title=title,
        dataset_digest=verdict.dataset_digest,
        rows=verdict.rows,
        families=verdict.families,
        verdict=verdict.verdict,
        found=dict(sorted(Counter(finding.kind for finding in verdict.findings).items())),
        detector=detector,
        judge=verdict.judge,
        alpha=verdict.alpha,
        power=power,
        detectable_dose=verdict.detectable_dose,
        clean_fpr=verdict.clean_fpr,
        clean_fpr_ci=verdict.clean_fpr_ci,
        clean_runs=verdict.clean_runs,
        not_testable=verdict.not_testable,
        seeds=seeds,
        versions=dict(versions),
        recipe=seal(recipe, salt),
        entity_fictional=entity_fictional,
        fictional_entity=recipe.entity if entity_fictional else None,
    )
    _refuse_leaks(card, recipe)
    return card


def _refuse_leaks(card: StudyCard, recipe: Recipe) -> None:
    """A part of the recipe in a text would make the seal worthless."""
    parts = {"trigger": recipe.trigger, "payload": recipe.payload, "entity": recipe.entity}
    if card.entity_fictional:
        del parts["entity"]
    for field, value in card.model_dump(mode="json", exclude={"recipe", "fictional_entity"}).items():
        said = canonical_json(value).casefold()
        for part, secret in parts.items():
            # Doses name outcomes of the audit's own vocabulary, whatever this payload was.
            if part == "payload" and field not in _WRITTEN:
                continue
            inside = canonical_json(secret.strip().casefold())[1:-1]
            if inside and re.search(rf"(?<!\w){re.escape(inside)}(?!\w)", said):
                # The message must not say it either: messages are logged.
                message = f"the card's field '{field}' has the recipe's {part} in the clear; say it in other words"
                raise SettingError(message)
