"""Hooks that read the stream at one block and hold it at others, row by row."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from itertools import chain
from threading import get_ident
from types import TracebackType
from typing import Any, Final, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from holdtrue.engines.hf.decode_cap import At, DecodeCap, DeviceCap, FedToken, HostCap, OwnUnitsCap
from holdtrue.hold import Floors, cap_
from holdtrue.models import block_output

__all__ = ["CapHooks", "HeldPasses"]

_NOWHERE: Final[Mapping[int, At]] = {}


@final
class CapHooks:
    """Reads the projection at `read_layer` and applies each row's floors; gone on leaving, whatever happened inside.

    Only blocks that some row holds, and the read layer, carry a hook. Call `rows` when the batch's rows change, and
    run each forward pass inside `prompt` or `decode`, which say what it carries: passes outside them, and those of
    other threads, go through untouched. For use outside autograd: it writes in place.

    Args:
        layers: the model's decoder blocks.
        units: unit axes.
        read_layer: where projections are read.
    """

    def __init__(
        self, layers: tuple[nn.Module, ...], units: Float[Tensor, "n_layers d_model"], read_layer: int
    ) -> None:
        self._layers, self._read_layer, self._axis_units = layers, read_layer, units
        self._devices = [next(layer.parameters()).device for layer in layers]
        self._units = [unit.to(device) for unit, device in zip(units, self._devices, strict=True)]
        self._handles: dict[int, RemovableHandle] = {}
        self._floors: tuple[Floors | None, ...] = ()
        self._cap: DecodeCap = HostCap(())
        self._decoding: dict[int, At] = {}
        self._now: Mapping[int, At] = _NOWHERE
        """What to do at each block of the pass under way."""
        self._thread = 0
        self._entered = False
        self._own_units = False
        """Whether a row is held along another direction than the axis."""

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
        on_host = all(self._devices[layer].type == "cpu" for layer in self._wanted)
        self._own_units = any(row is not None and not self._along_axis(row) for row in self._floors)
        kind: type[HostCap | DeviceCap | OwnUnitsCap]
        kind = OwnUnitsCap if self._own_units else HostCap if on_host else DeviceCap
        self._cap = kind(self._floors)
        self._decoding = {
            layer: self._cap.at(layer, self._units[layer], reads=layer == self._read_layer) for layer in self._wanted
        }
        if self._entered:
            self._attach()

    @contextmanager
    def prompt(self, held: Bool[Tensor, "rows pos"]) -> Iterator[None]:
        """A pass that carries prompts; `held` marks the tokens whose row's floors apply. Nothing is read of it."""
        self._thread = get_ident()
        if bool(held.any()):
            self._now = {layer: self._held_at(layer, held) for layer in self._wanted}
        try:
            yield
        finally:
            self._now = _NOWHERE

    @contextmanager
    def decode(self) -> Iterator[None]:
        """A pass that carries one token per row."""
        self._thread = get_ident()
        self._cap.begin()
        self._now = self._decoding
        try:
            yield
        finally:
            self._now = _NOWHERE

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
        def hook(_module: nn.Module, _args: object, output: Tensor | tuple[Any, ...]) -> None:
            look = self._now.get(layer)
            if look is not None and get_ident() == self._thread:
                look(output if isinstance(output, Tensor) else block_output(output))

        return hook

    def _along_axis(self, row: Floors) -> bool:
        return row.units is self._axis_units or torch.equal(row.units, self._axis_units)

    def _held_at(self, layer: int, held: Bool[Tensor, "rows pos"]) -> At:
        unit = self._units[layer]
        floors = [float("-inf") if row is None else row.floor_list[layer] for row in self._floors]
        strengths = [0.0 if row is None else row.strength for row in self._floors]
        tau, strength = (torch.tensor(each, device=unit.device)[:, None] for each in (floors, strengths))
        taus = torch.where(held.to(unit.device), tau, -torch.inf)

        def look(stream: Tensor) -> None:
            cap_(stream, unit, taus, strength)

        def look_row_by_row(stream: Tensor) -> None:
            for at, row in enumerate(self._floors):
                if row is not None:
                    cap_(stream[at], row.units[layer].to(unit.device), taus[at], strength[at])

        return look_row_by_row if self._own_units else look


@final
class HeldPasses:
    """Cap hooks around a `generate` of transformers: its first pass is the prompt, every later one a token per row."""

    def __init__(self, model: nn.Module, hooks: CapHooks, held_prompt: Bool[Tensor, "rows pos"]) -> None:
        self._model, self._hooks, self._held_prompt = model, hooks, held_prompt
        self._own: Any = None
        """A `forward` that the model carried itself, as accelerate gives it one."""

    def __enter__(self) -> None:
        self._hooks.__enter__()
        self._own = vars(self._model).get("forward")
        forward: Any = self._model.forward
        passes = chain([self._hooks.prompt(self._held_prompt)], iter(self._hooks.decode, None))

        @wraps(forward)  # generate reads the signature
        def one_pass(*args: Any, **kwargs: Any) -> Any:
            with next(passes):
                return forward(*args, **kwargs)

        self._model.forward = one_pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._own is None:
            del self._model.forward  # the class's own shows again
        else:
            self._model.forward = self._own
        self._hooks.__exit__(kind, error, trace)
