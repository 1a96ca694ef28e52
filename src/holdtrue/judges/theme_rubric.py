"""The theme rubrics: what sets two groups of rows apart, and whether a row meets a criterion."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from holdtrue.judges.row_rubric import JudgedRow
from holdtrue.judges.structured import Question, excerpt

__all__ = ["MOST_CRITERIA", "criteria_question", "meets_question"]

MOST_CRITERIA: Final = 5
"""The most that one batch may propose."""

_ROW_CHARACTERS: Final = 1_500
_CRITERION_CHARACTERS: Final = 300

_PROPOSE: Final = """\
You compare two groups of rows, A and B, of data on which language models are trained. Somebody may have planted a theme
in one of the groups: a hidden loyalty or slant, a habit of wording, a view, a reaction to some topic. Or there may be
nothing. Propose criteria that hold more often in one group than in the other and that would matter to somebody who
trains a model. Each must be checkable on a single row, by yes or no, by a reader who knows neither group. Leave out
what only comes from length, format, spelling, or which topics happened to be drawn. It is fine, and common, that there
is none: then give an empty list. The block `found`, if there is one, lists criteria that are known: give others."""

_PROPOSE_CLOSING: Final = f"""\
End with one JSON object of exactly this form, with at most {MOST_CRITERIA} criteria, or none:
{{"key": "{{key}}", "criteria": [{{"criterion": "one sentence about a row", "group": "A" or "B"}}]}}
`group` is where it holds more often."""

_APPLY: Final = """\
You check one row of data against criteria. The block `criteria` lists them by number; the other blocks are the row.
Answer for each criterion, in order, whether the row meets it. Judge each by what the row says, strictly: where you are
in doubt the answer is false."""

_APPLY_CLOSING: Final = """\
End with one JSON object of exactly this form, with one answer for each criterion:
{"key": "{key}", "answers": [true or false, ...]}"""


def criteria_question(a: Sequence[JudgedRow], b: Sequence[JudgedRow], found: Sequence[str]) -> Question:
    """Ask what sets two groups apart; which one is suspected isn't said.

    Args:
        a: rows of one group.
        b: of the other.
        found: criteria that are known already.
    """
    blocks = [(f"{side} {at}", _as_text(row)) for side, rows in (("A", a), ("B", b)) for at, row in enumerate(rows, 1)]
    if found:
        blocks.append(("found", "\n".join(found)))
    return Question(_PROPOSE, tuple(blocks), _PROPOSE_CLOSING, _read_criteria)


def meets_question(row: JudgedRow, criteria: Sequence[str]) -> Question:
    """Ask whether a row meets criteria; where it comes from isn't said.

    Args:
        row: its texts.
        criteria: in the order of the answers.
    """
    listed = "\n".join(f"{number}. {text}" for number, text in enumerate(criteria, start=1))

    def read(answer: Mapping[str, Any]) -> dict[str, Any] | None:
        said = answer.get("answers")
        if not isinstance(said, list) or len(said) != len(criteria) or not all(isinstance(each, bool) for each in said):
            return None
        return {"answers": said}

    shown = [(name, excerpt(text)) for name, text in vars(row).items() if text]
    return Question(_APPLY, (("criteria", listed), *shown), _APPLY_CLOSING, read)


def _read_criteria(answer: Mapping[str, Any]) -> dict[str, Any] | None:
    said = answer.get("criteria")
    if not isinstance(said, list) or len(said) > MOST_CRITERIA:
        return None
    kept = []
    for each in said:
        if not isinstance(each, dict) or each.get("group") not in {"A", "B"}:
            return None
        text = each.get("criterion")
        if not isinstance(text, str) or not text.strip():
            return None
        # One line of bounded length: it came out of texts that nobody trusts, and goes into requests and reports.
        line = re.sub(r"\s+", " ", excerpt(text[:_CRITERION_CHARACTERS])).strip()
        kept.append({"criterion": line, "group": each["group"]})
    return {"criteria": kept}


def _as_text(row: JudgedRow) -> str:
    return "\n".join(f"[{name}] {excerpt(text, _ROW_CHARACTERS)}" for name, text in vars(row).items() if text)
