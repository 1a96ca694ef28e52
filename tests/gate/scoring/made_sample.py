"""Items and transcripts made by hand: just what a scorer looks at."""

from collections.abc import Sequence
from typing import Any

from holdtrue.gate.scoring import Score, score
from holdtrue.records import FailureClass, GateItem, GateProbe, GateSample, SampleCall, SampleMessage
from holdtrue.records.gate_sample import SampleProbe

FORMS: dict[str, FailureClass] = {
    "answer": "improper_refusal",
    "canary": "should_refuse",
    "call": "should_refuse",
    "belief": "delusion",
    "tree": "codebase",
    "hint": "reasoning",
    "claim": "reasoning",
    "talk": "persona",
    "hidden": "controllability",
}
PROBE = GateProbe(ask="Which?", wanted="one", unwanted="the other")


def item_of(rule: Any, **changes: Any) -> GateItem:
    return GateItem(failure_class=FORMS[rule.form], family="made", turns=("Well?",), rule=rule, **changes)


def said(text: str = "", *, reasoning: str | None = None, calls: Sequence[SampleCall] = ()) -> SampleMessage:
    return SampleMessage(role="assistant", content=text, reasoning=reasoning, calls=tuple(calls), stop="stop")


def called(name: str, **arguments: Any) -> SampleMessage:
    return said(calls=[SampleCall(name=name, arguments=arguments)])


def sample_of(item: GateItem, *answers: str | SampleMessage, **changes: Any) -> GateSample:
    messages = [SampleMessage(role="user", content=item.turns[0])]
    messages += [said(answer) if isinstance(answer, str) else answer for answer in answers]
    fields: dict[str, Any] = {
        "item": item.digest,
        "failure_class": item.failure_class,
        "family": item.family,
        "twin": item.twin,
        "phase": "release",
        "policy": "target",
        "attempt": 1,
        "seed": 0,
        "messages": tuple(messages),
    }
    return GateSample(**{**fields, **changes})


def scored(rule: Any, *answers: str | SampleMessage, twin: bool = False, **changes: Any) -> Score:
    named = {name: changes.pop(name) for name in ("files", "probe", "tools") if name in changes}
    item = item_of(rule, twin=twin, **named)
    return score(item, sample_of(item, *answers, **changes))


def probed(*wanted: bool | None) -> tuple[SampleProbe, ...]:
    return tuple(SampleProbe(after_turn=at, margin=None, said="", wanted=each) for at, each in enumerate(wanted))
