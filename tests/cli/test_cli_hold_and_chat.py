"""`hold show`, `chat` over a pipe and the refusals of `serve`, on the real small model."""

import json

import pytest
from typer.testing import CliRunner

from holdtrue.axis import Axis, save_axis
from holdtrue.cli.main import app
from holdtrue.errors import StorageError, WrongModel
from holdtrue.hold import PRESETS, floor_table
from holdtrue.mapping import firing
from holdtrue.records import ContextSpec, HoldSpec
from holdtrue.serve.talk import Talk, run_talk
from holdtrue.watch import read_transcripts

runner = CliRunner()


@pytest.fixture(scope="module")
def artifact(held_axis, tmp_path_factory):
    folder = tmp_path_factory.mktemp("axis")
    save_axis(held_axis, folder)
    return folder


def invoke(*words, code=0):
    done = runner.invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done


def test_a_hold_is_shown_with_its_floors(artifact, held_axis):
    shown = json.loads(invoke("hold", "show", artifact, "firm", "--json", "--no-measure").stdout)
    assert {each["layer"]: each["tau"] for each in shown["floors"]} == pytest.approx(
        floor_table(PRESETS["firm"], held_axis)
    )
    assert shown["digest"] == PRESETS["firm"].digest
    assert shown["measured_fire"] is None
    assert "no floor" in invoke("hold", "show", artifact, "remind", "--no-measure").stdout


def test_a_firing_rate_is_measured_once_and_kept_beside_the_axis(artifact, smollm, held_axis, monkeypatch):
    monkeypatch.setattr(firing, "TALKS", 3)
    monkeypatch.setattr(firing, "ANSWER_TOKENS", 6)
    found = firing.firing_rate(smollm, held_axis, PRESETS["firm"], artifact)
    assert found.n_talks == 3
    assert 0 <= found.interval[0] <= found.rate <= found.interval[1] <= 1
    assert firing.known_firing_rate(artifact, held_axis, PRESETS["firm"]) == found
    assert firing.known_firing_rate(artifact, held_axis, PRESETS["gentle"]) is None
    assert firing.firing_rates(artifact, held_axis) == {"firm": found.rate}
    shown = json.loads(invoke("hold", "show", artifact, "firm", "--json").stdout)
    assert shown["measured_fire"] == found.rate
    assert "same requests as calibration" in shown["measured_on"]
    printed = invoke("hold", "show", artifact, "firm").stdout
    assert "same requests as calibration" in " ".join(printed.split())
    assert max(map(len, printed.splitlines())) <= 100


def refuse(*_args):
    pytest.fail("nothing is measured that can't be kept or doesn't fit")


def test_a_figure_that_can_not_be_kept_is_not_measured(smollm, held_axis, tmp_path, monkeypatch):
    monkeypatch.setattr(firing, "_talked", refuse)
    folder = tmp_path / "file"
    folder.touch()
    with pytest.raises(StorageError, match="file"):
        firing.firing_rate(smollm, held_axis, PRESETS["firm"], folder)


def test_another_chat_template_is_refused_before_measuring(smollm, held_axis, monkeypatch):
    monkeypatch.setattr(firing, "_talked", refuse)
    card = held_axis.card.model_copy(update={"template_digest": "0" * 64})
    with pytest.raises(WrongModel, match="another template"):
        firing.firing_rate(smollm, Axis(held_axis.vectors, None, None, card), PRESETS["firm"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("hold", "show", "AXIS", "gentel"), "did you mean 'gentle'"),
        (("hold", "show", "AXIS", "none.json"), "none.json"),
        (("serve", "--axis", "AXIS"), "--upstream URL"),
        (("serve", "smollm2-135m", "--axis", "AXIS", "--host", "0.0.0.0"), "keys"),
        (("serve", "smollm2-135m", "--axis", "nowhere"), "nowhere"),
        (("serve", "smollm2-135m", "--axis", "AXIS", "--hold", "hard"), "no hold 'hard'"),
        (("serve", "--upstream", "ftp://x", "--axis", "AXIS"), "ftp"),
        (("chat", "smollm2-135m", "--axis", "AXIS", "--hold", "hard"), "no hold 'hard'"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(artifact, words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = invoke(*[str(artifact) if word == "AXIS" else word for word in words], code=2)
    assert said in done.output
    assert len(done.output.strip().splitlines()) == 1


def run(tmp_path, held, lines):
    """What a talk gives as answers and as notes when these lines are piped in."""
    paths = [tmp_path / name for name in ("said", "answers", "notes")]
    paths[0].write_text("\n".join(lines))
    with paths[0].open() as said, paths[1].open("w") as answers, paths[2].open("w") as notes:
        run_talk(held, said, answers, notes)
    return paths[1].read_text(), paths[2].read_text()


def talk(smollm, held_axis, spec, **more):
    return Talk(smollm, held_axis, spec, max_tokens=6, temperature=0.0, **more)


def test_chat_over_a_pipe_gives_the_answers_alone(smollm, held_axis, tmp_path):
    saved = tmp_path / "talk.json"
    lines = ["Name three colours.", "/hold firm", "And three more.", "/drift", f"/save {saved}", "/what"]
    answers, notes = run(tmp_path, talk(smollm, held_axis, PRESETS["free"]), [*lines, "/new", "/drift"])
    assert len(answers.splitlines()) >= 2
    assert "z " in notes
    assert "firm: floor" in notes
    assert "no command '/what'" in notes
    assert "no answer yet" in notes.splitlines()[-1]
    (transcript,) = read_transcripts(saved)
    assert [turn.role for turn in transcript.turns] == ["user", "assistant"] * 2
    assert transcript.model == smollm.name
    assert not any(layer._forward_hooks for layer in smollm.layers)


def test_chat_hands_over_once_the_alarm_has_stood(smollm, held_axis, tmp_path):
    held = talk(smollm, held_axis, HoldSpec(name="over", context=ContextSpec(hand_over_after=1)))
    held.drift.alarmed_turns = 1
    answers, notes = run(tmp_path, held, ["Hello?"])
    assert "stopping here" in answers
    assert "handed over" in notes
