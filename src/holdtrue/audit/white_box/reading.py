"""One row through the model: how assistant-like its reply reads, and how likely it is."""

from typing import Final, Literal, final

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from holdtrue.axis import Axis
from holdtrue.engines.hf import LayerHooks
from holdtrue.errors import TranscriptError
from holdtrue.models import ChatModel, read_passes
from holdtrue.records.audit_reading import AuditReading
from holdtrue.watch.reader import check_axis

__all__ = ["COLUMNS", "PROMPT_CHARACTERS", "REPLY_TOKENS", "RowReader"]

PROMPT_CHARACTERS: Final = 2000
REPLY_TOKENS: Final = 512
# Before the tokenizer sees it: a row may have ten million characters. Few tokens have more than eight.
_REPLY_CHARACTERS: Final = 8 * REPLY_TOKENS
_PASS_TOKENS: Final = 4096
COLUMNS: Final = ("system", "prompt", "response")


@final
class RowReader:
    """A model and its axis, reading rows teacher-forced.

    Projection and likelihood come from one pass: two would take nearly twice as long.

    Args:
        model: the axis's own model.
        axis: fitted and calibrated on that model.

    Raises:
        ArtifactError: the axis failed its sign self-test.
        EvidenceError: the axis has no calibration.
        WrongModel: the axis belongs to another model or chat template.
    """

    def __init__(self, model: ChatModel, axis: Axis) -> None:
        check_axis(model, axis)
        axis.calibration()
        self._model, self._axis = model, axis
        self._most = min(_PASS_TOKENS, model.max_positions or _PASS_TOKENS)

    def read(self, side: Literal["suspect", "control"], row: int, fields: dict[str, str]) -> AuditReading:
        """Read a row as one turn of each side; its earlier turns stand in the prompt, as the audit's rows have them.

        `projection = mean_t <h_t, v>` and `log_likelihood = mean_t log p(x_t | x_<t)` over the tokens of the reply.

        Args:
            side: whose row it is.
            row: its number.
            fields: its `COLUMNS`.
        """
        system, prompt, reply = (fields[name] for name in COLUMNS)
        messages = [
            *([{"role": "system", "content": system[:PROMPT_CHARACTERS]}] if system else []),
            {"role": "user", "content": prompt[-PROMPT_CHARACTERS:]},
            {"role": "assistant", "content": reply[:_REPLY_CHARACTERS]},
        ]
        cut = max(len(system), len(prompt)) > PROMPT_CHARACTERS or len(reply) > _REPLY_CHARACTERS
        try:
            (found,) = read_passes(self._model.template, messages)
        except TranscriptError as error:
            return _unread(side, row, cut, str(error))
        answer = [at for at in found.turns[0].answer if at < self._most][:REPLY_TOKENS]
        cut = cut or len(answer) < len(found.turns[0].answer)
        if not answer:
            why = f"its prompt fills all {self._most} tokens" if found.turns[0].answer else "its reply is empty"
            return _unread(side, row, cut, why)
        projection, log_likelihood = self._run(found.token_ids[: answer[-1] + 1], answer)
        return AuditReading(
            side=side, row=row, projection=projection, log_likelihood=log_likelihood, n_tokens=len(answer), cut=cut
        )

    @torch.inference_mode()
    def _run(self, token_ids: tuple[int, ...], answer: list[int]) -> tuple[float, float]:
        stream: list[Tensor] = []
        block = self._model.layers[self._axis.layer]
        ids = torch.tensor([token_ids], device=self._model.device)
        # Each token's likelihood stands one place before it. The template never lets an answer open the text.
        first = answer[0] - 1
        with LayerHooks((block,), lambda _, found: stream.append(found[0, answer])):
            logits = self._model.model(input_ids=ids, use_cache=False, logits_to_keep=len(token_ids) - first).logits
        before = logits[0, [at - 1 - first for at in answer]].float()
        loss = cross_entropy(before, ids[0, answer].to(before.device))
        return float(self._axis.project(stream[0]).mean()), -float(loss)


def _unread(side: Literal["suspect", "control"], row: int, cut: bool, why: str) -> AuditReading:  # noqa: FBT001
    return AuditReading(side=side, row=row, projection=None, log_likelihood=None, n_tokens=0, cut=cut, unread=why[:200])
