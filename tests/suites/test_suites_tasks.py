"""The gate's classes as Inspect tasks, and targets behind Inspect, on its mock model."""

import asyncio
import inspect as python_inspect

import inspect_ai
import pytest
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    ContentReasoning,
    ContentText,
    Logprob,
    Logprobs,
    ModelOutput,
    ModelUsage,
    TopLogprob,
    get_model,
)
from inspect_ai.tool import ToolCall
from made_target import answer_item, belief_item, call_item, contents

from holdtrue.records import FAILURE_CLASSES, GateSample
from holdtrue.scenarios.kernels import gate_items
from holdtrue.suites import Playing, play, tasks
from holdtrue.suites.inspected import InspectTarget


def used(output: ModelOutput) -> ModelOutput:
    """Counted by itself: counting would go online."""
    output.usage = ModelUsage(input_tokens=7, output_tokens=3, total_tokens=10)
    return output


def mock(answer):
    def output(messages, tools, tool_choice, config) -> ModelOutput:
        said = answer(messages, tools, config)
        return used(said if isinstance(said, ModelOutput) else ModelOutput.from_content("mockllm", said))

    return get_model("mockllm/model", custom_outputs=output, memoize=False)


def evaluated(name: str, model, folder, **task_args):
    [log] = inspect_ai.eval(f"holdtrue/{name}", model=model, task_args=task_args, log_dir=str(folder), display="none")
    assert log.status == "success", log.error
    return log


def test_a_class_is_evaluated_by_its_name(tmp_path):
    pairs = gate_items(0)["improper_refusal"][:3]
    right, refused = pairs[0][0], pairs[1][0]

    def answer(messages, tools, config) -> str:
        asked = messages[-1].text
        if asked == right.turns[0]:
            return f"It is {right.rule.accepted[0]}."
        return "I'm sorry, I can't." if asked == refused.turns[0] else "Who knows?"

    log = evaluated("improper_refusal", mock(answer), tmp_path, families=3)
    samples = {sample.id: sample for sample in log.samples}
    assert {name: sample.scores["_scored"].value for name, sample in samples.items()} == {
        right.family: "C",
        refused.family: "I",
        pairs[2][0].family: "N",
    }
    assert log.results.scores[0].metrics["accuracy"].value == pytest.approx(1 / 3)
    for item, _ in pairs:
        sample = samples[item.family]
        found = GateSample.model_validate(sample.metadata["holdtrue_sample"])
        assert (found.item, found.family, found.policy) == (item.digest, item.family, "target")
        assert found.tokens_in == 7
        assert [message.role for message in sample.messages] == ["user", "assistant"]
        assert sample.scores["_scored"].metadata["status"] == "ok"


def test_twins_are_evaluated_too(tmp_path):
    twin = gate_items(0)["should_refuse"][0][1]
    log = evaluated("should_refuse", mock(lambda *_: "No."), tmp_path, families=1, twins=True)
    assert (log.samples[0].metadata["twin"], log.samples[0].scores["_scored"].value) == (True, "I")
    assert GateSample.model_validate(log.samples[0].metadata["holdtrue_sample"]).item == twin.digest


def test_every_class_is_a_task():
    for name in FAILURE_CLASSES:
        made = getattr(tasks, name)
        assert set(python_inspect.signature(made).parameters) == {"twins", "families", "seed"}
        assert len(made(families=2).dataset) == 2
    assert set(tasks.__all__) == set(FAILURE_CLASSES)


def asked_of(item, answer, **playing) -> GateSample:
    return asyncio.run(play(item, InspectTarget(mock(answer)), Playing("release", "target", **playing)))


def test_native_calls_go_to_and_fro():
    heard = []

    def answer(messages, tools, config):
        heard.append((messages, [tool.name for tool in tools]))
        if len(heard) > 1:
            return "Seven boats."
        call = ToolCall(id="c", function="look", arguments={"at": "the quay"})
        message = ChatMessageAssistant(content="", tool_calls=[call])
        return ModelOutput(model="mockllm", choices=[ChatCompletionChoice(message=message, stop_reason="tool_calls")])

    sample = asked_of(call_item(), answer)
    assert (sample.outcome, contents(sample, "tool")) == ("pass", ["seven boats"])
    messages, tools = heard[1]
    assert tools == ["look"]
    assert [message.role for message in messages] == ["user", "assistant", "tool"]
    assert messages[1].tool_calls[0].id == messages[2].tool_call_id


def test_calls_in_words_stay_words():
    heard = []

    def answer(messages, tools, config):
        heard.append((messages, tools))
        called = '<tool_call>{"name": "look", "arguments": {"at": "the quay"}}</tool_call>'
        return "Seven boats." if len(heard) > 1 else f"A moment. {called}"

    assert asked_of(call_item(), answer, native_tools=False).outcome == "pass"
    messages, tools = heard[1]
    assert tools == []
    assert [message.role for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[2].tool_calls is None
    assert '"name": "look"' in messages[2].text
    assert "seven boats" in messages[3].text


def test_reasoning_of_its_own_is_kept_apart():
    def answer(messages, tools, config):
        parts = [ContentReasoning(reasoning="Two and two."), ContentText(text="four")]
        message = ChatMessageAssistant(content=parts)
        return ModelOutput(model="mockllm", choices=[ChatCompletionChoice(message=message, stop_reason="stop")])

    sample = asked_of(answer_item(), answer)
    assert (sample.messages[-1].content, sample.messages[-1].reasoning) == ("four", "Two and two.")


def test_likelihoods_of_letters_are_read():
    def answer(messages, tools, config):
        if not config.logprobs:
            return "A rock."
        top = [TopLogprob(token="A", logprob=-0.1), TopLogprob(token=" B", logprob=-2.4)]
        chosen = Logprobs(content=[Logprob(token="A", logprob=-0.1, top_logprobs=top)])
        message = ChatMessageAssistant(content="A")
        return ModelOutput(model="mockllm", choices=[ChatCompletionChoice(message=message, logprobs=chosen)])

    sample = asked_of(belief_item(), answer)
    assert [abs(probe.margin) for probe in sample.probes] == [pytest.approx(2.3)] * 2


def test_a_provider_without_likelihoods_is_asked_for_letters():
    def answer(messages, tools, config):
        if config.logprobs:
            message = "logprobs are not supported"
            raise ValueError(message)
        return "A"

    sample = asked_of(belief_item(), answer)
    assert (sample.status, [probe.said for probe in sample.probes]) == ("ok", ["A", "A"])


def test_a_provider_that_fails_gives_a_sample_with_the_reason():
    def answer(messages, tools, config):
        message = "quota is used up"
        raise ValueError(message)

    sample = asked_of(answer_item(), answer)
    assert (sample.status, sample.outcome) == ("error", "undetermined")
    assert "quota is used up" in sample.error
