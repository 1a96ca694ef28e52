"""What judges said of the last answers, and how far each can be trusted."""

from collections.abc import Mapping, Sequence
from typing import Any

from holdtrue.report.plain import plain
from holdtrue.report.stress.arms import Arm
from holdtrue.report.stress.table import Row, Table
from holdtrue.report.stress.words import part, share

__all__ = ["JudgeView", "judge_views"]

JudgeView = tuple[str, str, Table]
"""The judge, how often it was right where the answer is known, and its verdicts by arm."""


def judge_views(results: Mapping[str, Any], arms: Sequence[Arm]) -> list[JudgeView]:
    """One for each judge; empty where nobody was asked."""
    found = []
    for judge, own in (part(results, "judge") or {}).items():
        rows = [
            Row([arm.label, *_counted(said), str(part(said, "undetermined") or 0)], arm)
            for arm in arms
            if (said := part(own, "arms", arm.name))
        ]
        trusted = (
            f"On texts whose answer is known it saw {_known(own, 'sensitivity')} of those out of character, and passed "
            f"{_known(own, 'specificity')} of those in character."
        )
        columns = ["arm", "out of character", "rate", "no readable answer"]
        found.append((plain(str(judge), 80), trusted, Table(columns, rows, frozenset({1, 3}))))
    return found


def _counted(said: Mapping[str, Any]) -> tuple[str, str]:
    return f"{part(said, 'k') or 0} of {part(said, 'n') or 0}", share(part(said, "rate"), part(said, "ci"))


def _known(own: Mapping[str, Any], name: str) -> str:
    count, rate = _counted(part(own, name) or {})
    return f"{count} ({rate})"
