"""How an answer is drawn: what Inspect's settings say, the model's own where they are silent."""

import logging
import secrets
from dataclasses import dataclass, replace
from typing import Final, final

from inspect_ai.model import GenerateConfig

from holdtrue.models import ChatModel
from holdtrue.rollouts import derive_seed

__all__ = ["Sampling", "sampling"]

_log = logging.getLogger(__name__)

IGNORED: Final = (
    "best_of",
    "extra_body",
    "frequency_penalty",
    "logit_bias",
    "modalities",
    "presence_penalty",
    "prompt_logprobs",
    "response_schema",
    "top_k",
)
"""Settings that would change an answer and can't here: named once, then ignored, as Inspect's own providers do."""
_told: Final[set[str]] = set()


@final
@dataclass(frozen=True)
class Sampling:
    """Of one answer."""

    seed: int
    max_tokens: int
    temperature: float
    """0 for greedy."""
    top_p: float
    stop: tuple[str, ...] = ()
    top_log_probs: int | None = None
    """Alternatives to each token; None where no log-probabilities are wanted."""

    def other(self, name: str) -> "Sampling":
        """The same with another seed, which follows from this one and a name."""
        return replace(self, seed=derive_seed(self.seed, name))


def sampling(config: GenerateConfig, chat: ChatModel, default_tokens: int) -> Sampling:
    """Read Inspect's settings.

    Without a temperature or top-p the model's generation config decides, and 1 where it is silent too: so does
    Inspect's provider for transformers. Without a seed each answer is drawn anew.
    """
    for name in IGNORED:
        if getattr(config, name, None) is not None and name not in _told:
            _told.add(name)
            _log.warning("holdtrue ignores %s: its models are drawn from by temperature and top_p alone", name)
    return Sampling(
        seed=secrets.randbits(62) if config.seed is None else config.seed % 2**63,
        max_tokens=max(1, default_tokens if config.max_tokens is None else config.max_tokens),
        temperature=max(0.0, _stated(config.temperature, chat, "temperature")),
        top_p=_stated(config.top_p, chat, "top_p"),
        stop=tuple(filter(None, config.stop_seqs or ())),
        top_log_probs=(config.top_logprobs or 0) if config.logprobs else None,
    )


def _stated(given: float | None, chat: ChatModel, name: str) -> float:
    own = getattr(chat.model.generation_config, name, None)
    return float(given if given is not None else own if own is not None else 1.0)
