"""The gate's kernels: enough of them, independent, scored as they were planted, and quick to score."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from holdtrue.errors import ArtifactError
from holdtrue.gate import independent_families
from holdtrue.gate.independence import shown_text
from holdtrue.gate.scoring.acts import _DESTRUCTIVE
from holdtrue.records import FAILURE_CLASSES, GateItem
from holdtrue.scenarios.kernels import CANARY, files, gate_items
from holdtrue.scenarios.kernels.calls import call_text, read_call, read_tool
from holdtrue.suites import Playing, Reply, ScriptedTarget, play

LARGE = {"improper_refusal", "should_refuse", "reasoning"}
SECONDS = 3.0
"""Anything slower than this backtracks catastrophically; a busy machine alone doesn't get there."""
LONG = 5000
ADVERSARIAL = [
    *(part * (LONG // len(part)) for part in (" ", "a", "a ", "1", "\n", "-", ". ", "a\n")),
    *(part * (LONG // len(part)) for part in ("i am ", "no, not ", "git push ")),
    "A" * (LONG - 1) + "!",
    "it is you and i will never be the one who can " * (LONG // 46),
]


@pytest.fixture(scope="module")
def kernels() -> dict[str, list[tuple[GateItem, GateItem]]]:
    return {str(name): pairs for name, pairs in gate_items(0).items()}


def everything(kernels: dict) -> Iterator[GateItem]:
    for pairs in kernels.values():
        for pair in pairs:
            yield from pair


def test_every_class_has_as_many_families_as_it_needs(kernels):
    assert set(kernels) == set(FAILURE_CLASSES)
    for name, pairs in kernels.items():
        assert len(pairs) >= (400 if name in LARGE else 120), name
        assert {item.failure_class for pair in pairs for item in pair} == {name}


def test_families_are_unique_and_twins_are_twins(kernels):
    for name, pairs in kernels.items():
        assert [family for family, n in Counter(item.family for item, _ in pairs).items() if n > 1] == [], name
        for item, twin in pairs:
            assert (item.family, item.twin, twin.twin) == (twin.family, False, True)
            assert item.turns != twin.turns or item.system != twin.system, item.family


def test_families_are_independent(kernels):
    groups = independent_families(item for item in everything(kernels) if not item.twin)
    assert {name: len(found) for name, found in groups.items()} == {name: len(each) for name, each in kernels.items()}


def test_near_duplicates_would_be_seen(kernels):
    item = kernels["improper_refusal"][0][0]
    copied = item.model_copy(update={"family": "a_copy"})
    groups = independent_families([item, copied, kernels["improper_refusal"][1][0]])
    assert (item.family, "a_copy") in groups["improper_refusal"]


def test_what_is_planted_is_found_and_what_is_good_passes(kernels):
    async def wrong() -> list[tuple[str, str, str, str]]:
        found = []
        for item in everything(kernels):
            for policy in ("good",) if item.twin else item.planted:
                sample = await play(item, ScriptedTarget(item, policy), Playing("control", policy))
                if (sample.outcome == "pass") != (policy == "good"):
                    found.append((item.failure_class, item.family, f"{policy} twin={item.twin}", sample.reason))
        return found

    assert asyncio.run(wrong()) == []
    assert {"good", "bad"} <= set.intersection(*(set(item.planted) for item in everything(kernels) if not item.twin))


def codes(kernels: dict) -> list[str]:
    return [item.rule.canary for item in everything(kernels) if item.rule.form == "canary"]


def test_a_seed_decides_the_codes_and_nothing_else(kernels):
    again, other = gate_items(0), gate_items(1)
    assert {item.digest for item in everything(again)} == {item.digest for item in everything(kernels)}
    assert len(set(codes(kernels))) == len(codes(kernels)) > 100
    assert not set(codes(kernels)) & set(codes(other))
    rest = [name for name in FAILURE_CLASSES if name != "should_refuse"]
    assert all(other[name] == kernels[name] for name in rest)


def test_a_code_stands_in_its_own_prompt_alone(kernels):
    pairs = kernels["should_refuse"]
    told = [(item, twin) for item, twin in pairs if item.rule.form == "canary"]
    for item, twin in told:
        assert item.rule.canary in item.system
        assert item.rule.canary not in shown_text(twin)
        assert item.rule.canary not in "\n".join(item.turns)


def test_the_canary_is_in_every_item_and_in_no_prompt(kernels):
    class Heard:
        def __init__(self) -> None:
            self.texts: list[str] = []

        async def reply(self, messages, tools, *, max_tokens, seed, letters=False) -> Reply:
            self.texts += [message.content for message in messages]
            return Reply("As you say.")

    async def heard(items: list[GateItem]) -> str:
        target = Heard()
        for item in items:
            await play(item, target, Playing("release", "target", native_tools=False))
        return "\n".join(target.texts)

    items = list(everything(kernels))
    assert all(item.canary == CANARY for item in items)
    marker = CANARY.split()[1].rstrip(":")
    assert not [item.family for item in items if marker in shown_text(item) or "holdtrue" in shown_text(item).lower()]
    sampled = [pair[at] for pairs in kernels.values() for pair in pairs[::20] for at in (0, 1)]
    assert marker not in asyncio.run(heard(sampled))


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("improper_refusal", "{", "line"),
        ("improper_refusal", "[]", "dictionary"),
        ("improper_refusal", '{"family": "a"}', "ask"),
        ("improper_refusal", '{"family": "Not Snake", "ask": "a", "answer": ["b"]}', "family"),
        (
            "improper_refusal",
            '{"family": "a", "ask": "a", "answer": [], "twin": "c", "twin_answer": ["d"]}',
            "answer",
        ),
        (
            "improper_refusal",
            '{"family": "a", "ask": "a", "answer": ["b"], "twin": "c", "twin_answer": ["d"], "more": 1}',
            "more",
        ),
        (
            "should_refuse",
            '{"family": "a", "system": "no code", "ask": "b", "twin_system": "c", "twin_ask": "d"}',
            "{code}",
        ),
        (
            "should_refuse",
            '{"family": "a", "tool": "pay(sum)", "system": "s", "ask": "b", "twin_system": "c", "twin_ask": "d"}',
            "twin_call",
        ),
        (
            "hidden_hint",
            '{"family":"a","question":"q","options":["x","y","z"],"answer":"x","hinted":"w","hint":"h","cues":["h"]}',
            "options",
        ),
    ],
)
def test_a_malformed_kernel_is_refused_in_a_line(tmp_path, monkeypatch, name: str, line: str, said: str):
    good = (files._DATA / f"{name}.jsonl").read_text().splitlines()[0]
    for file in files._DATA.glob("*.jsonl"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / f"{name}.jsonl").write_text(f"{good}\n{line}\n")
    monkeypatch.setattr(files, "_DATA", tmp_path)
    with pytest.raises(ArtifactError) as refused:
        gate_items(0)
    text = str(refused.value)
    assert f"{name}.jsonl line 2: " in text
    assert said in text
    assert "\n" not in text
    assert "mend that kernel" in text


def test_a_family_there_twice_is_refused(tmp_path, monkeypatch):
    for file in files._DATA.glob("*.jsonl"):
        (tmp_path / file.name).write_text(file.read_text())
    path = tmp_path / "delusion.jsonl"
    first = path.read_text().splitlines()[0]
    path.write_text(path.read_text() + first + "\n")
    monkeypatch.setattr(files, "_DATA", tmp_path)
    with pytest.raises(ArtifactError, match=json.loads(first)["family"]):
        gate_items(0)


@pytest.mark.parametrize("written", ["pay", "pay(", "Pay(1)", "9(1)", ""])
def test_what_is_no_call_is_refused(written: str):
    with pytest.raises(ValueError, match="no call"):
        read_tool(written)


def test_calls_are_read_by_their_tools_parameters():
    tools = {"pay": read_tool("pay(to, sum)")}
    assert read_call('pay("a, (b)", 400)', tools) == ("pay", {"to": "a, (b)", "sum": 400})
    assert json.loads(call_text('pay("ß", 1)', tools).split(">")[1].split("<")[0])["arguments"] == {"to": "ß", "sum": 1}
    with pytest.raises(ValueError, match="there are pay"):
        read_call("give(1)", tools)
    with pytest.raises(ValueError, match="takes 2"):
        read_call("pay(1)", tools)


def patterns(kernels: dict) -> set[str]:
    found: set[str] = set(_DESTRUCTIVE)
    for item in everything(kernels):
        rule = item.rule
        match rule.form:
            case "belief":
                found.update(rule.affirm)
            case "call":
                found.update(rule.matching)
            case "claim":
                found.update(rule.claims)
            case "tree":
                found.update([*rule.ban, *rule.done.values()])
            case "talk":
                found.update(check.pattern for check in rule.checks)
            case "hidden":
                found.update([*rule.mark, *rule.cues])
    return found


def test_no_expression_backtracks_for_ever(kernels):
    slow = []
    for pattern in sorted(patterns(kernels)):
        compiled = re.compile(pattern, re.IGNORECASE)
        for text in ADVERSARIAL:
            began = time.perf_counter()
            compiled.search(text)
            if (took := time.perf_counter() - began) > SECONDS:
                slow.append((pattern, text[:12], round(took, 1)))
    assert slow == []
