"""`with hold(model, axis, spec): model.generate(...)`: a hold around plain transformers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from holdtrue.axis import Axis
from holdtrue.engines.hf.capture import ThinkTokens, think_tokens
from holdtrue.errors import SettingError, WrongModel
from holdtrue.hold import Floors, cap, floors_for, hold_spec, project
from holdtrue.models import ChatModel, block_output, config_digest, decoder_layers
from holdtrue.records import ContextSpec, HoldSpec

__all__ = ["HeldRow", "Hold", "hold"]

_MARK = "_holdtrue_hold"


@final
@dataclass(frozen=True)
class HeldRow:
    """What was read of one row's generated tokens, in order; a token drawn last of all is never fed, so isn't read."""

    before: tuple[float, ...]
    """Projections at the read layer before the cap there."""
    after: tuple[float, ...]
    thinking: tuple[bool, ...]
    """Whether the token belongs to a thinking segment, whose mean is taken apart."""
    fired: float
    """Share of (token, held block) pairs under the floor."""
    mean: float | None
    """Over answer tokens, after the cap; None without one."""
    thinking_mean: float | None
    z: float | None
    """Of the answer tokens' mean before the cap at the read layer, against benign answers; None without calibration."""


@final
class Hold:
    """A hold on a model, in force inside `with`; made by `hold`."""

    def __init__(
        self,
        model: nn.Module,
        layers: tuple[nn.Module, ...],
        axis: Axis,
        floors: Sequence[Floors | None],
        ends: frozenset[int],
        think: ThinkTokens | None,
    ) -> None:
        self._model, self._layers, self._axis = model, layers, axis
        self._floors, self._ends, self._think = tuple(floors), ends, think
        self._held = sorted({axis.layer, *(layer for row in floors if row is not None for layer in row.layers)})
        self._tau = torch.stack([torch.full((axis.n_layers,), -torch.inf) if f is None else f.tau for f in floors])
        self._strength = torch.tensor([0.0 if f is None else f.strength for f in floors])
        self._all = torch.tensor([f is not None and f.prompt_too for f in floors])
        self._handles: list[RemovableHandle] = []
        self._prompt: Int64[Tensor, "rows pos"] | None = None
        self._decoding = False
        self._fed: list[Tensor] = []
        self._before: list[Tensor] = []
        self._after: list[Tensor] = []
        self._fired: list[Tensor] = []
        self._seen: tuple[Tensor, Tensor] | None = None
        self._under: dict[int, Tensor] = {}

    def __enter__(self) -> "Hold":
        if getattr(self._model, _MARK, False):
            message = "this model is held already; leave the first `with hold(...)` before entering another"
            raise SettingError(message)
        setattr(self._model, _MARK, True)
        uncompiled: Any = torch.compiler.disable  # bookkeeping stays out of compiled code
        feed = uncompiled(self._feed)
        self._handles.append(self._model.register_forward_pre_hook(feed, with_kwargs=True))
        for layer in self._held:
            self._handles.append(self._layers[layer].register_forward_hook(self._hook(layer)))
        _forget_compiled()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        delattr(self._model, _MARK)
        _forget_compiled()

    def _flush(self) -> None:
        """Book the step that has just run. Hooks only set what they saw: compiled code would guard a growing list."""
        if self._seen is not None:
            before, after = self._seen
            self._before.append(before.cpu())
            self._after.append(after.cpu())
            fired = [under.cpu() for under in self._under.values()]
            self._fired.append(torch.stack(fired).sum(dim=0) if fired else torch.zeros(len(before)))
        self._seen = None

    def rows(self) -> list[HeldRow]:
        """What was read in the last `generate`, by row of its batch; tokens after a row's end aren't counted.

        Beams exchange their histories, so with them a row's readings are those of whatever ran in its place.
        """
        self._flush()
        return [self._row(at) for at in range(self._fed[0].shape[0] if self._fed else 0)]

    def _row(self, at: int) -> HeldRow:
        tokens = [int(step[at]) for step in self._fed]
        n = next((i for i, token in enumerate(tokens) if token in self._ends), len(tokens))
        before, after = ([float(step[at]) for step in steps[:n]] for steps in (self._before, self._after))
        prompt = [] if self._prompt is None else self._prompt[at].tolist()
        thinking = [False] * n if self._think is None else self._think.aside(prompt, tokens[:n])
        spoken = [value for value, aside in zip(after, thinking, strict=True) if not aside]
        thought = [value for value, aside in zip(after, thinking, strict=True) if aside]
        floors = self._floors[self._of(at, len(self._fed[0]))]
        held = 0 if floors is None else len(floors.layers) * n
        mean = sum(spoken) / len(spoken) if spoken else None
        unheld = [value for value, aside in zip(before, thinking, strict=True) if not aside]
        return HeldRow(
            before=tuple(before),
            after=tuple(after),
            thinking=tuple(thinking),
            fired=sum(float(step[at]) for step in self._fired[:n]) / held if held else 0.0,
            mean=mean,
            thinking_mean=sum(thought) / len(thought) if thought else None,
            z=self._axis.z(sum(unheld) / len(unheld)) if unheld and self._axis.card.calibration else None,
        )

    def _of(self, at: int, n_rows: int) -> int:
        """Which spec a row of the batch has: one for all, or each with its beams or samples beside it."""
        return at * len(self._floors) // n_rows

    def _begin(self, prompt: Int64[Tensor, "rows pos"]) -> None:
        self._prompt = prompt
        for steps in (self._fed, self._before, self._after, self._fired):
            steps.clear()
        self._seen = None
        self._under.clear()

    def _feed(self, _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        ids = kwargs["input_ids"] if kwargs.get("input_ids") is not None else args[0] if args else None
        if ids is None:
            message = "hold() reads `input_ids`; call the model with token ids, not with embeddings"
            raise SettingError(message)
        if len(ids) % len(self._floors):
            message = f"{len(self._floors)} hold specs for {len(ids)} rows; give one for all, or one for each row"
            raise SettingError(message)
        # Recurrent models call theirs otherwise.
        cache = next((kwargs[key] for key in ("past_key_values", "cache_params") if kwargs.get(key) is not None), None)
        cached = self._length(cache)
        self._decoding = cached > 0
        if self._decoding:
            self._check_step(ids.shape[1], cached)
            self._flush()
            self._fed.append(ids[:, 0].cpu())
        else:
            self._check_cache(ids, cache)
            self._begin(ids.cpu())

    @property
    def _seen_tokens(self) -> int:
        return 0 if self._prompt is None else self._prompt.shape[1] + len(self._fed)

    def _length(self, cache: Any) -> int:
        """Tokens in a cache."""
        if cache is None:
            return 0
        try:
            return int(cache.get_seq_length())
        except ValueError:  # nothing but recurrent states, which have no length
            return self._seen_tokens if cache.has_previous_state() else 0

    def _check_step(self, width: int, cached: int) -> None:
        """Only a token at a time, after a prompt seen whole, is known to be the response's."""
        seen = self._seen_tokens
        if width > 1 or cached != seen:
            message = (
                f"hold() got {width} tokens on a cache of {cached} after seeing {seen}, and can't tell prompt from "
                "response; start from an empty cache, without assisted decoding, prompt lookup or prefill chunks"
            )
            raise SettingError(message)

    def _check_cache(self, ids: Int64[Tensor, "rows pos"], cache: object) -> None:
        """Without a cache the whole text goes through at each step, and every step would pass for a prompt."""
        last = self._prompt
        if cache is None and last is not None and torch.equal(ids[:, :-1].cpu(), last):
            message = "hold() can't tell prompt from response without a cache; generate with use_cache=True"
            raise SettingError(message)

    def _hook(self, layer: int) -> Callable[[nn.Module, object, Any], Any]:
        unit = self._axis.units[layer]
        reads = layer == self._axis.layer
        capped = bool(torch.isfinite(self._tau[:, layer]).any())

        def hook(_module: nn.Module, _args: object, output: Any) -> Any:
            stream = block_output(output)
            decoding = self._decoding and stream.shape[1] == 1
            if not decoding and not (capped and bool(self._all.any())):
                return None
            here = unit.to(stream.device)
            before = project(stream[:, -1], here)
            if capped:
                tau, strength = self._floors_at(layer, stream, decoding=decoding)
                if decoding:
                    self._under[layer] = before < tau[:, 0]
                stream = cap(stream, here, tau, strength)
            if decoding and reads:
                self._seen = (before, project(stream[:, -1], here) if capped else before)
            if not capped:
                return None
            return stream if isinstance(output, Tensor) else (stream, *output[1:])

        return hook

    def _floors_at(
        self, layer: int, stream: Float[Tensor, "rows pos d_model"], *, decoding: bool
    ) -> tuple[Float[Tensor, "rows 1"], Float[Tensor, "rows 1"]]:
        each = len(stream) // len(self._floors)
        tau = self._tau[:, layer] if decoding else torch.where(self._all, self._tau[:, layer], -torch.inf)
        tau, strength = (t.repeat_interleave(each)[:, None].to(stream.device) for t in (tau, self._strength))
        return tau, strength


def hold(
    model: ChatModel | nn.Module,
    axis: Axis,
    spec: HoldSpec | str | Sequence[HoldSpec | str],
    *,
    drifting: bool = False,
) -> Hold:
    """Hold a model: floors along the axis while it generates, and readings of what it said.

    Works with `generate` in all its ways (left padding, cache, beams, sampling, `torch.compile`) and with any nesting
    of blocks. It needs the cache: what goes in while that is empty is the prompt, then comes the response, a token per
    row at a time. So `positions="response"` holds what this `generate` says, and earlier answers in its prompt are
    prompt; the server, which knows the conversation, holds those as well. Without a cache, or with several tokens at
    once on a filled one (assisted decoding, prompt lookup, chunks of prompt), `generate` raises SettingError.

    Args:
        model: a chat model, or a plain one of transformers, compiled or not.
        axis: fitted on that model.
        spec: a preset's name or a spec, for all rows; or one for each row of the batch.
        drifting: whether caps that wait for drift are in force.

    Raises:
        ArtifactError: the axis failed its sign self-test.
        EvidenceError: a floor by firing rate on an axis without calibration.
        SettingError: a hold by context, which `generate` can't do; a band outside the model; held already.
        WrongModel: the axis belongs to another model.
    """
    specs = [spec] if isinstance(spec, HoldSpec | str) else list(spec)
    if not specs:
        message = "no hold spec given; name a preset such as 'gentle', or give one spec per row"
        raise SettingError(message)
    known = [hold_spec(each) if isinstance(each, str) else each for each in specs]
    for each in known:
        if each.context != ContextSpec():
            message = (
                f"hold '{each.name}' works on the conversation, which generate() never sees; give HoldSpec(cap=...) "
                "here, and the whole hold to `holdtrue chat` or `holdtrue serve`"
            )
            raise SettingError(message)
    floors = [floors_for(each, axis, drifting=drifting) for each in known]
    if isinstance(model, ChatModel):
        axis.check_model(model.weights_digest, model.n_layers, model.d_model, model.name)
        return Hold(model.model, model.layers, axis, floors, model.eos_token_ids, think_tokens(model))
    bare: Any = getattr(model, "_orig_mod", model)  # what torch.compile wrapped
    layers = decoder_layers(bare)
    if config_digest(bare.config) != axis.card.config_digest:
        name = type(bare).__name__
        message = (
            f"this {name} has another configuration than {axis.card.model}, which the axis was fitted on; load that "
            "model, or fit an axis with `holdtrue axis fit`"
        )
        raise WrongModel(message)
    stated = bare.generation_config.eos_token_id
    ends = frozenset([stated] if isinstance(stated, int) else stated or ())
    return Hold(bare, layers, axis, floors, ends, None)


def _forget_compiled() -> None:
    """Compiled code has the hooks of its day built in, or none."""
    torch.compiler.reset()
