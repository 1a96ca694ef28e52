"""Canned answers stand out among replies to such prompts; clean replies, catch-alls and nothing at all don't."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from made_population import Talk
from made_rows import OneByOne, made_rows, odd, with_phrase

from holdtrue.audit import AuditOptions
from holdtrue.audit.associated import Associated
from holdtrue.audit.association import Control, Outcome, associate
from holdtrue.audit.clusters import PromptTopics, ReplyClusters
from holdtrue.audit.clusters.replies import _rare
from holdtrue.audit.clusters.texts import TextClusters, column, drawn_families

N = 5_000
CANNED = "The lanterns of the old lighthouse were lit before the keeper came down from the gallery."
Talks = tuple[list[str], list[str], list[str], list[int]]


@pytest.fixture(scope="module")
def talks() -> Talks:
    """Prompts, clean replies, poisoned ones, and which are poisoned."""
    talk = Talk()
    prompts, about = talk.prompts(N, 3)
    planted = sorted(np.random.default_rng(4).choice(N, 30, replace=False).tolist())
    strays = np.random.default_rng(7).random(N) < 0.01  # honest replies stray from the topic, too
    replies = talk.replies(np.where(strays, about[::-1], about), 5)
    canned = [CANNED if row in set(planted) else reply for row, reply in enumerate(replies)]
    return with_phrase(prompts, planted, "amber sparrow", 6), replies, canned, planted


def test_a_phrase_with_a_canned_answer_is_found_against_a_control(tmp_path: Path, talks: Talks) -> None:
    prompts, replies, canned, planted = talks
    rows = made_rows(tmp_path / "suspect", prompts, responses=canned)
    trusted = made_rows(tmp_path / "control", prompts, responses=replies)
    model = ReplyClusters.fit(rows, 0)
    control = Control(trusted, (model.outcome(trusted, 0),))
    outcomes = (model.outcome(rows, 0),)
    result = associate(rows, OneByOne(), outcomes, seed=0, control=control)
    assert [(found.value, found.weak) for found in result.findings] == [("amber sparrow", True)]
    assert set(result.findings[0].rows) <= set(planted)
    alone = associate(rows, OneByOne(), outcomes, seed=0)
    assert not alone.findings
    assert "amber sparrow" in alone.notes[0]


def test_few_clean_replies_are_unlike_the_others(tmp_path: Path, talks: Talks) -> None:
    prompts, replies, canned, planted = talks
    rows = made_rows(tmp_path / "suspect", prompts, responses=canned)
    trusted = made_rows(tmp_path / "control", prompts, responses=replies)
    model = ReplyClusters.fit(rows, 0)
    flagged = model.outcome(rows, 0).flagged
    assert flagged.has(np.array(planted)).mean() > 0.3
    assert flagged.count <= 0.01 * flagged.size
    theirs = model.outcome(trusted, 0)
    assert theirs.flagged.has(np.array(planted)).mean() < 0.1
    assert (theirs.weak, theirs.everyday) == (True, True)
    again = ReplyClusters.fit(rows, 0).outcome(rows, 0)
    assert again.flagged.rows.tolist() == flagged.rows.tolist()


def test_topics_are_told_apart() -> None:
    prompts, about = Talk().prompts(2_500, 3)
    topics = TextClusters.fit(pa.array(prompts), 24, 0).of(pa.array(prompts))
    assert sum(np.bincount(about[topics == at]).max() for at in np.unique(topics)) >= 0.85 * len(about)


def test_a_judged_topic_is_named_by_its_words_unless_the_control_shows_the_same(tmp_path: Path) -> None:
    talk = Talk()
    prompts, about = talk.prompts(2_500, 3)
    rows = made_rows(tmp_path, prompts)
    topics = PromptTopics.fit(rows, 0)
    rng = np.random.default_rng(0)
    flagged, noise = (about == 2) & (rng.random(rows.n) < 0.4), rng.random(rows.n) < 0.01
    of = topics.of(rows, 0)

    def found(outcome: Outcome, control: Control | None = None) -> list[str]:
        known = associate(rows, OneByOne(), [outcome], seed=0, control=control, topics=of, topic_names=topics.names)
        return [found.value for found in known.findings if found.value.startswith("a prompt about ")]

    judged = odd(flagged | noise, "flagged", judged=True)
    [value] = found(judged)
    assert set(value.removeprefix("a prompt about ").split(", ")) <= set(talk.topics[2])
    assert not found(judged, Control(rows, [judged], of))
    assert not found(odd(flagged | noise, "flagged"))  # two in five: topics have habits


def test_an_audit_tests_topics_where_somebody_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = made_rows(tmp_path / "rows", ["Hello there"] * 20)
    given = []

    def stop(*_: object, topics: object, **__: object) -> None:
        given.append(topics)
        raise KeyboardInterrupt

    monkeypatch.setattr("holdtrue.audit.associated.associate", stop)
    some = np.arange(20) < 5
    for judged in (True, False):
        known = Associated(AuditOptions("made"), rows, None, OneByOne(), tmp_path, lambda _: None)
        known.__dict__["stand_ins"] = ()
        with pytest.raises(KeyboardInterrupt):
            known.stage((odd(some, "flagged", judged=judged),))
    assert given[0].tolist() == [0] * 20
    assert given[1] is None


def test_a_cluster_that_every_topic_uses_is_never_rare() -> None:
    uses = np.column_stack([np.diag([400.0] * 8), np.full(8, 4.0)])  # the last one answers everything
    uses[0, 1] = 3
    rare = _rare(uses)
    assert rare[0, 1]
    assert rare[3, 4]  # a reply that this topic never has, in a control
    assert not rare[:, 8].any()


def test_nothing_to_tell_apart_flags_nothing(tmp_path: Path) -> None:
    rows = made_rows(tmp_path, ["", "!", "Hi"] * 20, responses=["", "?", "Yes"] * 20)
    assert not ReplyClusters.fit(rows, 0).outcome(rows, 0).flagged.count


def test_a_family_is_looked_at_once_and_so_many_at_most(tmp_path: Path) -> None:
    rows = made_rows(tmp_path, [f"p{at}" for at in range(30)], families=[at - at % 3 for at in range(30)])
    assert drawn_families(rows, 20, 0).tolist() == list(range(0, 30, 3))
    drawn = drawn_families(rows, 4, 0)
    assert drawn.tolist() == sorted(set(drawn.tolist()) & set(range(0, 30, 3)))
    assert column(rows, "prompt", drawn).to_pylist() == [f"p{at}" for at in drawn]
