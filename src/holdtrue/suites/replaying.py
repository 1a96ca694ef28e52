"""Level 2 of a bundle's verification: samples drawn by the verifier, played again on the weights."""

import asyncio
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from holdtrue.errors import SettingError, WrongModel
from holdtrue.evidence import Divergence, Drawn, compare_replay, draw_replay
from holdtrue.gate import read_prereg
from holdtrue.records import GateSample, Prereg
from holdtrue.suites.options import GateOptions
from holdtrue.suites.play import Playing, play
from holdtrue.suites.subject import Subject, open_subject

__all__ = ["Replay", "replay"]


@final
@dataclass(frozen=True)
class Replay:
    """What came of it."""

    nonce: str
    """Hex; with it anybody can repeat the draw."""
    compared: tuple[Divergence, ...]


def replay(bundle: Path, k: int, options: GateOptions, nonce: bytes | None = None) -> Replay:
    """Draw samples from a bundle and play them again.

    Args:
        bundle: a sealed one.
        k: how many.
        options: the model, with the axis and hold that the bundle names.
        nonce: of the draw; a fresh one if not given.

    Raises:
        EvidenceError: the bundle isn't sound.
        WrongModel: the model isn't the one that was gated.
    """
    prereg = read_prereg(bundle)
    nonce = secrets.token_bytes(32) if nonce is None else nonce
    drawn = draw_replay(bundle, k, nonce)
    subject = open_subject(
        replace(options, temperature=prereg.temperature, twin_temperature=prereg.twin_temperature, tools=prereg.tools)
    )
    try:
        _check_same(prereg, subject)
        again = asyncio.run(_played(prereg, subject, drawn, options.rows))
    finally:
        subject.close()
    compared = (compare_replay(each.sample, sample) for each, sample in zip(drawn, again, strict=True))
    return Replay(nonce.hex(), tuple(compared))


def _check_same(prereg: Prereg, subject: Subject) -> None:
    for what, promised, here in (
        ("weights", prereg.weights, subject.weights),
        ("axis", prereg.axis, subject.axis),
        ("hold", prereg.hold, subject.hold),
        ("model", prereg.target, subject.name),
    ):
        if promised != here:
            message = f"the bundle was made with {what} {_short(promised)}, and this is {_short(here)}; give that one"
            raise WrongModel(message) if what != "hold" else SettingError(message)


def _short(name: str | None) -> str:
    return "none" if name is None else name if "/" in name else f"{name[:16]}…"


async def _played(prereg: Prereg, subject: Subject, drawn: tuple[Drawn, ...], rows: int) -> list[GateSample]:
    places = asyncio.Semaphore(rows)

    async def one(each: Drawn) -> GateSample:
        async with places:
            playing = Playing(
                phase=each.sample.phase,
                policy=each.sample.policy,
                attempt=each.sample.attempt,
                seed=prereg.seed,
                epoch=each.sample.epoch,
                timeout_seconds=prereg.timeout_seconds,
                native_tools=prereg.tools == "native",
            )
            return await play(each.item, subject.target(each.item), playing)

    return list(await asyncio.gather(*map(one, drawn)))
