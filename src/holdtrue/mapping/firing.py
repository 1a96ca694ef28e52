"""How often does a hold touch ordinary talk? Run it on benign requests and count."""

from pathlib import Path

import numpy as np

from holdtrue.axis import Axis
from holdtrue.engines import GenerateRequest
from holdtrue.engines.hf import Batcher
from holdtrue.hold import PRESETS, Floors, floors_for
from holdtrue.models import ChatModel, Message, said_before
from holdtrue.personas import load_benign
from holdtrue.records import FiringRate, HoldSpec, check_writable, read_capped, write_atomic
from holdtrue.rollouts import TALK_TURNS, derive_seed
from holdtrue.stats import bootstrap_mean
from holdtrue.watch.reader import check_axis

__all__ = ["firing_rate", "firing_rates", "known_firing_rate"]

TALKS, ANSWER_TOKENS = 12, 40
TEMPERATURE = 0.7


def firing_rate(
    model: ChatModel, axis: Axis, spec: HoldSpec, folder: Path | None = None, *, seed: int = 0
) -> FiringRate:
    """Hold benign talks of several turns under a hold and count (token, held block) pairs under the floor.

    Blocks above a held one see a stream that was lifted already, so this is what happens, where the floor's nominal
    rate is each block's for itself, without a hold. The requests are calibration's, the answers fresh ones.

    Args:
        model: the axis's own.
        axis: calibrated.
        spec: with a cap, which is taken to be in force throughout.
        folder: where to keep the figure, beside the axis.
        seed: of the draws.

    Returns:
        The rate and its 95 % interval, talks being the unit.

    Raises:
        ArtifactError: the axis failed its sign self-test.
        EvidenceError: the axis has no calibration.
        StorageError: it can't be kept; found out beforehand.
        WrongModel: the axis belongs to another model or chat template.
    """
    check_axis(model, axis)
    floors = floors_for(spec, axis, drifting=True)
    if folder is not None:
        check_writable(_place(folder, spec))
    shares, n_tokens = _talked(model, axis, floors, seed)
    rng = np.random.default_rng(derive_seed(seed, "firing rate"))
    found = FiringRate(
        hold=spec.name,
        hold_digest=spec.digest,
        axis_digest=axis.card.digest,
        n_talks=len(shares),
        n_tokens=n_tokens,
        rate=float(np.mean(shares)),
        interval=bootstrap_mean(np.array(shares), rng, bounds=(0.0, 1.0)),
    )
    if folder is not None:
        write_atomic(_place(folder, spec), found.to_json() + "\n")
    return found


def known_firing_rate(folder: Path, axis: Axis, spec: HoldSpec) -> FiringRate | None:
    """The figure kept beside an axis, if it was measured on this axis and hold.

    Raises:
        ArtifactError: the file is damaged.
    """
    path = _place(folder, spec)
    if not path.is_file():
        return None
    found = FiringRate.from_json(read_capped(path, "a firing rate", 2**16), str(path))
    same = found.axis_digest == axis.card.digest and found.hold_digest == spec.digest
    return found if same else None


def firing_rates(folder: Path, axis: Axis) -> dict[str, float]:
    """Every preset's kept figure, by name."""
    known = {name: known_firing_rate(folder, axis, spec) for name, spec in PRESETS.items()}
    return {name: found.rate for name, found in known.items() if found is not None}


def _place(folder: Path, spec: HoldSpec) -> Path:
    return folder / f"hold-{spec.digest[:16]}.json"


def _talked(model: ChatModel, axis: Axis, floors: Floors | None, seed: int) -> tuple[list[float], int]:
    """Share of pairs that fired in each talk, and all tokens together."""
    asked = [each.text for each in load_benign()[: TALKS * TALK_TURNS]]
    talks: list[list[Message]] = [[] for _ in range(0, len(asked), TALK_TURNS)]
    fired: list[list[float]] = [[] for _ in talks]
    with Batcher(model, axis.units, axis.layer, len(talks)) as batcher:
        for turn in range(TALK_TURNS):
            rows: dict[int, int] = {}
            for number, talk in enumerate(talks):
                talk.append({"role": "user", "content": asked[number * TALK_TURNS + turn]})
                rows[batcher.add(_request(model, talk, floors, derive_seed(seed, f"firing/{number}/{turn}")))] = number
            tokens: list[list[int]] = [[] for _ in talks]
            while batcher.n_rows:
                for event in batcher.step():
                    if event.fed is not None:
                        fired[rows[event.row]].append(event.fed.fired)
                    if event.drawn is not None:
                        tokens[rows[event.row]].append(event.drawn.token)
            for talk, ids in zip(talks, tokens, strict=True):
                talk.append(
                    {"role": "assistant", "content": str(model.tokenizer.decode(ids, skip_special_tokens=True))}
                )
    return [float(np.mean(each)) for each in fired if each], sum(map(len, fired))


def _request(model: ChatModel, talk: list[Message], floors: Floors | None, seed: int) -> GenerateRequest:
    prompt = tuple(model.template.encode(talk, add_generation_prompt=True))
    held = () if floors is None else said_before(model.template, talk, prompt)
    return GenerateRequest(prompt, ANSWER_TOKENS, seed, TEMPERATURE, floors=floors, held_prompt=held)
