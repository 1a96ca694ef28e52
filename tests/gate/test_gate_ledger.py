"""The ledger counts every try, once, and notices whatever is done to it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_gate import NAME, prereg, promised

from holdtrue.errors import RunError
from holdtrue.gate import AttemptLedger, line_digest, read_ledger
from holdtrue.records import Prereg


def attempt(number: int, **changes) -> Prereg:
    return prereg(promised(attempt=number, alpha=0.05 * 2.0**-number), seed=number, **changes)


@pytest.fixture
def ledger(tmp_path) -> AttemptLedger:
    """Three attempts, the second of which was aborted."""
    made = AttemptLedger(tmp_path / "attempts.jsonl")
    for number in (1, 2, 3):
        made.seal(attempt(number))
        if number != 2:
            made.append("eligible", attempt(number), {NAME: number}, "e" * 64)
            made.append("decided", attempt(number), {NAME: number}, "d" * 64, {NAME: "PASS"})
    return made


def test_aborted_attempts_count(ledger):
    again = AttemptLedger(ledger.path)
    assert again.next_attempts("made", [NAME, "persona"]) == {NAME: 4, "persona": 1}
    assert again.next_attempts("another", [NAME]) == {NAME: 1}
    assert [entry.event for entry in again.entries].count("sealed") == 3


def test_each_line_names_the_one_before(ledger):
    lines = ledger.path.read_bytes().splitlines()
    assert [entry.previous for entry in ledger.entries] == ["0" * 64, *map(line_digest, lines[:-1])]


def test_a_resumed_run_doesnt_count_anew(ledger):
    before = ledger.path.read_bytes()
    resumed = AttemptLedger(ledger.path)
    assert resumed.seal(attempt(2)).attempts == {NAME: 2}
    resumed.append("decided", attempt(3), {NAME: 3}, "d" * 64, {NAME: "PASS"})
    assert ledger.path.read_bytes() == before


def test_what_was_decided_stays(ledger):
    with pytest.raises(RunError, match="has its 'decided' already"):
        ledger.append("decided", attempt(3), {NAME: 3}, "f" * 64, {NAME: "FAIL"})


def test_two_runs_cant_be_the_same_attempt(ledger):
    with pytest.raises(RunError, match="should_refuse is attempt 4 of 'made', not 3"):
        ledger.seal(attempt(3, target="another model"))
    with pytest.raises(RunError, match="wasn't sealed"):
        ledger.append("eligible", attempt(4), {NAME: 4}, "e" * 64)


def test_classes_that_arent_tried_dont_count(tmp_path):
    made = AttemptLedger(tmp_path / "attempts.jsonl")
    made.seal(prereg(promised(), promised(failure_class="persona", not_applicable="no items")))
    assert made.next_attempts("made", [NAME, "persona"]) == {NAME: 2, "persona": 1}


def test_a_torn_line_is_cut_off(ledger):
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole + b'{"schema": "holdtrue.att')
    assert len(AttemptLedger(ledger.path).entries) == 7
    assert ledger.path.read_bytes() == whole


def test_a_line_written_before_the_kill_and_its_head_not(ledger):
    lines = ledger.path.read_bytes().splitlines()
    ledger.head_path.write_text(f"6 {line_digest(lines[5])}\n")
    assert len(AttemptLedger(ledger.path).entries) == 7
    assert ledger.head_path.read_text() == f"7 {line_digest(lines[6])}\n"


@pytest.mark.parametrize("line", range(7))
@pytest.mark.parametrize("how", ["delete", "edit", "swap", "double"])
def test_every_line_that_is_tampered_with_is_named(ledger, line, how):
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    if how == "delete":
        del lines[line]
    elif how == "edit":
        lines[line] = lines[line].replace(b'"name": "made"', b'"name": "fake"')
    elif how == "swap":
        other = (line + 1) % 7
        lines[line], lines[other] = lines[other], lines[line]
    else:
        lines.insert(line, lines[line])
    ledger.path.write_bytes(b"".join(lines))
    with pytest.raises(RunError, match=r"attempts\.jsonl line \d") as caught:
        AttemptLedger(ledger.path)
    named = int(str(caught.value).split(" line ")[1].split(":")[0])
    assert named in ({1, 7} if how == "swap" and line == 6 else {line + 1, line + 2})


def test_a_ledger_that_is_gone_is_missed(ledger):
    ledger.path.unlink()
    with pytest.raises(RunError, match="there were 7 lines"):
        AttemptLedger(ledger.path)


@settings(max_examples=60)
@given(data=st.data())
def test_any_changed_byte_of_a_whole_line_is_found(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ledger")
    made = AttemptLedger(folder / "attempts.jsonl")
    for number in (1, 2):
        made.seal(attempt(number))
    raw = bytearray(made.path.read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != raw[at]))
    raw[at] = byte
    made.path.write_bytes(bytes(raw))
    with pytest.raises(RunError):
        AttemptLedger(made.path)


def test_a_copy_without_its_head_is_read_by_its_chain(ledger, tmp_path):
    assert read_ledger(ledger.path.read_bytes(), "copy") == ledger.entries
    with pytest.raises(RunError, match="copy line 2"):
        read_ledger(b"".join(ledger.path.read_bytes().splitlines(keepends=True)[::2]), "copy")
