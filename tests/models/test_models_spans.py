from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_models import CHATML, GEMMA, make_tokenizer

from holdtrue.models import ChatModel, ChatTemplate, ReadPass, read_passes

SPECIALS = [
    "<|begin_of_text|>",
    "<|eot_id|>",
    "<|im_start|>",
    "<|im_end|>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<|start_header_id|>",
    "<|end_header_id|>",
]
LLAMA3 = (
    "{% for m in messages %}{% set c = '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n'"
    " + m['content'] | trim + '<|eot_id|>' %}"
    "{% if loop.first %}{% set c = bos_token + c %}{% endif %}{{ c }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
# As Qwen3's: thinking before the last user turn is dropped, and the last turn always shows a segment.
QWEN3 = (
    "{% set ns = namespace(last=-1) %}{% for m in messages %}{% if m['role'] == 'user' %}"
    "{% set ns.last = loop.index0 %}{% endif %}{% endfor %}"
    "{% for m in messages %}{% if m['role'] == 'assistant' %}{% set c = m['content'] %}"
    "{% set think = '' %}{% if '</think>' in c %}"
    "{% set think = c.split('</think>')[0].split('<think>')[-1].strip('\n') %}"
    "{% set c = c.split('</think>')[-1].lstrip('\n') %}{% endif %}{{ '<|im_start|>assistant\n' }}"
    "{% if loop.index0 > ns.last %}{{ '<think>\n' + think + '\n</think>\n\n' + c }}{% else %}{{ c }}{% endif %}"
    "{{ '<|im_end|>\n' }}{% else %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
# As QwQ's and R1's: the generation prompt opens the thinking segment itself.
OPENED = CHATML.replace("assistant\n' }}{% endif", "assistant\n<think>\n' }}{% endif")
# As Llama 2's: a blank between the template and what is said, and no newline anywhere.
INST = (
    "{% for m in messages %}{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
    "{% elif m['role'] == 'assistant' %}{{ ' ' + m['content'] | trim + ' ' + eos_token }}{% endif %}{% endfor %}"
)
STYLES = {"chatml": CHATML, "gemma": GEMMA, "llama3": LLAMA3, "qwen3": QWEN3, "opened": OPENED, "inst": INST}


def chat(text: str) -> ChatTemplate:
    return ChatTemplate(make_tokenizer(SPECIALS, text, plain=("<think>", "</think>")))


def talk(*contents: str, system: str | None = None) -> list[dict[str, str]]:
    """Alternating turns, the user first."""
    roles = ("user", "assistant")
    turns = [{"role": roles[index % 2], "content": content} for index, content in enumerate(contents)]
    return turns if system is None else [{"role": "system", "content": system}, *turns]


def said(template: ChatTemplate, passes: Sequence[ReadPass], *, thinking: bool = False) -> dict[int, str]:
    out = {}
    for read in passes:
        for turn in read.turns:
            at = turn.thinking if thinking else turn.answer
            out[turn.turn] = template.tokenizer.decode([read.token_ids[position] for position in at])
    return out


@pytest.mark.parametrize("style", STYLES)
def test_every_turn_is_found_once_and_holds_what_was_said(style: str) -> None:
    template = chat(STYLES[style])
    contents = [f"{'ask' if index % 2 == 0 else 'hello, tell'} {index} é🎉👩‍🚀 x" for index in range(12)]
    passes = read_passes(template, talk(*contents, system="Be kind."))
    found = said(template, passes)
    assert list(found) == list(range(2, 13, 2))
    for turn, text in found.items():
        assert text.strip() == contents[turn - 1]
    for read in passes:
        for turn in read.turns:
            assert not {read.token_ids[at] for at in turn.answer} & template.special_ids
    assert len(passes) == (6 if style == "qwen3" else 1)


def test_the_whole_conversation_is_one_pass_up_to_the_last_thing_said() -> None:
    template = chat(CHATML)
    (read,) = read_passes(template, talk("a", "b", "c", "d", "e"))
    assert list(read.token_ids) == template.encode(talk("a", "b", "c", "d"))


def test_repeated_and_quoted_text_confuses_nothing() -> None:
    template = chat(CHATML)
    (read,) = read_passes(template, talk("hello", "hello", "hello", "hello"))
    one, two = read.turns
    assert said(template, [read]) == {1: "hello", 3: "hello"}
    assert max(one.answer) < min(two.answer)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("content", ["", "  ", "\n\n", "  hello  ", "\n hello\n"])
def test_empty_and_blank_turns(style: str, content: str) -> None:
    template = chat(STYLES[style])
    passes = read_passes(template, talk("a", content, "b", "hello", "c", content))
    found = said(template, passes)
    assert list(found) == [1, 3, 5]
    assert found[3].strip() == "hello"
    assert found[1].strip() == found[5].strip() == content.strip()
    if style in ("gemma", "llama3"):  # they trim
        assert found[1] == content.strip()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "content",
    ["a <|im_end|>\n b", "<|im_end|>", "<end_of_turn>\n", "<|begin_of_text|>hello", "x<|eot_id|>", "a [/INST]"],
)
def test_special_text_inside_the_content_is_neither_counted_nor_fatal(style: str, content: str) -> None:
    template = chat(STYLES[style])
    passes = read_passes(template, talk("a", content, content, "hello"))
    for read in passes:
        for turn in read.turns:
            assert not {read.token_ids[at] for at in turn.answer} & template.special_ids
    assert said(template, passes)[3].strip() == "hello"


def test_history_that_is_rewritten_is_read_turn_by_turn_in_its_own_context() -> None:
    template = chat(QWEN3)
    first, second = "<think>\nplan one\n</think>\n\nhello one", "<think>\nplan two\n</think>\n\nhello two"
    passes = read_passes(template, talk("a", first, "b", second))
    assert [[turn.turn for turn in read.turns] for read in passes] == [[1], [3]]
    assert said(template, passes) == {1: "hello one", 3: "hello two"}
    assert said(template, passes, thinking=True) == {
        1: "<think>\nplan one\n</think>",
        3: "<think>\nplan two\n</think>",
    }
    assert "plan one" not in template.tokenizer.decode(passes[1].token_ids)


@pytest.mark.parametrize("style", ["chatml", "llama3", "opened"])
def test_thinking_is_apart_from_the_answer(style: str) -> None:
    template = chat(STYLES[style])
    passes = read_passes(template, talk("a", "<think>\nplan </think>\n\nhello </think> x", "b", "no <think> here"))
    assert said(template, passes) == {1: "hello </think> x", 3: "no <think> here"}
    assert said(template, passes, thinking=True) == {1: "<think>\nplan </think>", 3: ""}


def test_thinking_that_was_cut_off_leaves_no_answer() -> None:
    template = chat(CHATML)
    (read,) = read_passes(template, talk("a", "<think>\nplan and pl"))
    assert read.turns[0].answer == ()
    assert said(template, [read], thinking=True) == {1: "<think>\nplan and pl"}


def test_the_thinking_tags_are_the_template_s() -> None:
    template = ChatTemplate(make_tokenizer(SPECIALS, CHATML), think_tags=("[T]", "[/T]"))
    passes = read_passes(template, talk("a", "[T]plan[/T] hello"))
    assert said(template, passes, thinking=True) == {1: "[T]plan[/T]"}
    assert said(template, passes)[1].strip() == "hello"


def test_a_bos_that_the_tokenizer_adds_shifts_every_position() -> None:
    from tokenizers import processors

    plain, adding = chat(CHATML), chat(CHATML)
    adding.tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<|begin_of_text|>:0 $A:0", special_tokens=[("<|begin_of_text|>", 0)]
    )
    (one,), (two,) = (read_passes(template, talk("a", "hello")) for template in (plain, adding))
    assert two.token_ids == (0, *one.token_ids)
    assert two.turns[0].answer == tuple(at + 1 for at in one.turns[0].answer)


def test_an_assistant_that_speaks_first_and_one_that_never_does() -> None:
    template = chat(CHATML)
    assert said(template, read_passes(template, [{"role": "assistant", "content": "hello"}])) == {0: "hello"}
    assert read_passes(template, talk("a")) == ()
    assert read_passes(template, []) == ()


def test_two_assistant_turns_in_a_row() -> None:
    template = chat(CHATML)
    turns = [*talk("a", "hello"), {"role": "assistant", "content": "again"}]
    assert said(template, read_passes(template, turns)) == {1: "hello", 2: "again"}


def test_the_bundled_tokenizer(smollm: ChatModel) -> None:
    contents = ["Hi", "Hello! 12 345 é🎉👩‍🚀", "ok", "", "x", "a <|im_end|> b", "y", "def f():\n    return 1\n"]
    template = smollm.template
    (read,) = read_passes(template, talk(*contents))
    found = said(template, [read])
    assert list(read.token_ids) == template.encode(talk(*contents))
    assert found == {1: contents[1], 3: "", 5: "a  b", 7: contents[7][:-1] + "\n"}
    for turn in read.turns:
        assert not {read.token_ids[at] for at in turn.answer} & set(range(17))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    style=st.sampled_from(sorted(set(STYLES) - {"qwen3", "opened"})),
    contents=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=7),
)
def test_any_text_at_all(style: str, contents: list[str]) -> None:
    template = chat(STYLES[style])
    messages = talk(*contents)
    passes = read_passes(template, messages)
    seen = [turn for read in passes for turn in read.turns]
    assert sorted(turn.turn for turn in seen) == list(range(1, len(contents), 2))
    for read in passes:
        positions = [at for turn in read.turns for at in (*turn.thinking, *turn.answer)]
        assert positions == sorted(set(positions))
        assert not {read.token_ids[at] for at in positions} & template.special_ids
    for turn, text in said(template, passes).items():
        assert text.strip() == messages[turn]["content"].strip()
