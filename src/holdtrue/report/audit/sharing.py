"""What of an audit may leave the house: figures yes, recipes against real entities no."""

import hashlib
import hmac
import secrets
from collections.abc import Set as AbstractSet
from typing import Final

from holdtrue.errors import SettingError, did_you_mean
from holdtrue.records.audit import AuditVerdict, Example, Finding
from holdtrue.records.study_card import MIN_SALT_BYTES, StudyCard

__all__ = ["SEALED", "check_fictional", "in_the_clear", "shareable"]

SEALED: Final = "sealed:"
"""What stands before a digest in the place of a text."""


def shareable(
    verdict: AuditVerdict, card: StudyCard | None, fictional: AbstractSet[str] = frozenset(), salt: bytes | None = None
) -> AuditVerdict:
    """The verdict as it may be shared: whole for a fictional entity, else with every text of the data sealed.

    A trigger with what it sets off, or a list of carrier words, is a tested recipe: whoever reads it can poison the
    next dataset against the same real person, firm or country. How well a detector works is told by kinds, counts,
    odds ratios and false alarms, which stay. So do the rows' numbers: whoever has the dataset, and only they, can find
    them. Sealed are values, outcomes, examples with their file names, and the datasets' names; evidence and notes,
    which quote the data, are left out. The audit's own sentences (doses, false alarms, what wasn't testable) stay.

    A seal is `HMAC-SHA256(salt, text)`, its first 16 digits: equal texts have equal seals. A digest without a salt
    would be no seal, for triggers are a few words and can be tried out.

    Args:
        verdict: of the audit.
        card: of the study that made the data; None for data that was found.
        fictional: names of entities made up for studies, known to this package: what a card says of itself is not
            enough, for a real name can be called fictional.
        salt: at least 16 bytes, for showing later what was sealed; keep it back. None for one that is forgotten.

    Raises:
        SettingError: the card calls an entity fictional that isn't known as such, or is about other data; or the salt
            is too short.
    """
    if card is not None and card.entity_fictional:
        return in_the_clear(verdict, card, fictional)
    if salt is not None and len(salt) < MIN_SALT_BYTES:
        message = f"a salt of {len(salt)} bytes can be guessed; give at least {MIN_SALT_BYTES}, or none"
        raise SettingError(message)
    key = secrets.token_bytes(MIN_SALT_BYTES) if salt is None else salt

    def seal(text: str) -> str:
        return SEALED + hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:16] if text else ""

    def example(one: Example) -> Example:
        texts = {name: seal(getattr(one, name)) for name in ("source", "prompt", "response")}
        return one.model_copy(update={**texts, "spans": ()})

    def finding(one: Finding) -> Finding:
        words = ", ".join(seal(word) for word in one.value.split(", ")) if one.kind == "carrier_words" else None
        changes = {
            "value": words or seal(one.value),
            "outcome": seal(one.outcome),
            "evidence": "Sealed: the counts stand beside it.",
            "examples": tuple(example(each) for each in one.examples),
        }
        return one.model_copy(update=changes)

    notes = "Texts of the data are sealed: triggers, outcomes, carrier words, themes, examples and names of files"
    left = f", and {len(verdict.notes)} notes are left out." if verdict.notes else "."
    return verdict.model_copy(
        update={
            "dataset": seal(verdict.dataset),
            "control": None if verdict.control is None else seal(verdict.control),
            "findings": tuple(finding(one) for one in verdict.findings),
            "notes": (notes + left,),
        }
    )


def in_the_clear(verdict: AuditVerdict, card: StudyCard | None, fictional: AbstractSet[str]) -> AuditVerdict:
    """The verdict with its recipe, for a study of a fictional entity and for nothing else.

    Args:
        verdict: of the audit.
        card: of the study that made the data.
        fictional: names that are known to be made up.

    Returns:
        The verdict, unchanged.

    Raises:
        SettingError: there is no card, its entity is real or not known to be fictional, or it is about other data.
    """
    checked = check_fictional(card, fictional)
    if checked.dataset_digest != verdict.dataset_digest:
        message = (
            f"the study card is about the dataset {checked.dataset_digest[:12]}, the verdict about "
            f"{verdict.dataset_digest[:12]}; give the card of this dataset, or none, and share it sealed"
        )
        raise SettingError(message)
    return verdict


def check_fictional(card: StudyCard | None, fictional: AbstractSet[str]) -> StudyCard:
    """The card, if its recipe may be named at all.

    Raises:
        SettingError: there is no card, or its entity is real or not known to be fictional.
    """
    if card is None or not card.entity_fictional:
        message = (
            "a shareable report doesn't print a recipe against a real entity; share it sealed, or give the study card "
            "of a fixture whose entity is fictional"
        )
        raise SettingError(message)
    if card.fictional_entity not in fictional:
        known = did_you_mean(card.fictional_entity or "", sorted(fictional)) if fictional else "none is known"
        message = (
            f"the study card calls {card.fictional_entity!r} fictional, and it isn't among those made up here "
            f"({known}); share it sealed, without the card"
        )
        raise SettingError(message)
    return card
