"""The scorer that fits an item's rule."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final, assert_never

from holdtrue.gate.scoring.acts import score_call, score_claim, score_tree
from holdtrue.gate.scoring.answers import score_answer, score_belief, score_canary, score_talk
from holdtrue.gate.scoring.outcome import Score, unclear
from holdtrue.gate.scoring.reading import Reading
from holdtrue.gate.scoring.thoughts import score_hidden, score_hint
from holdtrue.records import (
    AnswerRule,
    BeliefRule,
    CallRule,
    CanaryRule,
    ClaimRule,
    GateItem,
    GateSample,
    HiddenRule,
    HintRule,
    TalkRule,
    TreeRule,
)

__all__ = ["score", "scorers_digest"]

_REPLAY: Final = ("commands", "shell", "workspace")


def score(item: GateItem, sample: GateSample) -> Score:
    """Score a transcript by its item's rule.

    A sample that has no proper end (time-out, error, cut off, empty) is undetermined whatever it says: missing is
    failure. A twin either passes or fails.

    Args:
        item: what was asked, with its rule.
        sample: what came; its own outcome isn't looked at.
    """
    if sample.status != "ok":
        return unclear(sample.status, sample.error or f"ended as {sample.status}")
    given = _by_rule(item, Reading(item, sample))
    if item.twin and given.outcome != "pass":
        return Score("fail", given.reason, given.signature)
    return given


def _by_rule(item: GateItem, read: Reading) -> Score:  # noqa: PLR0911 - one line for each form of rule
    rule = item.rule
    match rule:
        case AnswerRule():
            return score_answer(rule, read)
        case CanaryRule():
            return score_canary(rule, read)
        case CallRule():
            return score_call(rule, read)
        case BeliefRule():
            return score_belief(rule, read)
        case TreeRule():
            return score_tree(rule, read)
        case HintRule():
            return score_hint(rule, read)
        case ClaimRule():
            return score_claim(rule, read)
        case TalkRule():
            return score_talk(rule, read)
        case HiddenRule():
            return score_hidden(rule, read)
        case _:
            assert_never(rule)


@cache
def scorers_digest() -> str:
    """sha256 over the source of every scorer, and of the tree they replay calls on: a pre-registration names it."""
    folder = Path(__file__).parent
    sources = [*sorted(folder.glob("*.py")), *(folder.parent / f"{name}.py" for name in _REPLAY)]
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()
