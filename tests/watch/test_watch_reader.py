"""Reading real text with the real model and an axis made for the purpose."""

import pytest

from holdtrue.axis import Axis
from holdtrue.errors import ArtifactError, TranscriptError, WrongModel
from holdtrue.models import ChatModel
from holdtrue.records import SelfTest, Transcript, Turn
from holdtrue.watch import Reader, read
from made_axis import made_axis


@pytest.fixture(scope="module")
def axis(smollm: ChatModel) -> Axis:
    return made_axis(smollm, 20, (10, 26))


def talk(*contents: str, model: str | None = None, system: str | None = None) -> Transcript:
    turns = [Turn(role="system", content=system)] if system else []
    for content in contents:
        turns += [Turn(role="user", content="Go on."), Turn(role="assistant", content=content)]
    return Transcript(title="t", source="t.json", model=model, turns=tuple(turns))


def test_each_turn_is_the_mean_of_its_own_tokens(smollm, engine, axis):
    (reading,) = read(smollm, axis, talk("The tide is in.", "The tide is out, and so am I."), engine=engine)
    assert [turn.turn for turn in reading.turns] == [1, 2]
    for turn in reading.turns:
        assert turn.n_tokens == len(turn.tokens) > 0
        assert turn.projection == pytest.approx(sum(t.value for t in turn.tokens) / turn.n_tokens, abs=1e-4)
        assert turn.by_layer[axis.layer] == pytest.approx(turn.projection)
        assert turn.z == pytest.approx(axis.z(turn.projection))
    assert "".join(token.text for token in reading.turns[0].tokens) == "The tide is in."


def test_an_earlier_turn_reads_the_same_whatever_follows(smollm, engine, axis):
    (short,) = read(smollm, axis, talk("One."), engine=engine)
    (long,) = read(smollm, axis, talk("One.", "Two.", "Three."), engine=engine)
    assert long.turns[0].projection == pytest.approx(short.turns[0].projection, abs=1e-3)


def test_an_empty_turn_has_no_reading_rather_than_zero(smollm, engine, axis):
    (reading,) = read(smollm, axis, talk("Yes.", "", "No."), engine=engine)
    assert reading.turns[1].projection is None
    assert reading.turns[1].z is None
    assert reading.turns[2].projection is not None


def test_the_reading_says_whose_words_they_were(smollm, engine, axis):
    (own,) = read(smollm, axis, talk("Yes.", model=smollm.name), engine=engine)
    (other,) = read(smollm, axis, talk("Yes.", model="org/large"), engine=engine)
    assert own.reader_is_speaker
    assert not other.reader_is_speaker
    assert "org/large" in other.caveat
    assert "not the speaker's own activations" in other.caveat


def test_a_conversation_beyond_the_context_is_refused(smollm, engine, axis):
    with pytest.raises(TranscriptError, match="reads at most 8192"):
        read(smollm, axis, talk("word " * 9000), engine=engine)


def test_another_models_axis_is_refused(smollm, engine, axis):
    other = axis.card.model_copy(update={"weights_digest": "0" * 64})
    with pytest.raises(WrongModel, match="fit again"):
        Reader(smollm, engine, Axis(axis.vectors, None, None, other))
    narrow = Axis(axis.vectors[:, :8], None, None, axis.card)
    with pytest.raises(WrongModel, match="width 576"):
        Reader(smollm, engine, narrow)


def test_an_axis_that_failed_its_self_test_is_refused(smollm, engine, axis):
    test = SelfTest(layer=20, default_mean=0.0, role_mean=1.0, passed=False)
    wrong = Axis(axis.vectors, None, None, axis.card.model_copy(update={"self_test": test}))
    assert not wrong.found
    with pytest.raises(ArtifactError, match="failed its sign self-test"):
        Reader(smollm, engine, wrong)
    with pytest.raises(ArtifactError, match="failed its sign self-test"):
        wrong.tau_for(0.05)
