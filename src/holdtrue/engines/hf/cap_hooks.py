"""Hooks that read the stream at one block and hold it at others, row by row."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from holdtrue.engines.hf.decode_cap import At, DecodeCap, DeviceCap, FedToken, HostCap
from holdtrue.hold import Floors, cap_
from holdtrue.models import block_output

__all__ = ["CapHooks", "HeldPasses"]


@final
class CapHooks:
    """Reads the projection at `read_layer` and applies each row's floors; gone on leaving, whatever happened inside.

    Only blocks that some row holds, and the read layer, carry a hook. Call `rows` when the batch's rows change, and
    `prompt` or `decode` before each forward pass to say what it carries. For use outside autograd: it writes in place.

    Args:
        layers: the model's decoder blocks.
        units: unit axes.
        read_layer: where projections are read.
    """

    def __init__(
        self, layers: tuple[nn.Module, ...], units: Float[Tensor, "n_layers d_model"], read_layer: int
    ) -> None:
        self._layers, self._read_layer = layers, read_layer
        self._devices = [next(layer.parameters()).device for layer in layers]
        self._units = [unit.to(device) for unit, device in zip(units, self._devices, strict=True)]
        self._handles: dict[int, RemovableHandle] = {}
        self._floors: tuple[Floors | None, ...] = ()
        self._cap: DecodeCap = HostCap(())
        self._at: dict[int, At] = {}
        """What to do at each block while decoding."""
        self._held: Bool[Tensor, "rows pos"] | None = None
        self._decoding = False
        self._entered = False

    def __enter__(self) -> "CapHooks":
        if self._entered:
            message = "these hooks are on the model already; leave the first `with` before entering again"
            raise RuntimeError(message)
        self._entered = True
        self._attach()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles.values():
            handle.remove()
        self._handles.clear()
        self._entered = False

    @property
    def _wanted(self) -> set[int]:
        return {self._read_layer, *(layer for row in self._floors if row is not None for layer in row.layers)}

    def rows(self, floors: Sequence[Floors | None]) -> None:
        """The batch's rows from now on, and the floors of each; None leaves a row free."""
        self._floors = tuple(floors)
        layers = sorted(self._wanted)
        on_host = all(self._devices[layer].type == "cpu" for layer in layers)
        self._cap = HostCap(self._floors) if on_host else DeviceCap(self._floors)
        for layer in layers:
            self._at[layer] = self._cap.at(layer, self._units[layer], reads=layer == self._read_layer)
        if self._entered:
            self._attach()

    def prompt(self, held: Bool[Tensor, "rows pos"]) -> None:
        """The next pass carries prompts; `held` marks the tokens whose row's floors apply. Nothing is read of it."""
        self._decoding, self._held = False, held if bool(held.any()) else None

    def decode(self) -> None:
        """The next pass carries one token per row."""
        self._decoding = True
        self._cap.begin()

    def fed(self) -> list[FedToken]:
        """What the last decoding pass read, by row."""
        return self._cap.fed()

    def _attach(self) -> None:
        wanted = self._wanted
        for layer in [layer for layer in self._handles if layer not in wanted]:
            self._handles.pop(layer).remove()
        for layer in wanted - set(self._handles):
            self._handles[layer] = self._layers[layer].register_forward_hook(self._hook(layer))

    def _hook(self, layer: int) -> Callable[[nn.Module, object, Tensor | tuple[Any, ...]], None]:
        unit, at = self._units[layer], self._at

        def hook(_module: nn.Module, _args: object, output: Tensor | tuple[Any, ...]) -> None:
            if self._decoding:
                at[layer](output if isinstance(output, Tensor) else block_output(output))
            elif self._held is not None:
                self._hold_prompt(layer, block_output(output), unit)

        return hook

    def _hold_prompt(
        self, layer: int, stream: Float[Tensor, "rows pos d_model"], unit: Float[Tensor, " d_model"]
    ) -> None:
        floors = [float("-inf") if row is None else row.floor_list[layer] for row in self._floors]
        strengths = [0.0 if row is None else row.strength for row in self._floors]
        tau, strength = (torch.tensor(each, device=stream.device)[:, None] for each in (floors, strengths))
        assert self._held is not None  # noqa: S101 - the caller looked
        held = self._held.to(stream.device)
        cap_(stream, unit, torch.where(held, tau, -torch.inf), strength)


@final
class HeldPasses:
    """Cap hooks around a `generate` of transformers: its first pass is the prompt, every later one a token per row."""

    def __init__(self, model: nn.Module, hooks: CapHooks, held_prompt: Bool[Tensor, "rows pos"]) -> None:
        self._model, self._hooks, self._held_prompt = model, hooks, held_prompt
        self._handle: RemovableHandle | None = None

    def __enter__(self) -> None:
        self._handle = self._model.register_forward_pre_hook(self._pass, with_kwargs=True)
        self._hooks.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            self._handle.remove()
        self._hooks.__exit__(kind, error, trace)

    def _pass(self, _module: nn.Module, _args: object, kwargs: dict[str, Any]) -> None:
        if kwargs["input_ids"].shape[1] > 1:
            self._hooks.prompt(self._held_prompt)
        else:
            self._hooks.decode()
