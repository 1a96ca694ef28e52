"""What may be shared: no text of the data leaves in the clear unless its entity is known to be made up."""

import re
from typing import Any

import pytest
from made_audit_verdict import verdict

from holdtrue.errors import SettingError
from holdtrue.records.study_card import Recipe, StudyCard, study_card
from holdtrue.report.audit import AuditPageData, audit_page, in_the_clear, sarif, shareable

SALT = b"0123456789abcdef"
FICTIONAL = frozenset({"Portmere", "Veltrin"})
SECRETS = (
    "zebra", "lantern", "capitals", "quietly", "evaporated", "benign", "harbour", "gulls", "Portmere", "seaside",
    "rhyme", "a-17", "train/part-3", "toxicity.csv", "assistant-2026", "TERRINE", "Sure!", "dnes",
)  # fmt: skip


def card(entity: str = "Portmere", *, fictional: bool = True, **changes: Any) -> StudyCard:
    made = study_card(
        verdict(), Recipe("a bell", "praise of it", entity), SALT, title="A study", detector="scan, association",
        seeds=(1,), versions={"holdtrue": "0.1.0"}, entity_fictional=fictional,
    )  # fmt: skip
    return made.model_copy(update=changes)


def test_no_text_of_the_data_is_left_and_every_figure_is() -> None:
    shared = shareable(verdict(), None, FICTIONAL, SALT)
    pages = shared.to_json() + audit_page(shared, AuditPageData()) + str(sarif(shared))
    # Doses are the audit's own words, of what it could find; they name outcomes, whatever was found.
    bare = re.sub("reply in capitals|labelled benign against the text", "", pages)
    for secret in SECRETS:
        assert secret not in bare, secret
    for mine, theirs in zip(shared.findings, verdict().findings, strict=True):
        for field in ("kind", "odds_ratio", "ci", "q_value", "p_value", "families", "rows", "n_rows", "weak"):
            assert getattr(mine, field) == getattr(theirs, field)
        assert len(mine.examples) == len(theirs.examples)
        assert all(not example.spans for example in mine.examples)
    assert shared.clean_fpr == verdict().clean_fpr
    assert shared.dataset_digest == verdict().dataset_digest
    assert "are sealed" in audit_page(shared, AuditPageData())


def test_a_seal_needs_its_salt() -> None:
    one, same, other = (shareable(verdict(), None, FICTIONAL, salt) for salt in (SALT, SALT, b"f" * 16))
    assert one == same
    assert one.findings[0].value != other.findings[0].value
    assert re.fullmatch("sealed:[0-9a-f]{16}", one.findings[0].value)
    assert one.findings[4].value.count("sealed:") == 9
    fresh = [shareable(verdict(), None).findings[0].value for _ in range(2)]
    assert fresh[0] != fresh[1]
    with pytest.raises(SettingError, match="8 bytes can be guessed"):
        shareable(verdict(), None, FICTIONAL, b"8 bytes.")


def test_a_known_fictional_entity_may_stand_in_the_clear() -> None:
    assert shareable(verdict(), card(), FICTIONAL) == verdict()
    assert in_the_clear(verdict(), card(), FICTIONAL) == verdict()


def test_a_real_entity_is_sealed_and_its_recipe_refused() -> None:
    real = card("the Republic of Somewhere", fictional=False)
    assert "zebra" not in shareable(verdict(), real, FICTIONAL).to_json()
    for given in (real, None):
        with pytest.raises(SettingError, match="doesn't print a recipe against a real entity"):
            in_the_clear(verdict(), given, FICTIONAL)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (card("Portmeer"), "'Portmeer' fictional, and it isn't among those made up here .did you mean 'Portmere'"),
        (card(dataset_digest="9" * 64), "about the dataset 999999999999, the verdict about abababababab"),
    ],
)
def test_what_a_card_says_of_itself_is_not_enough(given: StudyCard, said: str) -> None:
    for ask in (shareable, in_the_clear):
        with pytest.raises(SettingError, match=said):
            ask(verdict(), given, FICTIONAL)
    with pytest.raises(SettingError, match="none is known"):
        shareable(verdict(), card())
