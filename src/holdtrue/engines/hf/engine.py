"""transformers as an engine: batched generation with activation means, scoring, projection."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, final

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

from holdtrue.engines.base import Completion, GenerateRequest, ScoreRequest
from holdtrue.engines.hf.cap_hooks import CapHooks, HeldPasses
from holdtrue.engines.hf.capture import LayerHooks, ResponseMeans, think_tokens
from holdtrue.engines.hf.sampling import SeededSampler
from holdtrue.models import ChatModel

__all__ = ["HFEngine"]

MAX_SCORE_LOGITS = 2**26
"""Largest logits tensor that scoring makes at once (256 MiB in fp32)."""


@final
class HFEngine:
    """Runs a loaded model; holds no state between calls."""

    def __init__(self, model: ChatModel) -> None:
        self.chat = model
        self._think = think_tokens(model)

    @property
    def n_layers(self) -> int:
        """Decoder blocks."""
        return self.chat.n_layers

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return self.chat.d_model

    @torch.inference_mode()
    def generate(self, requests: Sequence[GenerateRequest], *, capture: bool) -> list[Completion]:
        """Draw one response per request, in one batch (see `Engine.generate`)."""
        if not requests:
            return []
        limit = max(request.max_new_tokens for request in requests)
        ids, mask = self._left_padded([request.prompt_token_ids for request in requests])
        # One token more than asked for, so that the last one kept is fed back and its activations exist.
        steps = limit + 1 if capture else limit
        sampler = SeededSampler(requests, steps)
        means = ResponseMeans(
            self.n_layers,
            [request.max_new_tokens for request in requests],
            [request.prompt_token_ids for request in requests],
            ids.shape[1],
            self.chat.eos_token_ids,
            self._think,
        )
        with self._held(requests, ids.shape[1]), LayerHooks(self.chat.layers if capture else (), means.read):
            generate: Any = self.chat.model.generate  # transformers leaves it untyped
            produced = generate(
                input_ids=ids,
                attention_mask=mask,
                generation_config=GenerationConfig(  # type: ignore[no-untyped-call]
                    max_new_tokens=steps,
                    do_sample=False,
                    num_beams=1,
                    repetition_penalty=1.0,  # else the model's own default would shift the log-probabilities
                    eos_token_id=sorted(self.chat.eos_token_ids),
                    pad_token_id=self.chat.pad_token_id,
                ),
                logits_processor=LogitsProcessorList([sampler]),
                stopping_criteria=StoppingCriteriaList([means] if capture else []),
            )
        log_probs = torch.stack(sampler.log_probs, dim=1).cpu()
        rows = produced[:, ids.shape[1] :].tolist()
        return [
            self._completion(request, row, log_probs[i], means.means.get(i))
            for i, (request, row) in enumerate(zip(requests, rows, strict=True))
        ]

    def _held(self, requests: Sequence[GenerateRequest], width: int) -> AbstractContextManager[object]:
        """The rows' holds, in force for one `generate`; before the hooks that capture, so that these see it."""
        held = next((request.floors for request in requests if request.floors is not None), None)
        if held is None:
            return nullcontext()
        mask = torch.zeros(len(requests), width, dtype=torch.bool)
        for row, request in enumerate(requests):
            mask[row, [width - len(request.prompt_token_ids) + at for at in request.held_prompt]] = True
        hooks = CapHooks(self.chat.layers, held.units, held.layers[0])
        hooks.rows([request.floors for request in requests])
        return HeldPasses(self.chat.model, hooks, mask)

    def _completion(
        self,
        request: GenerateRequest,
        row: list[int],
        log_probs: Float[Tensor, " steps"],
        mean: Float[Tensor, "n_layers d_model"] | None,
    ) -> Completion:
        end = next((i for i, token in enumerate(row) if token in self.chat.eos_token_ids), len(row))
        tokens = tuple(row[: min(end, request.max_new_tokens)])
        text = str(self.chat.tokenizer.decode(list(tokens), skip_special_tokens=False))
        average = float(log_probs[: len(tokens)].mean()) if tokens else 0.0
        return Completion(tokens, text, average, mean if tokens else None)

    @torch.inference_mode()
    def score(self, requests: Sequence[ScoreRequest]) -> list[float]:
        """Mean log-probability per response token (see `Engine.score`)."""
        found = [0.0] * len(requests)
        spoken = [i for i, request in enumerate(requests) if request.response_token_ids]
        for rows in self._score_batches(requests, spoken):
            batch = [requests[i] for i in rows]
            longest = max(len(request.response_token_ids) for request in batch)
            ids, mask = self._left_padded([r.prompt_token_ids + r.response_token_ids for r in batch])
            logits = self.chat.model(
                input_ids=ids, attention_mask=mask, logits_to_keep=longest + 1, use_cache=False
            ).logits[:, :-1]
            targets = ids[:, -longest:].to(logits.device)
            picked = logits.float().log_softmax(dim=-1).gather(2, targets[..., None])[..., 0]
            for i, request, values in zip(rows, batch, picked.cpu(), strict=True):
                found[i] = float(values[-len(request.response_token_ids) :].mean())
        return found

    def _score_batches(self, requests: Sequence[ScoreRequest], rows: list[int]) -> Iterator[list[int]]:
        """Rows by total length, in batches whose logits fit `MAX_SCORE_LOGITS`."""
        head: Any = self.chat.model.get_output_embeddings()  # type: ignore[no-untyped-call]
        vocabulary = int(head.weight.shape[0])
        ordered = sorted(rows, key=lambda i: len(requests[i].prompt_token_ids) + len(requests[i].response_token_ids))
        batch: list[int] = []
        longest = 0
        for i in ordered:
            longest = max(longest, len(requests[i].response_token_ids) + 1)
            if batch and (len(batch) + 1) * longest * vocabulary > MAX_SCORE_LOGITS:
                yield batch
                batch, longest = [], len(requests[i].response_token_ids) + 1
            batch.append(i)
        if batch:
            yield batch

    @torch.inference_mode()
    def project(
        self, token_ids: Sequence[int], units: Float[Tensor, "n_layers d_model"]
    ) -> Float[Tensor, "n_layers tokens"]:
        """Project every block's output on its unit vector (see `Engine.project`)."""
        found = torch.empty(self.n_layers, len(token_ids))

        def read(layer: int, stream: Float[Tensor, "1 tokens d_model"]) -> None:
            found[layer] = (stream[0].float() @ units[layer].to(stream.device)).cpu()

        with LayerHooks(self.chat.layers, read):
            # The backbone alone: a reading needs no logits.
            self.chat.model.base_model(
                input_ids=torch.tensor([list(token_ids)], device=self.chat.device), use_cache=False
            )
        return found

    @torch.inference_mode()
    def resid(self, token_ids: Sequence[int], layer: int) -> Float[Tensor, "tokens d_model"]:
        """Output of one block for every token of a text (see `Engine.resid`)."""
        found: list[Tensor] = []
        with LayerHooks((self.chat.layers[layer],), lambda _, stream: found.append(stream[0].float().cpu())):
            self.chat.model.base_model(
                input_ids=torch.tensor([list(token_ids)], device=self.chat.device), use_cache=False
            )
        return found[0]

    def _left_padded(
        self, prompts: Sequence[Sequence[int]]
    ) -> tuple[Int64[Tensor, "batch pos"], Int64[Tensor, "batch pos"]]:
        width = max(len(prompt) for prompt in prompts)
        ids = torch.full((len(prompts), width), self.chat.pad_token_id, dtype=torch.int64)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, width - len(prompt) :] = torch.tensor(prompt, dtype=torch.int64)
            mask[row, width - len(prompt) :] = 1
        return ids.to(self.chat.device), mask.to(self.chat.device)
