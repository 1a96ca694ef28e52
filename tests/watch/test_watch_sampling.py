"""Audit draws: of the rate promised, blind to the session, bound by a commitment, silent about key and rate."""

import pickle
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, chi2_contingency

from holdtrue.errors import ArtifactError, SettingError, StorageError
from holdtrue.watch import AuditSampler, audit_key, verify_commitment

KEY = bytes(range(32))
SALT = b"s" * 16
keys = st.binary(min_size=32, max_size=64)


@pytest.mark.parametrize("rate", [0.003, 0.05, 0.5, 0.97])
def test_the_share_drawn_is_the_rate(rate):
    sampler, n = AuditSampler(KEY, rate), 20_000
    drawn = sum(sampler.chosen(f"session-{i // 20}", i % 20 + 1) for i in range(n))
    low, high = binom.interval(0.9999, n, rate)
    assert low <= drawn <= high


def test_every_turn_or_none():
    assert all(AuditSampler(KEY, 1.0).chosen("s", turn) for turn in range(500))
    assert not any(AuditSampler(KEY, 0.0).chosen("s", turn) for turn in range(500))


def test_sessions_and_turns_are_drawn_alike_and_apart():
    sampler = AuditSampler(KEY, 0.3)
    table = [[sampler.chosen(f"s{session}", turn) for turn in range(1, 401)] for session in range(40)]
    by_session = [[sum(row), len(row) - sum(row)] for row in table]
    by_turn = [[sum(column), len(column) - sum(column)] for column in zip(*table, strict=True)]
    assert chi2_contingency(by_session).pvalue > 1e-4
    assert chi2_contingency(by_turn).pvalue > 1e-4
    following = [[0, 0], [0, 0]]
    for row in table:
        for now, then in pairwise(row):
            following[now][then] += 1
    assert chi2_contingency(following).pvalue > 1e-4, "a drawn turn must not foretell the next"


def test_another_key_draws_another_sample():
    one, other = AuditSampler(KEY, 0.5), AuditSampler(KEY[::-1], 0.5)
    same = sum(one.chosen("s", turn) == other.chosen("s", turn) for turn in range(4000))
    assert binom.interval(0.9999, 4000, 0.5)[0] <= same <= binom.interval(0.9999, 4000, 0.5)[1]


@given(keys, st.text(max_size=20), st.integers(0, 2**40), st.floats(0, 1), st.floats(0, 1))
def test_a_draw_repeats_and_a_larger_rate_only_adds(key, session, turn, one, other):
    low, high = sorted((one, other))
    drawn = AuditSampler(key, low).chosen(session, turn)
    assert drawn == AuditSampler(key, low).chosen(session, turn)
    assert not drawn or AuditSampler(key, high).chosen(session, turn)


@given(keys, keys, st.floats(0, 1), st.floats(0, 1), st.binary(min_size=16, max_size=40))
def test_a_commitment_opens_to_what_was_committed_alone(key, other, rate, other_rate, salt):
    made = AuditSampler(key, rate).commitment(salt)
    assert verify_commitment(made, key, rate, salt)
    assert verify_commitment(made, other, rate, salt) == (other == key)
    assert not verify_commitment(made, key, rate, salt + b"x")
    if other_rate != rate:
        assert not verify_commitment(made, key, other_rate, salt)
    assert not verify_commitment("no digest ü", key, rate, salt)


def test_moving_bytes_between_salt_and_key_opens_nothing():
    made = AuditSampler(KEY, 0.1).commitment(SALT)
    assert not verify_commitment(made, KEY[1:] + b"x", 0.1, SALT + KEY[:1])
    assert not verify_commitment(made, SALT[-1:] + KEY, 0.1, b"r" + SALT[:-1])


def test_nothing_shows_key_or_rate(tmp_path):
    sampler = AuditSampler(KEY, 0.0625)
    for shown in (repr(sampler), str(sampler), f"{sampler}"):
        assert shown == "AuditSampler(withheld)"
    assert not hasattr(sampler, "__dict__")
    with pytest.raises(SettingError, match="isn't pickled"):
        pickle.dumps(sampler)
    for wrong in (-0.0625, 62.5, float("nan")):
        with pytest.raises(SettingError) as caught:
            AuditSampler(KEY, wrong)
        assert str(wrong) not in str(caught.value)
    with pytest.raises(SettingError) as caught:
        AuditSampler(b"short secret", 0.5)
    assert "short secret" not in str(caught.value)
    (tmp_path / "key").write_text("hunter2")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(ArtifactError) as caught:
        audit_key(tmp_path / "key")
    assert "hunter2" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_salt_that_could_be_guessed_is_refused():
    with pytest.raises(SettingError, match="16 bytes"):
        AuditSampler(KEY, 0.5).commitment(b"1")


def test_a_key_is_made_once_for_its_owner_alone(tmp_path):
    path = tmp_path / "new" / "audit.key"
    key = audit_key(path)
    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert audit_key(path) == key != audit_key(tmp_path / "other.key")
    assert [file.name for file in path.parent.iterdir()] == ["audit.key"]


def test_a_key_that_others_may_read_or_that_is_none_is_refused(tmp_path):
    path = tmp_path / "audit.key"
    audit_key(path)
    path.chmod(0o640)
    with pytest.raises(ArtifactError, match="others may read"):
        audit_key(path)
    with pytest.raises(ArtifactError, match="not an ordinary file"):
        audit_key(tmp_path)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(ArtifactError, match="can't read an audit key"):
        audit_key(tmp_path / "link")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        audit_key(tmp_path / "file" / "audit.key")
