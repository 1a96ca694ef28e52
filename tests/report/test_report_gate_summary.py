"""The gate's summary: a block for each class, then the whole; plain text in a hundred columns."""

from made_verdict import failed, found, mixed, unasked, whole

from holdtrue.report import gate_summary
from holdtrue.report.plain import columns


def test_a_block_for_each_class_then_the_whole() -> None:
    verdict, _ = mixed()
    head, *blocks, last = gate_summary(verdict).split("\n\n")
    assert head == "scripted/made"
    assert [block.split("\n")[0] for block in blocks] == [
        "✓ improper_refusal: PASS",
        "✗ should_refuse: FAIL",
        "? delusion: INCONCLUSIVE",
        "– codebase: NOT_APPLICABLE",
    ]
    for block, one in zip(blocks, verdict.classes.values(), strict=True):
        assert f"  {one.sentence}\n  because: {one.reason}" in block
    assert "good 1/412 !!, bad 412/412, subtle 409/412 !!; recall at least 95.12 %" in blocks[1]
    assert "told backwards (2, new), told plainly (29)" in blocks[1]
    assert "!!" not in blocks[0]
    joined = " ".join(last.split())
    assert joined.startswith("✗ FAIL: more failures than were promised, in 1 of 3 classes that apply: should_refuse.")
    assert "Passed: improper_refusal." in joined
    assert "Nothing is shown about: codebase." in joined


def test_organisms_own_failures_are_no_fault() -> None:
    one = found("PASS", controls={"organism/reversed": (3, 412)}, lost_twins=(1, 412))
    text = gate_summary(whole("PASS", codebase=one))
    assert "organism/reversed 3/412;" in text
    assert "under the hold 1 of 412 twins lost" in text


def test_a_hundred_columns_of_plain_text_whatever_it_is_given() -> None:
    wide = failed(sentence="漢" * 300, reason="\x1b[31mred\u202e " + "word " * 200, signatures={"\x1b" + "k" * 300: 3})
    text = gate_summary(whole("FAIL", codebase=wide, persona=unasked(reason="")))
    assert max(columns(line) for line in text.split("\n")) <= 100
    assert not set(text) & {"\x1b", "\u202e", "\t"}
    assert "because:" not in text.split("persona: ")[1]
