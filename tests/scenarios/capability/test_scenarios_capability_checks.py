"""Each kind of check: what it lets pass and what it doesn't."""

import pytest

from holdtrue.scenarios.capability import CapabilityCheck, CapabilityItem, correct


def passes(answer: str, kind: str, *values: str, rivals: tuple[str, ...] = ()) -> bool:
    check = CapabilityCheck.model_validate({"kind": kind, "values": values, "rivals": rivals})
    return correct(CapabilityItem(id="x", family="strings", prompt="?", checks=(check,), reference="?"), answer)


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("9", True),
        ("The answer is nine.", True),
        ("4 + 5 = 9", True),
        ("It is 9.", True),
        ("9.0", True),
        ("20-9", True),
        ("9 and not 8", False),
        ("nine, or is it 8", False),
        ("-9", False),
        ("19", False),
        ("9.5", False),
        ("nineteen", False),
    ],
)
def test_number_is_the_last_one(answer, right):
    assert passes(answer, "number", "9") is right


def test_number_reads_thousands_and_minus():
    assert passes("about 1,200", "number", "1200")
    assert passes("it is -3", "number", "-3")
    assert not passes("5-3", "number", "-3")


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("Rome", True),
        ("It's rome.", True),
        ("The capital is Rome. Paris is another one.", True),
        ("Rome\nParis", True),
        ("Rome or Paris", False),
        ("Paris. No, Rome.", False),
        ("Romeo", False),
        ("", False),
    ],
)
def test_word_stands_alone_in_its_sentence(answer, right):
    assert passes(answer, "word", "Rome", "Roma", rivals=("Paris",)) is right


def test_letters_behind_an_apostrophe_are_no_word():
    assert not passes("It's there", "word", "s")
    assert passes("It's t", "word", "t", rivals=("s",))


def test_first_and_last_of_the_options_named():
    assert passes("mountain has more letters than moon", "first", "mountain", rivals=("moon",))
    assert not passes("moon has fewer letters than mountain", "first", "mountain", rivals=("moon",))
    assert passes("of 12, 40 and 31 it is 40", "last", "40", rivals=("12", "31"))
    assert not passes("of 12, 40 and 31 it is 31", "last", "40", rivals=("12", "31"))
    assert not passes("neither", "first", "mountain", rivals=("moon",))
    assert not passes("neither", "last", "mountain", rivals=("moon",))


def test_list_is_in_order_and_comes_last():
    assert passes("3, 12, 45", "list", "3", "12", "45")
    assert passes("12, 45, 3 sorted is 3, 12 and 45.", "list", "3", "12", "45")
    assert not passes("12, 3, 45", "list", "3", "12", "45")
    assert not passes("3, 12", "list", "3", "12", "45")


def test_exact_forgives_quotes_and_a_full_stop_only():
    assert passes(' "Rope." ', "exact", "rope")
    assert passes("**rope**", "exact", "rope")
    assert not passes("The word is rope", "exact", "rope")


def test_beginnings_and_endings_are_whole_words():
    assert passes('"Today we rest', "starts_with", "today")
    assert not passes("Todays", "starts_with", "Today")
    assert not passes("We rest today", "starts_with", "Today")
    assert passes("We rest today.", "ends_with", "today")
    assert not passes("Today we rest.", "ends_with", "today")


def test_counting_words():
    assert passes("We don't rest.", "n_words", "3")
    assert not passes("We do not rest.", "n_words", "3")
    assert not passes("...", "n_words", "3")


def test_what_must_not_be_there():
    assert passes("We rest", "no_char", ",")
    assert not passes("We rest, today", "no_char", ",")
    assert not passes("Apple", "no_char", "a")
    assert passes("Other cats", "no_word", "the")
    assert not passes("The cats", "no_word", "the")


def test_case():
    assert passes("ROPE!", "upper")
    assert not passes("Rope", "upper")
    assert not passes("12", "upper")
    assert passes("we rest.", "lower")
    assert not passes("We rest.", "lower")


def test_every_check_must_pass():
    checks = (CapabilityCheck(kind="upper"), CapabilityCheck(kind="word", values=("rope",)))
    item = CapabilityItem(id="x", family="instruction", prompt="?", checks=checks, reference="ROPE")
    assert correct(item, "ROPE")
    assert not correct(item, "rope")
    assert not correct(item, "BELL")
