"""The running means, fed by hand: one layer whose state for token t is t itself."""

import pytest
import torch

from holdtrue.engines.hf import ResponseMeans
from holdtrue.engines.hf.capture import ThinkTokens

END, OPEN, CLOSE = 9, 7, 8
PROMPT = [1, 2]


def means(*responses: list[int], prompt: list[int] = PROMPT, limit: int = 6) -> dict[int, float]:
    """Play `generate`: draw a token for every row, tell the criterion, feed it, until limit + 1 are drawn."""
    think = ThinkTokens(OPEN, CLOSE)
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
    assert means([3, 5], [4], [3, 3, 3, 3, 3, 6]) == pytest.approx({0: 4.0, 1: 4.0, 2: 3.5})


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
