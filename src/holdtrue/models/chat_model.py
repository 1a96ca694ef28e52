"""A loaded chat model and the facts about it that every artifact must name."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from holdtrue.models.digests import config_digest, state_digest
from holdtrue.models.layers import decoder_layers
from holdtrue.models.template import ChatTemplate

__all__ = ["ChatModel", "wrap"]


@final
@dataclass(frozen=True, eq=False)
class ChatModel:
    """A causal language model in evaluation mode, with its tokenizer, template and decoder blocks.

    Args:
        model: the network; no parameter wants a gradient.
        tokenizer: its fast tokenizer.
        spec: what the user named.
        name: what people call it.
        template: its chat template.
        layers: its decoder blocks, first to last; block `l` writes `resid_post[l]`.
        weights_digest_of: computes `weights_digest` when that is first asked for.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    spec: str
    name: str
    template: ChatTemplate
    layers: tuple[nn.Module, ...]
    weights_digest_of: Callable[[], str]

    def __repr__(self) -> str:
        return f"ChatModel({self.name}, {self.n_layers} layers, d_model {self.d_model}, {self.device}, {self.dtype})"

    @property
    def n_layers(self) -> int:
        """How many decoder blocks there are."""
        return len(self.layers)

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return int(self._text_config.hidden_size)

    @property
    def device(self) -> torch.device:
        """Where token ids go in; blocks may lie elsewhere if the model is spread over devices."""
        weight: Any = self.model.get_input_embeddings().weight
        return torch.device(weight.device)

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the residual stream."""
        return self.model.dtype

    @cached_property
    def weights_digest(self) -> str:
        """Which weights these are: the sha256 of the GGUF file, or one over the safetensors files."""
        return self.weights_digest_of()

    @cached_property
    def config_digest(self) -> str:
        """Which architecture this is: the sha256 of the configuration without its volatile keys."""
        return config_digest(self.model.config)

    @cached_property
    def eos_token_ids(self) -> frozenset[int]:
        """Every token that ends a turn: the generation config's, the tokenizer's and the template's."""
        generation: Any = self.model.generation_config
        stated = generation.eos_token_id if generation is not None else None
        stated = stated if isinstance(stated, list) else [stated]
        known = [index for index in [*stated, self.tokenizer.eos_token_id] if index is not None]
        return frozenset(known) | self.template.end_of_turn_ids

    @property
    def pad_token_id(self) -> int:
        """What fills shorter rows of a batch, under an attention mask; EOS where no token is set aside."""
        pad = self.tokenizer.pad_token_id
        return int(pad) if pad is not None else min(self.eos_token_ids, default=0)

    @property
    def max_positions(self) -> int | None:
        """The longest sequence in tokens that the configuration allows; None if it states none."""
        stated = getattr(self._text_config, "max_position_embeddings", None)
        return None if stated is None else int(stated)

    @property
    def _text_config(self) -> Any:
        return self.model.config.get_text_config(decoder=True)


def wrap(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    *,
    name: str,
    spec: str | None = None,
    template: str | None = None,
    layers: str | None = None,
    weights_digest_of: Callable[[], str] | None = None,
) -> ChatModel:
    """Make a `ChatModel` of a network and a tokenizer that are in memory already.

    Args:
        model: the network; it is put into evaluation mode and its gradients are switched off.
        tokenizer: its fast tokenizer.
        name: what people call it.
        spec: what the user named; `name` if not given.
        template: jinja text in place of the tokenizer's own template.
        layers: path of the decoder blocks, where structure leaves a choice.
        weights_digest_of: how to compute the digest; over the weights in memory if not given.

    Returns:
        The chat model.

    Raises:
        AmbiguousModel: the decoder blocks can't be told apart.
        NoChatTemplate: there is no template.
    """
    chat = ChatTemplate(tokenizer, template, name=name)
    blocks = decoder_layers(model, hint=layers)
    model.eval()  # type: ignore[no-untyped-call]
    model.requires_grad_(requires_grad=False)
    return ChatModel(
        model=model,
        tokenizer=tokenizer,
        spec=spec or name,
        name=name,
        template=chat,
        layers=blocks,
        weights_digest_of=weights_digest_of or (lambda: state_digest(model)),
    )
