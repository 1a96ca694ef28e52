import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdtrue.errors import EvidenceError
from holdtrue.evidence.canonical import canonical, is_canonical, parse

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def test_the_example_of_rfc_8785() -> None:
    """Section 3.2.2 and 3.2.4."""
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '\u20ac$\u000f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical(value) == expected.encode()


def test_keys_are_sorted_by_utf_16() -> None:
    """Section 3.2.3: code points beyond the first plane come before U+FB33."""
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    order = list(json.loads(canonical(dict.fromkeys(keys))))
    assert order == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@given(JSON)
def test_canonical_json_is_read_back_and_known_as_such(value: object) -> None:
    line = canonical(value)
    read, in_form = parse(line, "x")
    assert in_form
    assert canonical(read) == line
    assert not is_canonical(line + b" ")


@pytest.mark.parametrize(
    "line",
    [
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1.0}',
        b'{"a":1e2}',
        b'{"a":0.00001}x',
        b'{"a":1,"a":1}',
        b'{"a":"\\u0041"}',
        b'{"a":-0}',
        b'{"a":1e-05}',
        '{"\ufb33":1,"\U0001f600":2}'.encode(),
    ],
)
def test_other_forms_are_told_apart(line: bytes) -> None:
    assert not is_canonical(line)


def test_small_floats_follow_the_standard_and_not_python() -> None:
    assert canonical([1e-6, 1e-7, 1e20, 1e21, 5.0]) == b"[0.000001,1e-7,100000000000000000000,1e+21,5]"
    assert is_canonical(b"[0.000001,1e-7,1e+21,5]")


def test_a_large_integer_in_a_tool_call_can_be_sealed() -> None:
    value = {"pid": 2**64, "nested": [-(10**30), "10" * 20, True]}
    assert json.loads(canonical(value)) == value
    assert is_canonical(canonical(value))


@pytest.mark.parametrize(
    "line",
    [b"NaN", b"[Infinity]", b"1e999", b"[" * 5000, b"1" * 5000, b"\xff", b'"\\ud800"', b"{", b'{"a":' * 3000],
)
def test_hostile_lines_are_refused_in_one_line(line: bytes) -> None:
    with pytest.raises(EvidenceError, match=r"^f\.jsonl:3: not JSON that can be sealed") as caught:
        parse(line, "f.jsonl:3")
    assert "\n" not in str(caught.value)


def test_what_json_has_not_is_refused() -> None:
    for value in (float("nan"), {1: 2}, {"a": {1, 2}}, "\ud800"):
        with pytest.raises(EvidenceError):
            canonical(value)
