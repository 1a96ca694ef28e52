import json
from pathlib import Path

import pytest
from tiny_models import CHATML, GEMMA, make_tokenizer
from tokenizers import processors

from holdtrue.errors import ArtifactError, NoChatTemplate, TranscriptError
from holdtrue.models import ChatModel, ChatTemplate
from holdtrue.models.template import read_template

SPECIALS = ["<bos>", "<eos>", "<|im_start|>", "<|im_end|>", "<start_of_turn>", "<end_of_turn>"]
DROPS_SYSTEM = "{% for m in messages if m['role'] != 'system' %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}"
FIRST_SYSTEM_ONLY = (
    "{% for m in messages %}{% if m['role'] == 'system' and not loop.first %}{{ raise_exception('late') }}{% endif %}"
    "[{{ m['role'] }}]{{ m['content'] }}{% endfor %}"
)
SYSTEM = {"role": "system", "content": "Be kind."}
USER = {"role": "user", "content": "hello"}
REPLY = {"role": "assistant", "content": "hi"}


def chat(text: str) -> ChatTemplate:
    return ChatTemplate(make_tokenizer(SPECIALS), text)


def test_a_template_with_a_system_role_shows_it() -> None:
    template = chat(CHATML)
    assert template.supports_system
    assert "<|im_start|>system\nBe kind.<|im_end|>" in template.render([SYSTEM, USER])


@pytest.mark.parametrize("text", [GEMMA, DROPS_SYSTEM])
def test_system_text_is_folded_where_the_template_refuses_or_drops_it(text: str) -> None:
    template = chat(text)
    assert not template.supports_system
    folded = {"role": "user", "content": "Be kind.\n\nhello"}
    assert template.render([SYSTEM, USER]) == template.render([folded])
    assert template.render([SYSTEM, USER, REPLY, USER]) == template.render([folded, REPLY, USER])


def test_a_late_system_message_is_folded_where_only_a_first_one_is_taken() -> None:
    template = chat(FIRST_SYSTEM_ONLY)
    assert template.supports_system
    assert template.render([SYSTEM, USER, REPLY, SYSTEM, USER]).endswith("[assistant]hi[user]Be kind.\n\nhello")
    assert template.render([SYSTEM, USER, REPLY, SYSTEM]).endswith("[assistant]hi[user]Be kind.")


def test_folding_a_prefix_is_the_prefix_of_folding() -> None:
    template = chat(GEMMA)
    messages = [SYSTEM, REPLY, USER, REPLY]
    whole = template.render(messages)
    assert whole.startswith(template.render(messages[:2]))


def test_there_is_one_bos_whoever_writes_it() -> None:
    for text in (CHATML, "{{ bos_token }}" + CHATML):
        for adds in (False, True):
            tokenizer = make_tokenizer(SPECIALS, text)
            if adds:
                tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
                    single="<bos>:0 $A:0", special_tokens=[("<bos>", 0)]
                )
            ids = ChatTemplate(tokenizer).encode([USER], add_generation_prompt=True)
            assert ids.count(0) == (1 if adds or "bos_token" in text else 0)
            assert ids[0] == 0 or not ids.count(0)


def test_encode_agrees_with_transformers(smollm: ChatModel) -> None:
    messages = [SYSTEM, USER, REPLY, USER]
    theirs = smollm.tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    assert smollm.template.encode(messages, add_generation_prompt=True) == theirs


def test_the_date_in_a_template_is_always_the_same() -> None:
    template = chat("{{ strftime_now('%d %b %Y') }}|{{ date_string }}")
    assert template.render([USER]) == "26 Jul 2024|26 Jul 2024"


def test_the_digest_covers_text_and_the_tokens_it_prints() -> None:
    assert chat(CHATML).digest == chat(CHATML).digest
    assert chat(CHATML).digest != chat(GEMMA).digest
    assert ChatTemplate(make_tokenizer(["<s>", *SPECIALS[1:]]), CHATML).digest != chat(CHATML).digest


def test_a_tokenizer_without_a_template_says_how_to_give_one() -> None:
    with pytest.raises(NoChatTemplate, match=r"toy has no chat template.*--template FILE"):
        ChatTemplate(make_tokenizer(SPECIALS), name="toy")


def test_a_template_that_is_no_jinja_is_an_artifact_error() -> None:
    with pytest.raises(ArtifactError, match="isn't jinja"):
        chat("{% for %}")


@pytest.mark.parametrize(
    ("messages", "match"),
    [
        ([{"role": "asistant", "content": "x"}], "message 0 has role 'asistant'; did you mean 'assistant'"),
        ([USER, {"content": "x"}], "message 1 has role None"),
        ([{"role": "user"}], "content of type NoneType"),
        ([{"role": "user", "content": "\ud83d"}], "half a surrogate pair"),
    ],
)
def test_malformed_messages_are_named(messages: list[dict[str, str]], match: str) -> None:
    with pytest.raises(TranscriptError, match=match):
        chat(CHATML).render(messages)


def test_a_refusal_by_the_template_is_one_line_with_the_roles() -> None:
    with pytest.raises(TranscriptError, match=r"refuses this conversation \(roles: user, user\): in turn"):
        chat("{% if messages | length > 1 %}{{ raise_exception('in turn') }}{% endif %}").render([USER, USER])


def test_template_files(tmp_path: Path) -> None:
    path = tmp_path / "t"
    for text in (
        CHATML,
        json.dumps({"chat_template": CHATML}),
        json.dumps({"chat_template": [{"name": "tool", "template": "x"}, {"name": "default", "template": CHATML}]}),
    ):
        path.write_text(text)
        assert read_template(path) == CHATML
    for text in ("", "{}", json.dumps({"chat_template": 3})):
        path.write_text(text)
        with pytest.raises(ArtifactError, match="holds no template"):
            read_template(path)
    with pytest.raises(ArtifactError, match="can't be read"):
        read_template(tmp_path / "none")
