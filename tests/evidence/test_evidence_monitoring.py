from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdtrue.errors import ArtifactError, SettingError
from holdtrue.evidence import (
    MonitoringCommitment,
    MonitoringReveal,
    check_monitoring,
    missed_turns,
    reveal_monitoring,
)
from holdtrue.watch import AuditSampler, audit_key


def commitment(published: str) -> MonitoringCommitment:
    return MonitoringCommitment(published=published, server="chat, on the ground floor", since="2026-11-21T00:00:00Z")


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.floats(0, 1))
def test_the_digest_is_the_samplers_own(key: bytes, salt: bytes, rate: float) -> None:
    """The server makes the commitment with the sampler, a sceptic without torch checks it here."""
    said = commitment(AuditSampler(key, rate).commitment(salt))
    opened = MonitoringReveal(commitment=said, key=key.hex(), salt=salt.hex(), rate=rate)
    assert check_monitoring(said, opened)
    assert not check_monitoring(said, opened.model_copy(update={"rate": rate / 2 + 0.3}))
    assert not check_monitoring(commitment("0" * 64), opened)


def test_what_was_drawn_can_be_told_after_the_reveal(tmp_path: Path) -> None:
    key, salt = audit_key(tmp_path / "k"), audit_key(tmp_path / "k.salt")
    sampler = AuditSampler(key, 0.25)
    opened = reveal_monitoring(commitment(sampler.commitment(salt)), tmp_path / "k", 0.25)
    turns = [(f"s{session}", turn) for session in range(40) for turn in range(5)]
    drawn = [each for each in turns if sampler.chosen(*each)]
    assert 20 < len(drawn) < 80
    assert missed_turns(opened, turns, drawn) == ([], [])
    undrawn = next(each for each in turns if each not in drawn)
    assert missed_turns(opened, turns, [*drawn[1:], undrawn]) == ([drawn[0]], [undrawn])


def test_files_that_do_not_open_it_reveal_nothing(tmp_path: Path) -> None:
    key, salt = audit_key(tmp_path / "k"), audit_key(tmp_path / "k.salt")
    said = commitment(AuditSampler(key, 0.25).commitment(salt))
    with pytest.raises(SettingError, match="don't open the commitment") as caught:
        reveal_monitoring(said, tmp_path / "k", 0.5)
    assert key.hex() not in str(caught.value)
    (tmp_path / "k.salt").write_text("short")
    with pytest.raises(ArtifactError, match="64 hex digits"):
        reveal_monitoring(said, tmp_path / "k", 0.25)
