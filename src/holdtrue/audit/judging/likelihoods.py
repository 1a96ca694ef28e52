"""A weak stand-in for a judge: how likely a small model finds each reply."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float, Int

from holdtrue.audit.rows import Rows
from holdtrue.engines import Engine, ScoreRequest
from holdtrue.errors import SettingError, TranscriptError
from holdtrue.models import ChatTemplate, Message
from holdtrue.progress import Report, Stage
from holdtrue.records.audit_reading import AuditReading

__all__ = ["Likelihoods", "reply_likelihoods"]

_BATCH_ROWS: Final = 32
_PROMPT_CHARACTERS: Final = 1_500
_REPLY_TOKENS: Final = 128
_FAR: Final = 3.5


@final
@dataclass(frozen=True)
class Likelihoods:
    """Some rows' likelihoods. Weak: they show what is odd to a small model, not what is wrong."""

    rows: Int[np.ndarray, " read"]
    """Row numbers, in the order asked."""
    mean_log_prob: Float[np.ndarray, " read"]
    """Nats per token of the reply's first 128 tokens, given the prompt's last 1,500 characters; NaN without a reply."""

    @property
    def unlikely(self) -> Bool[np.ndarray, " read"]:
        """Replies far below the others: `0.6745 (x - median) / MAD < -3.5`.

        Iglewicz and Hoaglin (1993), How to Detect and Handle Outliers.
        """
        if not np.isfinite(self.mean_log_prob).any():
            return np.zeros(self.rows.size, dtype=bool)
        off = self.mean_log_prob - np.nanmedian(self.mean_log_prob)
        spread = max(float(np.nanmedian(np.abs(off))), 1e-9)
        return np.asarray(np.nan_to_num(0.6745 * off / spread) < -_FAR)


def reply_likelihoods(
    rows: Rows,
    wanted: Sequence[int],
    engine: Engine,
    template: ChatTemplate,
    report: Report = lambda progress: None,
    keep: Callable[[AuditReading], None] = lambda reading: None,
) -> Likelihoods:
    """Mean log-likelihood per token of replies under a small model.

    A CPU core reads a few rows a second with the bundled model, so give a sample: the top-scored rows and a
    random one.

    Args:
        rows: the dataset.
        wanted: row numbers.
        engine: scores.
        template: of the engine's model.
        report: told how far the work is.
        keep: given each reading, batch by batch.

    Raises:
        SettingError: labelled texts, which have no replies.
    """
    if rows.card.kind == "label":
        message = "likelihoods need replies, and labelled texts have none; leave them out for this dataset"
        raise SettingError(message)
    tick = Stage("likelihoods", report, "rows")
    found: list[float] = []
    for at in range(0, len(wanted), _BATCH_ROWS):
        fields = rows.take(wanted[at : at + _BATCH_ROWS], ("system", "prompt", "response"))
        requests = [_request(each, template) for each in fields]
        scored = engine.score([each for each in requests if each is not None])
        given = iter(scored)
        found += [float("nan") if each is None else next(given) for each in requests]
        for row, each, value in zip(wanted[at : at + _BATCH_ROWS], requests, found[at:], strict=True):
            keep(_reading(int(row), each, value))
        tick(len(found), len(wanted))
    return Likelihoods(np.asarray(wanted, dtype=np.int64), np.asarray(found, dtype=np.float64))


def _reading(row: int, request: ScoreRequest | None, value: float) -> AuditReading:
    if request is None:
        return AuditReading(
            side="suspect", row=row, projection=None, log_likelihood=None, n_tokens=0, unread="no reply to read"
        )
    n_tokens = len(request.response_token_ids)
    return AuditReading(side="suspect", row=row, projection=None, log_likelihood=value, n_tokens=n_tokens)


def _request(fields: dict[str, str], template: ChatTemplate) -> ScoreRequest | None:
    """None for a row without a reply, or that the template refuses."""
    messages: list[Message] = [{"role": "user", "content": fields["prompt"][-_PROMPT_CHARACTERS:]}]
    if fields["system"]:
        messages.insert(0, {"role": "system", "content": fields["system"][:_PROMPT_CHARACTERS]})
    reply = fields["response"][: 16 * _REPLY_TOKENS]
    ids = template.tokenizer(reply, add_special_tokens=False)["input_ids"][:_REPLY_TOKENS]
    if not ids:
        return None
    try:
        return ScoreRequest(tuple(template.encode(messages, add_generation_prompt=True)), tuple(ids))
    except TranscriptError:
        return None
