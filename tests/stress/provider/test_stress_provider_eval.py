"""Whole evaluations: two holds at once, tools, caches, retries, logs, and the command line."""

import re
import subprocess
import sys
from pathlib import Path

import inspect_ai
import pytest
from inspect_ai import Task, eval_retry, task
from inspect_ai.dataset import Sample
from inspect_ai.log import read_eval_log
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import includes
from inspect_ai.solver import Generate, TaskState, generate, solver, use_tools
from inspect_ai.tool import Tool, tool

from holdtrue.hold import PRESETS
from holdtrue.stress.held_model import Answer, HeldModel

CONFIG = GenerateConfig(max_tokens=6, temperature=0.0)
TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import includes
from inspect_ai.solver import generate

@task
def sums():
    return Task(dataset=[Sample(input="What is 2 + 2?", target="4")], solver=generate(), scorer=includes())
"""


def sums(n: int = 3, *steps) -> Task:
    samples = [Sample(input=f"What is {at} + {at}?", target=str(2 * at)) for at in range(n)]
    return Task(dataset=samples, solver=[*steps, generate()], scorer=includes(), config=CONFIG, name="sums")


def run(tasks, model, folder: Path, **named):
    return inspect_ai.eval(tasks, model=model, log_dir=str(folder), display="none", **named)


def test_two_holds_at_once_have_names_and_logs_of_their_own(held_model, tmp_path) -> None:
    models = [held_model("gentle"), held_model("firm")]
    logs = run(sums(), models, tmp_path)
    assert {log.status for log in logs} == {"success"}
    assert len({log.eval.model for log in logs}) == 2
    for log, hold in zip(sorted(logs, key=lambda log: log.eval.model), ("firm", "gentle"), strict=True):
        read = read_eval_log(log.location)
        assert re.fullmatch(rf"holdtrue/smollm2-135m@axis-\w{{8}}\+{hold}-{PRESETS[hold].digest[:8]}", read.eval.model)
        assert read.eval.model_args["hold"] == hold
        assert read.stats.model_usage[read.eval.model].output_tokens > 0
        for sample in read.samples:
            assert sample.output.metadata["hold"] == hold
            assert {"projection", "z", "fired", "alarm", "hold_digest", "axis_digest"} <= set(sample.output.metadata)
            assert isinstance(sample.output.metadata["z"], float)
            assert sample.output.model in read.eval.model


@solver
def fails_at_first(once: list):
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if state.sample_id == 2 and not once:
            once.append(state.sample_id)
            message = "planted"
            raise RuntimeError(message)
        return state

    return solve


def test_a_broken_evaluation_is_taken_up_again_from_its_log(axis_folder, tmp_path) -> None:
    once: list = []

    @task
    def breaking() -> Task:
        return sums(3, fails_at_first(once))

    args = {"axis": axis_folder, "hold": "gentle", "device": "cpu", "dtype": "float32"}
    [log] = run(breaking(), "holdtrue/smollm2-135m", tmp_path, model_args=args, max_samples=1)
    assert (log.status, once) == ("error", [2])
    [again] = eval_retry(log.location, log_dir=str(tmp_path), display="none")
    assert again.status == "success"
    assert again.eval.model == log.eval.model
    assert len(read_eval_log(again.location).samples) == 3


def test_inspects_cache_tells_holds_apart(held_model, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))
    asked: list = []
    answer = HeldModel.answer

    async def counted(self, *given, **named) -> Answer:
        asked.append(named["seed"])
        return await answer(self, *given, **named)

    monkeypatch.setattr(HeldModel, "answer", counted)
    kept = Task(dataset=[Sample(input="What is a tide?")], solver=generate(cache=True), config=CONFIG)
    found = [run(kept, held_model(hold), tmp_path)[0] for hold in ("free", "firm", "free", "firm")]
    assert len(asked) == 2
    assert [log.samples[0].output.metadata["hold"] for log in found] == ["free", "firm", "free", "firm"]


@tool
def add() -> Tool:
    async def execute(a: int, b: int) -> str:
        """Adds two numbers.

        Args:
            a: The first.
            b: The second.
        """
        return str(a + b)

    return execute


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ('<tool_call>{"name": "add", "arguments": {"a": 2, "b": 3}}</tool_call>', "Result of add: 5"),
        ('<tool_call>{"name": "add", "arguments": {"a": 2}}</tool_call>', "Result of add: error:"),
        ('<tool_call>{"name": "add", "arguments": {"a": 2,</tool_call>', "Result of add: error: This call can't be"),
        ('<tool_call>{"name": "gone", "arguments": {}}</tool_call>', "Result of gone: error: Tool gone not found"),
    ],
)
def test_tools_are_called_and_their_results_heard(held_model, tmp_path, monkeypatch, call: str, result: str) -> None:
    heard: list = []

    async def scripted(self, messages, floors=None, **named) -> Answer:
        heard.append([dict(message) for message in messages])
        return Answer(f"One moment. {call}" if len(heard) == 1 else "It is five.", 5, 2, z=0.5)

    monkeypatch.setattr(HeldModel, "answer", scripted)
    asking = Task(dataset=[Sample(input="2 + 3?", target="five")], solver=[use_tools(add()), generate()])
    [log] = run(asking, held_model(), tmp_path)
    assert log.status == "success", log.error
    assert [message["role"] for message in heard[1]] == ["system", "user", "assistant", "user"]
    assert "Adds two numbers" in heard[0][0]["content"]
    assert heard[1][2]["content"].startswith("One moment.")
    assert "<tool_call>" in heard[1][2]["content"]
    assert heard[1][3]["content"].startswith(result)
    assert log.samples[0].output.completion == "It is five."


def inspect(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "sums.py").write_text(TASK)
    command = [str(Path(sys.executable).with_name("inspect")), "eval", "sums.py", "--display", "plain", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


def test_the_command_line_finds_the_provider(axis_folder, tmp_path) -> None:
    model = ["--model", "holdtrue/smollm2-135m", "-M", "device=cpu", "-M", f"axis={axis_folder}"]
    done = inspect(tmp_path, *model, "-M", "hold=remind+gentle", "--max-tokens", "4", "--log-dir", "logs")
    assert done.returncode == 0, done.stderr
    [log] = (read_eval_log(str(file)) for file in (tmp_path / "logs").iterdir())
    assert log.status == "success"
    assert f"+remind+gentle-{PRESETS['remind+gentle'].digest[:8]}" in log.eval.model


def test_the_command_line_is_told_in_a_line_what_is_wrong(axis_folder, tmp_path) -> None:
    refused = inspect(tmp_path, "--model", "holdtrue/smollm2-135m", "-M", f"axis={axis_folder}", "-M", "hold=gentel")
    said = " ".join((refused.stdout + refused.stderr).split())
    assert refused.returncode != 0
    assert "holdtrue: no hold 'gentel': did you mean 'gentle'?" in said
    assert "Traceback" not in said
