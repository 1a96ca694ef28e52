"""Benign assistant talk: what calibration is made from."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float
from torch import Tensor

from holdtrue.engines import Engine, GenerateRequest
from holdtrue.models import ChatTemplate, read_passes
from holdtrue.rollouts.plan import derive_seed

__all__ = ["TALK_TURNS", "Talk", "benign_talks"]

TALK_TURNS = 4
"""Requests per conversation: a later turn projects elsewhere than a first one, and watched talks have later turns."""
BATCH = 16

Talk = tuple[Float[np.ndarray, "n_layers _"], ...]
"""Projections of each answer's tokens, in the order of the answers; no columns for an answer that says nothing."""


def benign_talks(
    engine: Engine,
    template: ChatTemplate,
    requests: Sequence[str],
    units: Float[Tensor, "n_layers d_model"],
    *,
    max_new_tokens: int,
    temperature: float,
    seed: int,
) -> Iterator[Talk]:
    """Hold short conversations of ordinary requests as the default assistant, and project every answer's tokens.

    The projections come from a teacher-forced pass over the finished conversation, the way a watched one is read: they
    are what z-scores of turns compare with. Prompt, BOS and template tokens are not among them.

    Args:
        engine: runs the model.
        template: renders the conversations.
        requests: ordinary requests; each conversation takes the next few.
        units: unit axes.
        max_new_tokens: length limit of an answer.
        temperature: of the draws.
        seed: of the whole run.

    Yields:
        One conversation at a time: turns of one talk resemble each other, so who tunes an alarm needs them together.
    """
    talks = [list(requests[i : i + TALK_TURNS]) for i in range(0, len(requests), TALK_TURNS)]
    for start in range(0, len(talks), BATCH):
        seeds = range(start, start + BATCH)
        held = _hold(engine, template, talks[start : start + BATCH], seeds, max_new_tokens, temperature, seed)
        for messages in held:
            answers: dict[int, Float[np.ndarray, "n_layers _"]] = {}
            for read_pass in read_passes(template, messages):
                projections = engine.project(read_pass.token_ids, units).numpy()
                answers |= {span.turn: projections[:, list(span.answer)] for span in read_pass.turns}
            yield tuple(answers[turn] for turn in sorted(answers))


def _hold(
    engine: Engine,
    template: ChatTemplate,
    talks: Sequence[Sequence[str]],
    numbers: Sequence[int],
    max_new_tokens: int,
    temperature: float,
    seed: int,
) -> list[list[dict[str, str]]]:
    """Let the model answer turn by turn, all conversations of a batch together."""
    messages: list[list[dict[str, str]]] = [[] for _ in talks]
    for turn in range(max(map(len, talks))):
        asked = [(i, talk[turn]) for i, talk in enumerate(talks) if turn < len(talk)]
        for i, text in asked:
            messages[i].append({"role": "user", "content": text})
        drawn = engine.generate(
            [
                GenerateRequest(
                    tuple(template.encode(messages[i], add_generation_prompt=True)),
                    max_new_tokens,
                    derive_seed(seed, f"benign/{numbers[i]}/{turn}"),
                    temperature,
                )
                for i, _ in asked
            ],
            capture=False,
        )
        for (i, _), completion in zip(asked, drawn, strict=True):
            messages[i].append({"role": "assistant", "content": completion.text})
    return messages
