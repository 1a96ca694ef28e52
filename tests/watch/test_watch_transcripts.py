import json

import pytest

from holdtrue.errors import TranscriptError
from holdtrue.watch import read_transcripts

TALK = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]


def write(tmp_path, value, name="talk.json"):
    path = tmp_path / name
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


@pytest.mark.parametrize(
    "value",
    [
        TALK,
        {"messages": TALK},
        {"conversation": TALK, "projections": [0.1], "steering_coefficient": 0.0},
        {"messages": [TALK[0], {"role": "assistant", "content": [{"type": "text", "text": "Hello."}]}]},
    ],
)
def test_every_shape_reads_alike(tmp_path, value):
    (found,) = read_transcripts(write(tmp_path, value))
    assert [(turn.role, turn.content) for turn in found.turns] == [("user", "Hi"), ("assistant", "Hello.")]
    assert found.title == "talk"


def test_the_reference_layout_keeps_model_and_system_prompt(tmp_path):
    value = {"model": "org/big", "system_prompt": "You are a pirate.", "conversation": TALK}
    (found,) = read_transcripts(write(tmp_path, value))
    assert found.model == "org/big"
    assert found.turns[0].role == "system"


def test_jsonl_holds_one_conversation_a_line(tmp_path):
    path = write(tmp_path, "\n".join([json.dumps(TALK), "", json.dumps({"messages": TALK, "title": "two"})]), "a.jsonl")
    found = read_transcripts(path)
    assert [t.title for t in found] == ["a", "two"]
    assert found[1].source.endswith(":3")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "empty"),
        ("{not json", "not JSON"),
        ("3", "int is not a conversation"),
        ({"turns": []}, r"no messages in it \(keys: turns\)"),
        ([], "no messages"),
        ([{"role": "user", "content": "Hi"}], "no assistant message"),
        ([{"role": "tool", "content": "x"}], "role 'tool' is not system, user or assistant"),
        ([{"role": "assistant", "content": 4}], "content is int"),
        (["hello"], "is not a message"),
    ],
)
def test_malformed_files_are_refused_in_one_line(tmp_path, value, said):
    with pytest.raises(TranscriptError, match=said) as caught:
        read_transcripts(write(tmp_path, value))
    assert "\n" not in str(caught.value)
    assert "talk.json" in str(caught.value)


def test_a_missing_or_binary_file_is_refused(tmp_path):
    with pytest.raises(TranscriptError, match="No such file"):
        read_transcripts(tmp_path / "none.json")
    binary = tmp_path / "b.json"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TranscriptError, match="not UTF-8"):
        read_transcripts(binary)
