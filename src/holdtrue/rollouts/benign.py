"""Benign assistant talk: what calibration is made from."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float
from torch import Tensor

from holdtrue.engines import Engine, GenerateRequest
from holdtrue.rollouts.plan import derive_seed

__all__ = ["benign_projections"]

BATCH = 16


def benign_projections(
    engine: Engine,
    prompts: Sequence[tuple[int, ...]],
    units: Float[Tensor, "n_layers d_model"],
    *,
    max_new_tokens: int,
    temperature: float,
    seed: int,
) -> Iterator[Float[np.ndarray, "n_layers tokens"]]:
    """Answer ordinary requests as the default assistant and project each response token, at every layer.

    The projections come from a teacher-forced pass, the way a watched conversation is read; prompt, BOS and template
    tokens are not among them.

    Args:
        engine: runs the model.
        prompts: prompt token ids of ordinary requests.
        units: unit axes.
        max_new_tokens: length limit of an answer.
        temperature: of the draws.
        seed: of the whole run.
    """
    requests = [
        GenerateRequest(prompt, max_new_tokens, derive_seed(seed, f"benign/{i}"), temperature)
        for i, prompt in enumerate(prompts)
    ]
    requests.sort(key=lambda request: len(request.prompt_token_ids))
    for start in range(0, len(requests), BATCH):
        batch = requests[start : start + BATCH]
        for request, completion in zip(batch, engine.generate(batch, capture=False), strict=True):
            if completion.token_ids:
                whole = engine.project(request.prompt_token_ids + completion.token_ids, units)
                yield whole[:, len(request.prompt_token_ids) :].numpy()
