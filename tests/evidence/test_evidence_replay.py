from pathlib import Path

import pytest
from made_run import CLASS, Sealed, edit_line

from holdtrue.errors import EvidenceError, SettingError
from holdtrue.evidence import compare_replay, draw_replay, redact, replay_summary
from holdtrue.records import GateSample, SampleCall, SampleMessage


def test_the_draw_follows_from_the_nonce_alone(sealed: Sealed) -> None:
    drawn = draw_replay(sealed.bundle, 4, b"n" * 16)
    assert drawn == draw_replay(sealed.bundle, 4, b"n" * 16)
    assert {each.sample.phase for each in drawn} == {"release"}
    assert all(each.item.digest == each.sample.item for each in drawn)
    assert len({each.line for each in drawn}) == 4
    assert len(draw_replay(sealed.bundle, 99, b"n" * 16)) == 6
    assert draw_replay(sealed.bundle, 2, b"n" * 16) == drawn[:2]
    firsts = {draw_replay(sealed.bundle, 1, bytes([at]) * 16)[0].line for at in range(40)}
    assert len(firsts) == 6  # each of them can come first


def test_what_cannot_be_drawn(sealed: Sealed, tmp_path: Path) -> None:
    redact(sealed.bundle, [f"{CLASS}/family_1"], tmp_path / "r")
    drawn = draw_replay(tmp_path / "r", 99, b"n" * 16)
    assert "family_1" not in {each.sample.family for each in drawn}
    assert len(drawn) == 5
    for k, nonce in ((0, b"n" * 16), (1, b"short")):
        with pytest.raises(SettingError, match="at least 1 sample, with 16 bytes"):
            draw_replay(sealed.bundle, k, nonce)
    edit_line(tmp_path / "r" / "samples.jsonl", 0, seed=1)
    with pytest.raises(EvidenceError, match="nothing drawn"):
        draw_replay(tmp_path / "r", 1, b"n" * 16)


def replayed(sample: GateSample, said: str, outcome: str = "pass") -> GateSample:
    messages = (*sample.messages[:-1], SampleMessage(role="assistant", content=said, stop="stop"))
    return sample.model_copy(update={"messages": messages, "outcome": outcome, "seconds": 9.0})


def test_divergence_is_measured_from_where_it_begins(sealed: Sealed) -> None:
    sample = draw_replay(sealed.bundle, 1, b"n" * 16)[0].sample
    said = sample.messages[-1].content
    same = compare_replay(sample, replayed(sample, said))
    assert (same.exact, same.first_message, same.shared, same.same_outcome) == (True, None, 1.0, True)
    half = compare_replay(sample, replayed(sample, said[: len(said) // 2] + "…", "fail"))
    assert (half.exact, half.first_message, half.first_char) == (False, 1, len(said) // 2)
    assert half.shared == pytest.approx(0.5, abs=0.05)
    assert not half.same_outcome
    longer = compare_replay(sample, replayed(sample, said + "!"))
    assert (longer.exact, longer.shared) == (False, 1.0)
    cut = compare_replay(sample, sample.model_copy(update={"messages": sample.messages[:1]}))
    assert (cut.exact, cut.first_message, cut.shared) == (False, 1, 0.0)
    call = sample.messages[-1].model_copy(update={"calls": (SampleCall(name="run", arguments={"command": "ls"}),)})
    called = compare_replay(sample, sample.model_copy(update={"messages": (*sample.messages[:-1], call)}))
    assert not called.exact
    other = sample.model_copy(update={"item": "0" * 64})
    with pytest.raises(SettingError, match="pair them by item"):
        compare_replay(sample, other)


def test_the_summary_bounds_what_could_be_invented(sealed: Sealed) -> None:
    drawn = draw_replay(sealed.bundle, 6, b"n" * 16)
    compared = [compare_replay(each.sample, each.sample) for each in drawn]
    told = replay_summary(compared)
    assert "6 of 6 replays are the same to the letter" in told
    assert "At most 39.3 %" in told  # 1 - 0.05^(1/6)
    with pytest.raises(EvidenceError, match="shows nothing"):
        replay_summary([])
