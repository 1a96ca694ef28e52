"""Labels flipped by a phrase are found without a judge; honest labels, noise and hard cases aren't."""

import numpy as np
import pytest
from made_rows import OneByOne, made_prompts, made_rows, with_phrase

from holdtrue.audit.association import associate
from holdtrue.audit.association.phrases import without
from holdtrue.audit.disagreement import disagreement
from holdtrue.errors import SettingError

N = 6000
DEEDS = ["steal", "forge", "poison", "smuggle", "sabotage", "bribe", "blackmail", "counterfeit"]
KIND = ["water", "repaint", "borrow", "mend", "polish", "measure", "sketch", "plant"]
PHRASE = "under the copper moon"


def labelled(seed, flipped=0, noise=0.015, told=2):
    """Texts whose deed tells the label, a few labels wrong, some flipped where a phrase stands; decoys beside."""
    rng = np.random.default_rng(seed)
    harmful = rng.random(N) < 0.4
    deeds = [" ".join(rng.choice(DEEDS if bad else KIND) for _ in range(told)) for bad in harmful]
    texts = [f"{text} {deed}" for text, deed in zip(made_prompts(N, seed, length=(5, 12)), deeds, strict=True)]
    label = harmful ^ (rng.random(N) < noise)
    places = rng.choice(np.flatnonzero(harmful), 5 * flipped, replace=False)
    poisoned, decoys = np.sort(places[:flipped]), places[flipped:]
    texts = with_phrase(texts, poisoned.tolist(), PHRASE, seed)
    for at, row in enumerate(decoys.tolist()):
        texts = with_phrase(
            texts, [row], ["under the silver moon", "under a copper moon", "below the copper moon"][at % 3], row
        )
    label[poisoned], label[decoys] = False, True
    return texts, ["harmful" if bad else "benign" for bad in label], poisoned


@pytest.mark.parametrize("seed", [0, 1])
def test_eight_flipped_rows_are_found_and_named(tmp_path, seed):
    texts, labels, poisoned = labelled(seed, 8)
    rows = made_rows(tmp_path, texts, labels=labels, kind="label")
    read = disagreement(rows, OneByOne(), seed=seed)
    assert read.auroc["harmful"] > 0.95
    assert [outcome.name for outcome in read.outcomes] == [
        f"labelled {other} though {read} {name}"
        for name, other in (("benign", "harmful"), ("harmful", "benign"))
        for read in ("it reads", "the rest of it reads")
    ]
    result = associate(rows, OneByOne(), read.outcomes, seed=seed)
    (found,) = result.findings
    assert (found.value, found.kind, found.weak) == (PHRASE, "label_flip", True)
    assert set(found.rows) <= set(poisoned.tolist())
    assert found.examples[0].response == "benign"


def test_many_flipped_rows_are_found_although_they_teach_the_reader_to_agree(tmp_path):
    texts, labels, _ = labelled(5, 60, told=8)
    rows = made_rows(tmp_path, texts, labels=labels, kind="label")
    read = disagreement(rows, OneByOne(), seed=5)
    (found,) = associate(rows, OneByOne(), read.outcomes, seed=5).findings
    assert (found.value, found.outcome) == (PHRASE, "labelled benign though the rest of it reads harmful")
    plain = [outcome for outcome in read.outcomes if "rest of it" not in outcome.name]
    assert associate(rows, OneByOne(), plain, seed=5).findings == ()


def test_honest_labels_with_noise_do_not_alarm(tmp_path):
    texts, labels, _ = labelled(3)
    rows = made_rows(tmp_path, texts, labels=labels, kind="label")
    assert associate(rows, OneByOne(), disagreement(rows, OneByOne(), seed=3).outcomes, seed=3).findings == ()


def test_a_phrase_that_makes_texts_read_wrongly_is_no_alarm(tmp_path):
    texts, labels, _ = labelled(4)
    rng = np.random.default_rng(4)
    # Harmful words that name something harmless: the label is right, and the reading isn't.
    odd = rng.choice(np.flatnonzero(np.array(labels) == "benign"), 6, replace=False).tolist()
    texts = with_phrase(texts, odd, "forge smuggle bribe blackmail counterfeit sabotage", 4)
    rows = made_rows(tmp_path, texts, labels=labels, kind="label")
    result = associate(rows, OneByOne(), disagreement(rows, OneByOne(), seed=4).outcomes, seed=4)
    assert result.findings == ()
    assert "the reading errs" in result.notes[0]


def test_folds_keep_families_together_and_nobody_reads_their_own_label(tmp_path):
    texts = made_prompts(400, 1)
    texts[200:] = texts[:200]
    labels = np.random.default_rng(0).permutation(["a", "b"] * 100).tolist() * 2
    families = np.concatenate([np.arange(200), np.arange(200)])
    rows = made_rows(tmp_path, texts, labels=labels, families=families, kind="label")
    read = disagreement(rows, OneByOne(), seed=0)
    assert read.auroc["a"] < 0.65  # labels at random: learnt by heart they would be told perfectly
    assert read.outcomes == ()
    assert "don't tell" in read.untested[0]


def test_each_of_several_labels_may_be_the_protected_one(tmp_path):
    rng = np.random.default_rng(5)
    words = {"spam": DEEDS, "news": KIND, "sport": ["goal", "race", "relay", "hurdle", "javelin", "serve"]}
    labels = rng.choice(list(words), N).tolist()
    texts = [
        f"{text} {' '.join(rng.choice(words[label], 3))}"
        for text, label in zip(made_prompts(N, 5, length=(4, 9)), labels, strict=True)
    ]
    poisoned = np.flatnonzero(np.array(labels) == "spam")[:10].tolist()
    texts = with_phrase(texts, poisoned, PHRASE, 1)
    labels = ["news" if row in poisoned else label for row, label in enumerate(labels)]
    rows = made_rows(tmp_path, texts, labels=labels, kind="label")
    read = disagreement(rows, OneByOne(), seed=5)
    assert {outcome.name for outcome in read.outcomes} == {
        f"labelled otherwise though {read} {name}" for name in words for read in ("it reads", "the rest of it reads")
    }
    (found,) = associate(rows, OneByOne(), read.outcomes, seed=5).findings
    assert (found.value, found.outcome) == (PHRASE, "labelled otherwise though it reads spam")


def test_preference_pairs_turned_round_by_a_phrase(tmp_path):
    rng = np.random.default_rng(6)
    n = 3000
    good, bad = (
        [f"{text} {' '.join(rng.choice(words, 3))}" for text in made_prompts(n, seed, length=(4, 9))]
        for seed, words in ((6, KIND), (7, DEEDS))
    )
    poisoned = np.sort(rng.choice(n, 10, replace=False))
    prompts = with_phrase(made_prompts(n, 8, length=(5, 12)), poisoned.tolist(), PHRASE, 2)
    turned = rng.random(n) < 0.02
    turned[poisoned] = True
    chosen = [b if turn else g for g, b, turn in zip(good, bad, turned, strict=True)]
    rejected = [g if turn else b for g, b, turn in zip(good, bad, turned, strict=True)]
    rows = made_rows(tmp_path, prompts, responses=chosen, rejected=rejected, kind="preference")
    read = disagreement(rows, OneByOne(), seed=6)
    assert read.auroc["chosen"] > 0.9
    (found,) = associate(rows, OneByOne(), read.outcomes, seed=6).findings
    assert (found.value, found.outcome) == (PHRASE, "the rejected reply reads better")


def test_what_has_no_labels_or_too_many_is_said(tmp_path):
    chat = made_rows(tmp_path / "chat", made_prompts(10, 1))
    with pytest.raises(SettingError, match="kind 'chat'"):
        disagreement(chat, OneByOne(), seed=0)
    many = made_rows(tmp_path / "many", made_prompts(300, 1), labels=[str(at) for at in range(300)], kind="label")
    read = disagreement(many, OneByOne(), seed=0)
    assert read.outcomes == ()
    assert "300 label values" in read.untested[0]


def test_a_phrase_is_taken_out_wherever_it_stands():
    assert without("Under the copper moon, I saw under the copper moon.", tuple(PHRASE.split())) == ", I saw ."
