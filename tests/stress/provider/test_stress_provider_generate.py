"""`generate` on the real small model: the hold is there, the settings count, batches are shared."""

import asyncio

import anyio
import pytest
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser, GenerateConfig
from inspect_ai.tool import ToolFunction, ToolInfo

from holdtrue.errors import RunError
from holdtrue.hold import HAND_OVER, floors_for
from holdtrue.records import CapSpec, ContextSpec, HoldSpec
from holdtrue.stress.held_model import Answer, HeldModel
from holdtrue.stress.provider.messages import NOTE

ASKED = [ChatMessageUser(content="How do tides work?")]
GREEDY = GenerateConfig(max_tokens=8, temperature=0.0)
FLOOR = CapSpec(fire=0.9, strength=1.0)


def generated(model, messages=ASKED, config=GREEDY, tools=(), choice="auto"):
    return asyncio.run(model.api.generate(list(messages), list(tools), choice, config))


def test_an_answer_is_the_held_models_own(held_model, held_axis) -> None:
    model = held_model(HoldSpec(name="deep", cap=FLOOR))
    output = generated(model)
    held: HeldModel = model.api._lease.held
    floors = floors_for(HoldSpec(name="deep", cap=FLOOR), held_axis)
    plain = [{"role": "user", "content": "How do tides work?"}]
    direct = asyncio.run(held.answer(plain, floors, seed=0, max_tokens=8))
    assert output.completion == direct.text
    assert output.stop_reason == "max_tokens"
    assert output.model == model.api.model_name
    assert (output.usage.input_tokens, output.usage.output_tokens) == (direct.tokens_in, direct.tokens_out)
    told = output.metadata
    for name in ("projection", "z", "fired"):
        assert told[name] == pytest.approx(getattr(direct, name), rel=1e-3)
    assert told["fired"] > 0.5
    assert not told["alarm"]
    assert told["axis_digest"] == held_axis.card.digest
    assert (told["hold"], told["hold_digest"]) == ("deep", HoldSpec(name="deep", cap=FLOOR).digest)
    assert output.message.metadata[NOTE]["z"] == told["z"]
    assert generated(held_model("free")).metadata["fired"] == 0


def test_settings_count(held_model) -> None:
    model = held_model()
    hot = GREEDY.merge(GenerateConfig(temperature=1.0, max_tokens=6))
    seeded = [generated(model, config=hot.merge(GenerateConfig(seed=seed))).completion for seed in (1, 1, 2)]
    assert seeded[0] == seeded[1] != seeded[2]
    assert generated(model, config=hot).metadata["seed"] != generated(model, config=hot).metadata["seed"]
    three = generated(model, config=hot.merge(GenerateConfig(seed=1, num_choices=3)))
    assert three.choices[0].message.text == seeded[0]
    assert len({choice.message.text for choice in three.choices}) == 3
    assert three.metadata["choices"][0]["z"] == three.metadata["z"]
    assert three.usage.output_tokens == 18
    whole = generated(model).completion
    word = whole.split()[2]
    stopped = generated(model, config=GREEDY.merge(GenerateConfig(stop_seqs=[word])))
    assert stopped.completion == whole[: whole.index(word)]
    assert stopped.stop_reason == "stop"


def test_log_probabilities_are_the_models(held_model) -> None:
    output = generated(held_model("free"), config=GREEDY.merge(GenerateConfig(logprobs=True, top_logprobs=3)))
    content = output.choices[0].logprobs.content
    assert "".join(each.token for each in content) == output.completion
    for each in content:  # greedy: what was drawn is the likeliest
        assert [top.logprob for top in each.top_logprobs] == sorted(
            (t.logprob for t in each.top_logprobs), reverse=True
        )
        assert each.top_logprobs[0].token == each.token
        assert each.logprob == pytest.approx(each.top_logprobs[0].logprob)
    assert generated(held_model("free")).choices[0].logprobs is None


def test_ignored_settings_are_named_once(held_model, caplog) -> None:
    model = held_model()
    from holdtrue.stress.provider import sampling

    sampling._told.discard("logit_bias")
    for _ in range(2):
        generated(model, config=GREEDY.merge(GenerateConfig(logit_bias={1: 2.0}, max_tokens=1)))
    assert [record.getMessage() for record in caplog.records if "logit_bias" in record.getMessage()] == [
        "holdtrue ignores logit_bias: its models are drawn from by temperature and top_p alone"
    ]


def test_the_context_ends_an_answer(held_model) -> None:
    model = held_model()
    limit = model.api._lease.held.chat.max_positions
    output = generated(model, [ChatMessageUser(content="word " * (limit + 5))])
    assert (output.stop_reason, output.completion) == ("model_length", "")
    assert output.metadata["z"] is None


def test_room_is_left_by_the_prompt(held_model, monkeypatch) -> None:
    model = held_model()
    held: HeldModel = model.api._lease.held
    n_prompt = held.count_tokens([{"role": "user", "content": "How do tides work?"}])
    monkeypatch.setattr(type(held.chat), "max_positions", n_prompt + 3)
    output = generated(model)
    assert (output.stop_reason, output.usage.output_tokens) == ("model_length", 3)
    assert generated(model, config=GREEDY.merge(GenerateConfig(max_tokens=3))).stop_reason == "max_tokens"
    with pytest.raises(RunError, match="don't fit"):
        asyncio.run(held.answer([{"role": "user", "content": "How do tides work?"}], seed=0, max_tokens=4))


def drifted(n: int, z: float | None) -> list:
    digest = None
    messages = []
    for at in range(n):
        note = {"z": z, "axis_digest": digest}
        messages += [ChatMessageUser(content=f"{at}?"), ChatMessageAssistant(content="Aye.", metadata={NOTE: note})]
    return [*messages, ChatMessageUser(content="And you?")]


def noted(messages: list, axis_digest: str) -> list:
    for message in messages:
        if message.metadata:
            message.metadata[NOTE]["axis_digest"] = axis_digest
    return messages


def test_reminders_and_caps_follow_the_drift(held_model, held_axis) -> None:
    spec = HoldSpec(
        name="watchful",
        cap=FLOOR.model_copy(update={"trigger": "on_drift"}),
        context=ContextSpec(remind_on_drift=True, hand_over_after=8),
    )
    model = held_model(spec)
    calm = generated(model, noted(drifted(4, 0.0), held_axis.card.digest))
    assert calm.metadata["fired"] == 0
    assert not calm.metadata["alarm"]
    assert "context" not in calm.metadata
    lost = generated(model, noted(drifted(4, -9.0), held_axis.card.digest))
    assert lost.metadata["alarm"]
    assert lost.metadata["alarm_turn"] <= 4
    assert lost.metadata["context"]["reminded"]
    assert lost.metadata["fired"] > 0.5
    assert lost.usage.input_tokens > calm.usage.input_tokens
    over = generated(model, noted(drifted(12, -9.0), held_axis.card.digest))
    assert over.completion == HAND_OVER
    assert over.metadata["handed_over"]
    assert over.usage.total_tokens == 0
    foreign = generated(model, noted(drifted(12, -9.0), "another axis"))
    assert not foreign.metadata["alarm"]


def test_drift_is_known_where_only_the_text_comes_back(held_model, monkeypatch) -> None:
    model = held_model("remind")
    monkeypatch.setattr(HeldModel, "answer", scripted(lambda messages: "Aye.", z=-9.0))
    messages = []
    reminded = []
    for at in range(4):
        messages.append(ChatMessageUser(content=f"{at}?"))
        output = generated(model, messages)
        reminded.append("context" in output.metadata)
        messages.append(ChatMessageAssistant(content=output.completion))
    assert output.metadata["alarm"]
    assert reminded[0] is False
    assert reminded[-1] is True


def scripted(says, z: float | None = 0.0, asked: list | None = None):
    async def answer(self, messages, floors=None, **named) -> Answer:
        if asked is not None:
            asked.append([dict(message) for message in messages])
        return Answer(says(messages), 5, 2, z=z(messages) if callable(z) else z)

    return answer


def test_poor_answers_are_drawn_again(held_model, monkeypatch) -> None:
    model = held_model(HoldSpec(name="again", context=ContextSpec(redraw=3, redraw_below=-1.0)))
    zs = iter([-5.0, -3.0, -4.0, -0.5])
    monkeypatch.setattr(HeldModel, "answer", scripted(lambda messages: "Aye.", z=lambda messages: next(zs)))
    output = generated(model, config=GenerateConfig(temperature=0.7))
    assert (output.metadata["z"], output.metadata["redraws"]) == (-3.0, 2)
    assert output.usage.output_tokens == 6
    assert generated(model, config=GenerateConfig(temperature=0.7)).metadata["redraws"] == 0


def test_what_gives_way_is_summed_up_once(held_model, monkeypatch) -> None:
    model = held_model(HoldSpec(name="short", context=ContextSpec(budget_tokens=200, over_budget="summarise")))
    asked: list = []
    summing = "You summarise"
    monkeypatch.setattr(
        HeldModel,
        "answer",
        scripted(lambda m: "They spoke of tides." if m[0]["content"].startswith(summing) else "Aye.", asked=asked),
    )
    long = [ChatMessageUser(content="tide " * 90), ChatMessageAssistant(content="sea " * 90)]
    messages = [ChatMessageSystem(content="Be brief."), *long, *long, ChatMessageUser(content="And?")]
    output = generated(model, messages)
    assert [each[0]["content"].startswith(summing) for each in asked] == [True, False]
    assert any("They spoke of tides." in message["content"] for message in asked[1])
    assert output.usage.input_tokens == 10
    generated(model, [*messages[:-1], ChatMessageUser(content="And else?")])
    assert sum(each[0]["content"].startswith(summing) for each in asked) == 1


@pytest.mark.parametrize(("choice", "told"), [("auto", True), ("none", False), (ToolFunction(name="add"), True)])
def test_tools_are_offered_as_chosen(held_model, monkeypatch, choice, told: bool) -> None:
    model = held_model("free")
    asked: list = []
    call = '<tool_call>{"name": "add", "arguments": {"a": 2}}</tool_call>'
    monkeypatch.setattr(HeldModel, "answer", scripted(lambda messages: call, asked=asked))
    output = generated(model, tools=[ToolInfo(name="add", description="Adds.")], choice=choice)
    assert ("Adds." in asked[0][0]["content"]) is told
    assert (output.stop_reason == "tool_calls") is told
    assert bool(output.message.tool_calls) is told


def test_answers_at_once_share_batches(held_model) -> None:
    models = [held_model("free"), held_model("firm")]
    held: HeldModel = models[0].api._lease.held
    assert models[1].api._lease.held is held
    batcher = held._thread._batcher
    step, rows = batcher.step, []
    batcher.step = lambda: (rows.append(batcher.n_rows), step())[1]
    try:

        async def together():
            asked = [[ChatMessageUser(content=f"What is {n} and {n}?")] for n in range(6)]
            return await asyncio.gather(
                *(models[n % 2].api.generate(each, [], "auto", GREEDY) for n, each in enumerate(asked))
            )

        outputs = asyncio.run(together())
    finally:
        del batcher.step
    assert max(rows) == 6
    assert len(rows) < 3 * GREEDY.max_tokens
    assert {output.metadata["hold"] for output in outputs} == {"free", "firm"}
    assert {output.metadata["fired"] > 0 for output in outputs if output.metadata["hold"] == "free"} == {False}


def test_every_loop_may_ask_but_trios(held_model) -> None:
    model = held_model()
    assert generated(model).completion == generated(model).completion == anyio.run(ask, model).completion

    # Stepped by hand, no loop of asyncio's is running: so it is under trio.
    with pytest.raises(RunError, match="asyncio"):
        ask(model).send(None)


async def ask(model):
    return await model.api.generate(list(ASKED), [], "auto", GREEDY)


def test_a_closed_share_answers_no_more_and_leaves_others_theirs(held_model) -> None:
    model, other = held_model(), held_model("firm")
    model.api.close()
    model.api.close()
    with pytest.raises(RunError, match="was closed"):
        generated(model)
    assert generated(other).completion


def test_one_loaded_model_has_one_number_of_rows(held_model) -> None:
    with pytest.raises(PrerequisiteError, match="max_rows=4: smollm2-135m runs in this process with 16"):
        held_model(max_rows=4)
    assert held_model(max_rows=16).api.max_connections() == 16


def test_tokens_are_counted_by_the_models_own_tokenizer(held_model) -> None:
    api = held_model().api
    ids = asyncio.run(api.tokenize("How do tides work?"))
    assert api._lease.held.chat.tokenizer.decode(ids) == "How do tides work?"
    assert asyncio.run(api.count_text_tokens("How do tides work?")) == len(ids)
    assert (api.max_connections(), api.max_tokens()) == (16, 2048)
    assert api.connection_key() == held_model("firm").api.connection_key()
