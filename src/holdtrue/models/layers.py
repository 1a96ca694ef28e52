"""Decoder blocks, found by structure rather than by a table of names."""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from holdtrue.errors import AmbiguousModel

__all__ = ["block_output", "decoder_layers"]


def decoder_layers(
    model: PreTrainedModel, n_layers: int | None = None, hint: str | None = None
) -> tuple[nn.Module, ...]:
    """The blocks whose outputs are `resid_post[0]`, `resid_post[1]`, …, in order.

    They are the one `nn.ModuleList` of the right length whose entries are one kind of block as wide
    as the text model, and whose nearest enclosing model runs on the text config: a vision or audio
    tower runs on a config of its own, whatever its depth.

    Args:
        model: any causal language model of transformers, nested ones (text beside vision) included.
        n_layers: how many blocks to expect; the text config's `num_hidden_layers` if not given.
        hint: path of the list inside the model, such as ``model.layers``, which settles the question.

    Returns:
        The blocks, first to last.

    Raises:
        AmbiguousModel: no list fits or several do, or `hint` names no list of that length.
    """
    text_config = model.config.get_text_config(decoder=True)
    expected = int(text_config.num_hidden_layers if n_layers is None else n_layers)
    lists = {path: module for path, module in model.named_modules() if isinstance(module, nn.ModuleList)}
    if hint is not None:
        return _hinted(lists, hint, expected)
    d_model = int(text_config.hidden_size)
    fitting = {path: blocks for path, blocks in lists.items() if _are_blocks(blocks, expected, d_model)}
    # Experts or heads may be as many as there are blocks; whatever lies inside a block isn't the stack.
    outer = [path for path in fitting if not any(path.startswith(f"{other}.") for other in fitting)]
    found = [path for path in outer if _on_text_path(model, path, text_config)]
    if len(found) != 1:
        seen = found or [path for path, blocks in lists.items() if len(blocks) == expected] or list(lists)
        what = f"{len(found)} lists of modules" if found else "no list of modules"
        choice = seen[0] if seen else "model.layers"
        message = (
            f"{what} in {type(model).__name__} can be its {expected} decoder blocks"
            f" (candidates: {', '.join(seen[:8]) or 'none'}); name the right one: layers={choice!r}"
        )
        raise AmbiguousModel(message)
    return tuple(fitting[found[0]])


def block_output(output: Tensor | tuple[Any, ...]) -> Float[Tensor, "batch pos d_model"]:
    """The residual stream that a decoder block hands on: the output itself, or a tuple's first entry.

    Args:
        output: what a forward hook on the block received.

    Returns:
        `resid_post` of that block; the same tensor, not a copy.
    """
    return output if isinstance(output, Tensor) else output[0]


def _hinted(lists: dict[str, nn.ModuleList], hint: str, expected: int) -> tuple[nn.Module, ...]:
    blocks = lists.get(hint)
    if blocks is None or len(blocks) != expected:
        known = ", ".join(path for path, entry in lists.items() if len(entry) == expected) or "none"
        found = "no list of modules" if blocks is None else f"a list of {len(blocks)}"
        message = f"layers={hint!r} names {found}, but {expected} decoder blocks are needed; lists that long: {known}"
        raise AmbiguousModel(message)
    return tuple(blocks)


def _are_blocks(blocks: nn.ModuleList, expected: int, d_model: int) -> bool:
    if len(blocks) != expected or len({type(block) for block in blocks}) != 1:
        return False
    # A bare linear or norm per layer (a side list that some models keep) has no modules of its own.
    return all(
        any(True for _ in block.children()) and any(d_model in weight.shape for weight in block.parameters())
        for block in blocks
    )


def _on_text_path(model: PreTrainedModel, path: str, text_config: PreTrainedConfig) -> bool:
    names = path.split(".")
    for depth in range(len(names) - 1, -1, -1):
        owner = model.get_submodule(".".join(names[:depth]))
        if isinstance(owner, PreTrainedModel):
            own = owner.config.get_text_config(decoder=True)
            return type(own) is type(text_config) and own.num_hidden_layers == text_config.num_hidden_layers
    return False
