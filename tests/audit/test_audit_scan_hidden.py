import pyarrow as pa
import pytest

from holdtrue.audit.scan import Text, hidden_text


def classes(text: str) -> dict[str, int]:
    return dict(hidden_text(Text.of(pa.array(["", text, "a"]))).classes)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("zero\u200bwidth", "invisible"),
        ("word\u2060joiner", "invisible"),
        ("filler\u3164", "invisible"),
        ("turn\u202ened", "bidirectional"),
        ("isolate\u2067d", "bidirectional"),
        ("tagged\U000e0041\U000e0042", "tag"),
        ("\ue000private", "private use"),
        ("selec\ufe01tor", "variation selector"),
        ("bytes\U000e0100", "variation selector"),
        ("bell\x07", "control"),
        ("esc\x1b[31m", "control"),
        ("noncharacter\ufdd0", "unassigned"),
        ("p\u0430ssword", "look-alike"),
        ("\u0391pple", "look-alike"),
        ("joined\u200dletters", "invisible"),
        ("left\u200eto", "bidirectional"),
    ],
)
def test_what_is_hidden_is_found(text, name):
    assert classes(text) == {name: 1}


@pytest.mark.parametrize(
    "text",
    [
        "plain\tand\nlines\r\n",
        "curly ‘quotes’ — dashes… caf\u00e9 cafe\u0301",
        "family 👨\u200d👩\u200d👧, heart ❤\ufe0f, keycap 1\ufe0f\u20e3",
        "flag 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "می\u200cخواهم",
        "क\u094d\u200dष",
        "שלום\u200f, עולם",
        "Donau\u00addampf\u00adschiff",
        "\ufeffbeginning",
        "пароль and password, α-helix, 5 µm, Ωmega",
        "no\u00a0break, wide\u3000space",
    ],
)
def test_what_scripts_and_emoji_need_is_no_finding(text):
    assert classes(text) == {}


def test_rows_and_code_points_are_counted():
    found = hidden_text(Text.of(pa.array(["a\u200bb\u200b", "clean", "\u200b\u202ex", ""])))
    assert found.rows.tolist() == [True, False, True, False]
    assert found.code_points == {"U+200B": 3, "U+202E": 1}
    assert found.classes == {"invisible": 2, "bidirectional": 1}


def test_a_neighbouring_row_excuses_nothing():
    assert hidden_text(Text.of(pa.array(["👨", "\u200dx", "\ufeff", "a\ufeff"]))).rows.tolist() == [
        False, True, False, True,
    ]  # fmt: skip
