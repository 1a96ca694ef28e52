"""Reading along against reading afterwards, and what it costs."""

import random

import pytest
from tiny_models import CHATML, make_tokenizer, tiny_config, tiny_model

from holdtrue.axis import Axis
from holdtrue.engines.hf import HFEngine
from holdtrue.errors import TranscriptError, WrongModel
from holdtrue.models import ChatModel, wrap
from holdtrue.records import Transcript, Turn, TurnReading
from holdtrue.watch import Reader
from holdtrue.watch.growing import GrowingText
from holdtrue.watch.live import Abandoned, LiveReader, LiveToken, TurnSummary
from made_axis import made_axis

# As Qwen3's: thinking before the last user turn is dropped, and the last turn always shows a segment.
REWRITES = (
    "{% set ns = namespace(last=-1) %}{% for m in messages %}{% if m.role == 'user' %}{% set ns.last = loop.index0 %}"
    "{% endif %}{% endfor %}{% for m in messages %}{% if m.role == 'assistant' %}{% set c = m.content %}"
    "{% set think = '' %}{% if '</think>' in c %}"
    "{% set think = c.split('</think>')[0].split('<think>')[-1].strip('\n') %}"
    "{% set c = c.split('</think>')[-1].lstrip('\n') %}{% endif %}{{ '<|im_start|>assistant\n' }}"
    "{% if loop.index0 > ns.last %}{{ '<think>\n' + think + '\n</think>\n\n' + c }}{% else %}{{ c }}{% endif %}"
    "{{ '<|im_end|>\n' }}{% else %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
OPENS_THINKING = CHATML.replace("assistant\n' }}{% endif", "assistant\n<think>\n' }}{% endif")
TRIMS = CHATML.replace("m['content']", "m['content'] | trim")

ANSWERS = (
    "The tide is in.",
    "<think>\nhm, what 🙂?\n</think>\n\nWell — naïve 日本語 text.\n\n```python\n    return x\n```",
    "",
    "Last    one " + "-" * 70 + " done 1234567.",
    "  leading blanks, and trailing ones \n\n",
    "<think>\ncut off while",
    "The <think> in the middle is said.",
    "🏴󠁧󠁢󠁳󠁣󠁴󠁿🏴󠁧󠁢󠁳󠁣󠁴󠁿" * 5,
)


def axis_for(chat: ChatModel, layer: int) -> Axis:
    return made_axis(chat, layer, (0, layer))


def tiny(template: str) -> ChatModel:
    tokenizer = make_tokenizer(["<|im_start|>", "<|im_end|>", "<|endoftext|>"], template, plain=("<think>", "</think>"))
    return wrap(tiny_model(tiny_config("llama", max_position_embeddings=8192)), tokenizer, name="tiny")


@pytest.fixture(scope="module")
def axis(smollm: ChatModel) -> Axis:
    return axis_for(smollm, 20)


def transcript(messages: list[dict[str, str]]) -> Transcript:
    return Transcript(title="t", source="t", model=None, turns=tuple(Turn(**message) for message in messages))


def along(
    live: LiveReader, messages: list[dict[str, str]], answer: str, rng: random.Random, longest: int = 6
) -> tuple[list[LiveToken], TurnSummary]:
    turn, found, at = live.turn(messages, "s"), [], 0
    turn.prepare()
    while at < len(answer):
        size = rng.randint(1, longest)
        found += turn.feed(answer[at : at + size])
        at += size
    summary = turn.finish()
    return found + list(summary.rest), summary


def same(summary: TurnSummary, tokens: list[LiveToken], offline: TurnReading) -> None:
    assert summary.n_tokens == offline.n_tokens
    assert summary.projection == pytest.approx(offline.projection, abs=1e-3)
    assert summary.z == pytest.approx(offline.z, abs=1e-3)
    assert summary.thinking_projection == pytest.approx(offline.thinking_projection, abs=1e-3)
    said = [token for token in tokens if not token.thinking]
    assert [token.text for token in said] == [token.text for token in offline.tokens]
    assert [token.value for token in said] == pytest.approx([token.value for token in offline.tokens], abs=1e-3)


@pytest.mark.parametrize("seed", range(2))
def test_a_turn_reads_as_it_does_afterwards(smollm, engine, axis, seed):
    live, offline, rng = LiveReader(smollm, axis), Reader(smollm, engine, axis), random.Random(seed)
    messages: list[dict[str, str]] = [{"role": "system", "content": "Be brief."}]
    for answer in ANSWERS:
        messages.append({"role": "user", "content": "Go on."})
        tokens, summary = along(live, messages, answer, rng)
        messages.append({"role": "assistant", "content": answer})
        same(summary, tokens, offline.read(transcript(messages)).turns[-1])


@pytest.mark.parametrize("template", [CHATML, REWRITES, OPENS_THINKING, TRIMS])
def test_templates_that_rewrite_history_read_the_same(template):
    chat = tiny(template)
    axis = axis_for(chat, 1)
    live, offline, rng = LiveReader(chat, axis), Reader(chat, HFEngine(chat), axis), random.Random(0)
    messages: list[dict[str, str]] = []
    for answer in ANSWERS:
        messages.append({"role": "user", "content": "Go on."})
        tokens, summary = along(live, messages, answer, rng)
        messages.append({"role": "assistant", "content": answer})
        reading = offline.read(transcript(messages)).turns[-1]
        assert summary.n_tokens == reading.n_tokens
        assert summary.projection == pytest.approx(reading.projection, abs=1e-4)
        assert summary.thinking_projection == pytest.approx(reading.thinking_projection, abs=1e-4)
        if answer.startswith("<think>") and "</think>" not in answer and template == REWRITES:
            continue  # this template makes an answer of thinking that was cut off, which only the end shows
        said = [token.text for token in tokens if not token.thinking]
        assert said == [token.text for token in reading.tokens]


def test_old_turns_are_never_read_again(smollm, axis, monkeypatch):
    live, rng, fed = LiveReader(smollm, axis), random.Random(0), []
    read = live.pool.read

    def counted(*args):
        readout = read(*args)
        fed.append(readout.n_fed)
        return readout

    monkeypatch.setattr(live.pool, "read", counted)
    messages: list[dict[str, str]] = []
    extra: list[int] = []
    for number in range(8):
        messages.append({"role": "user", "content": f"Question {number}?"})
        answer = f"Answer {number}: " + "the sea is wide, and 42 boats sail it; " * 3
        along(live, messages, answer, rng, longest=24)
        new = [*messages[-1:], {"role": "assistant", "content": answer}]
        before, after = len(smollm.template.encode(messages[:-1])) if number else 0, messages + new[1:]
        messages.append(new[1])
        extra.append(sum(fed) - (len(smollm.template.encode(after)) - before))
        fed.clear()
    # What ends a turn is read with the next one, and no token is fed twice.
    assert set(extra[1:]) <= {-1, 0, 1}


def test_readings_come_while_the_answer_does(smollm, axis):
    live = LiveReader(smollm, axis)
    turn = live.turn([{"role": "user", "content": "Hi"}], "s")
    words = ["The", "sea", "is", "wide", "and", "those", "who", "sail", "it", "learn", "to", "wait"]
    came = [len(turn.feed(word + " ")) for word in words]
    assert sum(came) >= len(words) - 5
    assert turn.finish().n_tokens == sum(came) + len(turn.finish().rest)


def test_turns_of_one_session_may_interleave(smollm, engine, axis):
    live, offline = LiveReader(smollm, axis), Reader(smollm, engine, axis)
    messages = [{"role": "user", "content": "Go on."}]
    answers = ("The tide is in, and the boats are out.", "The tide is out; so am I, and all of us.")
    turns = [live.turn(messages, "s") for _ in answers]
    found: list[list[LiveToken]] = [[], []]
    for at in range(0, 40, 4):
        for turn, answer, tokens in zip(turns, answers, found, strict=True):
            tokens.extend(turn.feed(answer[at : at + 4]))
    for turn, answer, tokens in zip(turns, answers, found, strict=True):
        summary = turn.finish()
        reading = offline.read(transcript([*messages, {"role": "assistant", "content": answer}])).turns[-1]
        same(summary, tokens + list(summary.rest), reading)


def test_a_conversation_beyond_the_context_is_read_and_says_so(smollm, axis):
    live = LiveReader(smollm, axis, max_session_tokens=64)
    messages = [{"role": "user", "content": "word " * 100}]
    tokens, summary = along(live, messages, "The tide is in. " * 4, random.Random(0))
    assert summary.n_cut > 0
    assert summary.n_tokens == len(tokens)
    assert summary.projection == pytest.approx(sum(token.value for token in tokens) / len(tokens), abs=1e-3)


def test_an_abandoned_turn_stops(smollm, axis):
    turn = LiveReader(smollm, axis).turn([{"role": "user", "content": "Hi"}], "s")
    turn.abandon()
    with pytest.raises(Abandoned):
        turn.prepare()


def test_what_the_offline_reader_refuses_is_refused(smollm, axis):
    other = axis.card.model_copy(update={"weights_digest": "0" * 64})
    with pytest.raises(WrongModel):
        LiveReader(smollm, Axis(axis.vectors, None, None, other))
    with pytest.raises(TranscriptError):
        LiveReader(smollm, axis).turn([{"role": "tool", "content": "x"}], "s")


@pytest.mark.parametrize("seed", range(4))
def test_a_growing_text_has_the_tokens_of_the_whole(smollm, seed):
    rng = random.Random(seed)
    alphabet = ["hello", " ", "  ", "\n", "\n\n", "-" * 9, "1", "23", "🙂", "é", "日本", "'s", "<|im_end|>", "x" * 40]
    growing = GrowingText(smollm.template, "<|im_start|>assistant\n")
    for _ in range(120):
        growing.append(rng.choice(alphabet))
        assert (growing.ids, growing.offsets) == smollm.template.tokenize(growing.text)
