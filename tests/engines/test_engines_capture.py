"""The running means, fed by hand: one layer whose state for token t is t itself."""

import pytest
import torch
from families import family
from tiny_models import CHATML, make_tokenizer
from tokenizers.processors import TemplateProcessing

from holdtrue.engines.hf import ResponseMeans
from holdtrue.engines.hf.capture import ThinkTokens, think_tokens
from holdtrue.models import wrap

END, OPEN, CLOSE, BLANK = 9, 7, 8, 6
PROMPT = [1, 2]
THINK = ThinkTokens(OPEN, CLOSE, lambda token: token == BLANK)


def means(*responses: list[int], prompt: list[int] = PROMPT, limit: int = 6) -> dict[int, float]:
    """Play `generate`: draw a token for every row, tell the criterion, feed it, until limit + 1 are drawn."""
    think = THINK
    capture = ResponseMeans(1, [limit] * len(responses), [prompt] * len(responses), 2, frozenset({END}), think)
    padded = torch.tensor([(response + [END] + [0] * limit)[: limit + 1] for response in responses])
    ids = torch.tensor([PROMPT] * len(responses))
    capture.read(0, ids[..., None].float())  # the prompt's own pass
    for step in range(limit + 1):
        ids = torch.cat([ids, padded[:, step : step + 1]], dim=1)
        capture(ids, None)
        capture.read(0, ids[:, -1:, None].float())
    return {row: float(mean) for row, mean in capture.means.items()}


def test_a_row_is_the_mean_of_its_own_tokens_whenever_it_ends():
    assert means([3, 5], [4], [3, 3, 3, 3, 3, 5]) == pytest.approx({0: 4.0, 1: 4.0, 2: 20 / 6})


def test_an_empty_response_has_no_mean():
    assert means([], [4]) == {1: 4.0}


def test_thinking_is_left_out_and_so_are_its_tags():
    assert means([OPEN, 100, 100, CLOSE, 3, 5], [3, 5]) == {0: 4.0, 1: 4.0}


def test_a_row_that_never_stops_thinking_answered_nothing():
    assert means([OPEN, 100, 100, 100, 100, 100], [OPEN, 100, CLOSE]) == {}


def test_a_prompt_may_open_the_thinking_itself():
    assert means([100, CLOSE, 3, 5], prompt=[1, OPEN]) == {0: 4.0}
    assert means([3, 5], prompt=[OPEN, CLOSE]) == {0: 4.0}


def test_a_closing_tag_out_of_place_is_an_ordinary_token():
    assert means([4, CLOSE]) == {0: 6.0}


def test_only_what_leads_a_response_is_thinking():
    assert means([3, OPEN, 4, CLOSE]) == {0: (3 + OPEN + 4 + CLOSE) / 4}
    assert means([BLANK, OPEN, 100, CLOSE, BLANK, 5]) == {0: 5.0}
    assert means([OPEN, 1, CLOSE, 3, OPEN, 5]) == {0: (3 + OPEN + 5) / 3}


@pytest.mark.parametrize(
    ("prompt", "response", "aside"),
    [
        ([1], [3, OPEN, 4], "..."),
        ([1], [BLANK, OPEN, 4, CLOSE, BLANK, 5, BLANK, OPEN], ".####..."),
        ([OPEN, 1], [4, CLOSE, 5], "..."),  # a user's own words
        ([1, OPEN, BLANK], [4, CLOSE, 5], "##."),
        ([OPEN, BLANK, CLOSE, BLANK], [4, 5], ".."),
    ],
)
def test_each_token_is_followed_as_it_comes(prompt, response, aside):
    assert "".join("#" if each else "." for each in THINK.aside(prompt, response)) == aside
    part, found = THINK.begin(prompt), ""
    for token in response:
        part = THINK.follow(part, token)
        found += "#" if part.aside else "."
    assert found == aside


def test_the_tags_are_found_beside_a_bos_that_the_tokenizer_adds():
    tokenizer = make_tokenizer(["<bos>", "<eos>"], CHATML, plain=("<think>", "</think>"))
    bos = tokenizer.bos_token_id
    tokenizer._tokenizer.post_processor = TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", bos)])
    assert tokenizer("a").input_ids[0] == bos
    found = think_tokens(wrap(family("llama"), tokenizer, name="thinker"))
    assert (found.opens, found.closes) == tuple(tokenizer.convert_tokens_to_ids(["<think>", "</think>"]))
    prompt = tokenizer("hello <think>\n\n").input_ids
    assert found.left_open(prompt)
    assert not found.left_open([*prompt, *tokenizer("a").input_ids])
