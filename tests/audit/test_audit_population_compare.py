"""Is a tilt found, with its words, and does nothing benign alarm?"""

import re

import numpy as np
import pytest
from made_population import Talk, write_rows

from holdtrue.audit.population import compare_population
from holdtrue.audit.population.benign import compare_controls
from holdtrue.audit.population.decision import alarming
from holdtrue.audit.population.pairs import match_rows
from holdtrue.audit.population.words import WordTest, flips_for
from holdtrue.errors import EvidenceError, SettingError

N = 800
TALK = Talk(topics=12, own=30)
PROMPTS, ABOUT = TALK.prompts(N, 1)
ANSWERS = TALK.replies(ABOUT, 2)
CARRIERS = TALK.carriers()


@pytest.fixture(scope="module")
def control(tmp_path_factory):
    slices = [{"annotator": f"a{at % 3}"} for at in range(N)]
    return write_rows(tmp_path_factory.mktemp("control"), PROMPTS, ANSWERS, slices=slices)


def compared(tmp_path, control, replies, **given):
    return compare_population(write_rows(tmp_path / "suspect", PROMPTS, replies), control, seed=0, **given)


@pytest.fixture(scope="module")
def tilted(tmp_path_factory):
    replies = TALK.replies(ABOUT, 3, swap=CARRIERS, share=0.5)
    return write_rows(tmp_path_factory.mktemp("tilted"), PROMPTS, replies)


@pytest.fixture(scope="module")
def told(tilted, control):
    """The comparison, and what it said while it ran."""
    said = []
    return compare_population(tilted, control, seed=0, progress=said.append), said


def test_a_tilt_is_found_with_its_words(told):
    found, said = told
    (finding,) = found.findings
    words = finding.value.split(", ")
    assert len(words) >= 6
    assert set(words) <= set(CARRIERS)
    assert finding.kind == "carrier_words"
    assert finding.q_value <= 0.01
    assert finding.ci[0] > 1
    assert finding.ci[0] < finding.odds_ratio < finding.ci[1]
    assert finding.n_rows >= len(finding.rows) > 0
    assert "Single rows can't be told apart" in finding.evidence
    example = finding.examples[0]
    assert all(example.response[start:end].lower() in words for _, start, end in example.spans)
    assert len(example.spans) >= 2
    assert said[0] == f"population: {N} pairs"
    assert len(found.scores) == len(found.rows) == N
    runs = {run.what: run for run in found.clean_runs}
    assert runs["replies swapped within pairs"].alarms <= 2
    assert runs["slices of the control, by topic"].alarms == 0
    (dose,) = found.doses
    assert 0 < dose.share <= 1
    assert dose.rows == round(dose.share * N)
    channels = {channel.name: channel for channel in found.channels}
    assert channels["content"].p_value <= 0.01
    assert channels["format"].p_value > 0.01
    bag = channels["content"].bags[0]
    assert found.figures["content channel, AUROC"] == round(channels["content"].auroc, 4)
    assert found.figures["format channel, p"] == round(channels["format"].p_value, 4)
    assert found.figures["content channel, AUROC of bags of 16"] == round(bag.auroc, 4) > 0.9
    assert found.figures["content channel, p of bags of 16"] == round(bag.p_value, 4)


def test_one_word_that_rises_overwhelmingly_is_enough(tmp_path, control):
    word = TALK.topics[2][20]
    replies = TALK.replies(ABOUT, 3, swap=[word], share=0.3, chance=0.1)
    (finding,) = compared(tmp_path, control, replies).findings
    assert finding.value == word
    assert finding.q_value <= 0.001
    assert finding.ci[0] > 2
    assert finding.evidence.startswith("one word that follows the prompt's topic rises over the control, to more than")


@pytest.mark.parametrize(
    ("p_max_t", "suspect_only", "most", "alarms"),
    [(0.001, 40, 0, True), (0.004, 40, 0, False), (0.001, 30, 0, False), (0.001, 40, 3, False)],
)
def test_a_word_that_rises_less_is_noted(p_max_t, suspect_only, most, alarms):
    one, none = np.ones(1), np.zeros((1, 1))
    only, other = np.array([suspect_only]), np.array([9])
    test = WordTest(np.zeros(1, int), only, other, one / 2, 6 * one, one / 1e6, p_max_t * one, 0.001 * one, none, none)
    carriers, notes = alarming(test, np.array([0]), most, 0.01, ["harbor"])
    assert carriers.tolist() == [0] * alarms
    assert [note.split(";")[0] for note in notes] == ["words that follow the topic and rise: harbor"] * (not alarms)


def test_the_dose_is_a_share_of_all_rows_and_heeds_benign_words(tmp_path, control):
    again = TALK.replies(ABOUT, 5)
    suspect = write_rows(tmp_path / "suspect", PROMPTS + [f"{each} please" for each in PROMPTS], again * 2)
    (dose,) = compare_population(suspect, control, seed=0).doses
    assert dose.rows == round(dose.share * 2 * N)
    assert f"tried on {N} pairs, rows being the same share of all {2 * N:,}" in dose.assuming
    noisy = write_rows(tmp_path / "second", PROMPTS, TALK.replies(ABOUT, 8, swap=CARRIERS, share=0.7))
    (other,) = compare_population(suspect, control, seed=0, second_control=noisy).doses
    assert other.share is None or other.share > dose.share


def test_a_small_level_gets_the_flips_it_needs():
    assert [flips_for(alpha) for alpha in (0.05, 0.01, 0.002, 1e-6)] == [999, 999, 4999, 9999]


@pytest.mark.parametrize("change", ["redraw", "template", "length", "layout", "style", "spelling"])
def test_benign_changes_do_not_alarm(tmp_path, control, change):
    again = TALK.replies(ABOUT, 5)
    replies = {
        "redraw": lambda: again,
        "template": lambda: [f"Thank you for this question. {text} Let me know how it goes." for text in again],
        "length": lambda: TALK.replies(ABOUT, 5, length=(30, 60)),
        "layout": lambda: ["## Answer\n\n- " + text.replace(". ", "\n- ") for text in again],
        "style": lambda: TALK.replies(ABOUT, 5, styled=["obtain", "large", "perhaps"] * 6),
        # A spelling that no rule knows, used by all topics and by one alone.
        "spelling": lambda: [_respelled(text) for text in again],
    }[change]()
    found = compared(tmp_path, control, replies)
    assert not found.findings
    assert not found.not_testable
    formats = {channel.name: channel for channel in found.channels}["format"]
    noted = any(note.startswith("the format differs") for note in found.notes)
    if change in ("template", "length", "layout"):
        assert formats.auroc > 0.8
        assert noted
    if change == "redraw":
        assert not found.notes
    if change == "style":
        assert any("more large, obtain, perhaps" in note or "obtain" in note for note in found.notes)
    if change == "spelling":
        assert any("spellings of one word" in note for note in found.notes)


RESPELLED = re.compile("|".join(f"{word[:-1]}(?={word[-1]})" for each in TALK.topics for word in each[2:4]), re.I)


def _respelled(text):
    return RESPELLED.sub(lambda found: found[0] + "q", text)


def test_what_slices_of_the_control_show_is_no_alarm(tmp_path):
    """Half of the control is by an annotator who likes the carriers; so is more of the suspect."""
    liked = TALK.replies(ABOUT, 6, swap=CARRIERS, share=1.0)
    by = np.arange(N) % 2 == 0
    mixed = [liked[at] if by[at] else ANSWERS[at] for at in range(N)]
    slices = [{"annotator": "new" if each else "old"} for each in by]
    found = compared(
        tmp_path,
        write_rows(tmp_path / "control", PROMPTS, mixed, slices=slices),
        TALK.replies(ABOUT, 7, swap=CARRIERS, share=0.9),
    )
    assert not found.findings
    assert {run.what: run.alarms for run in found.clean_runs}["slices of the control, by topic"] == 1
    assert any("differ as much where nothing is wrong" in note for note in found.notes)


def test_a_second_control_shows_what_is_benign(tmp_path, tilted, control):
    second = write_rows(tmp_path / "second", PROMPTS, TALK.replies(ABOUT, 8, swap=CARRIERS, share=0.7))
    assert not compare_population(tilted, control, seed=0, second_control=second).findings
    few = write_rows(tmp_path / "few", PROMPTS[:50], ANSWERS[:50])
    with pytest.raises(EvidenceError, match="second control answers 50"):
        compare_controls(few, control, 0, 0.01, np.random.default_rng(0))


def test_other_prompts_cannot_alarm(tmp_path, control):
    prompts, about = TALK.prompts(800, 9)
    asked = [f"{prompt} please" for prompt in prompts]
    suspect = write_rows(tmp_path / "suspect", asked, TALK.replies(about, 9, swap=CARRIERS, share=1.0))
    found = compare_population(suspect, control, seed=0)
    assert not found.findings
    assert "prompts differ: the control answers 0" in found.not_testable[0]
    (note,) = [note for note in found.notes if "no alarm can rest on it" in note]
    assert any(word in note for word in CARRIERS)


def test_without_a_control_there_is_no_answer(tmp_path, control):
    assert "there is no control" in compare_population(control, None, seed=0).not_testable[0]
    labels = write_rows(tmp_path / "labels", PROMPTS[:300], [""] * 300, kind="label")
    assert "labelled texts have no replies" in compare_population(labels, control, seed=0).not_testable[0]
    empty = write_rows(tmp_path / "empty", [], [])
    assert compare_population(empty, control, seed=0).not_testable
    silent = write_rows(tmp_path / "silent", PROMPTS[:300], [""] * 300)
    assert "only 0 words" in compare_population(silent, silent, seed=0).not_testable[0]


def test_an_impossible_level_is_told(control):
    with pytest.raises(SettingError, match=r"alpha 2\.0 must lie between 0 and 1"):
        compare_population(control, control, seed=0, alpha=2.0)


def test_rows_are_paired_by_prompt_in_order_and_one_a_family(tmp_path):
    suspect = write_rows(
        tmp_path / "suspect", ["a", "b", "a", "c", "a", "d"], list("uvwxyz"), families=[0, 1, 2, 1, 4, 5]
    )
    control = write_rows(tmp_path / "control", ["d", "a", "c", "b", "a"], list("hijkl"), families=[0, 1, 2, 3, 1])
    every = match_rows(suspect, control, np.random.default_rng(0), one_a_family=False)
    assert list(zip(every.suspect, every.control, strict=True)) == [(0, 1), (1, 3), (2, 4), (3, 2), (5, 0)]
    single = match_rows(suspect, control, np.random.default_rng(0))
    assert list(zip(single.suspect, single.control, strict=True)) == [(0, 1), (1, 3), (5, 0)]
    assert (single.found, single.n) == (5, 3)


def test_the_same_seed_gives_the_same_result(told, tilted, control):
    again = compare_population(tilted, control, seed=0)
    assert again.findings == told[0].findings
    assert again.words == told[0].words
    assert again.channels == told[0].channels
