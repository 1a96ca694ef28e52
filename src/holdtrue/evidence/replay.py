"""Level 2: play some samples again on the weights, drawn by the verifier after the seal."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from holdtrue.errors import EvidenceError, SettingError
from holdtrue.evidence.bundle import read_bundle
from holdtrue.evidence.integrity import check_integrity
from holdtrue.records import GateItem, GateSample

__all__ = ["Divergence", "Drawn", "compare_replay", "draw_replay", "replay_summary"]

MIN_NONCE_BYTES: Final = 16
_DRAW: Final = b"holdtrue.replay-draw/1"


@final
@dataclass(frozen=True)
class Drawn:
    """A sample to play again, with its item."""

    line: int
    """In `samples.jsonl`, counted from 1."""
    item: GateItem
    sample: GateSample


@final
@dataclass(frozen=True)
class Divergence:
    """How far a replay went from what was sealed."""

    family: str
    exact: bool
    """Every answer, reasoning and tool call the same, and the probes' answers: what the same stack must give."""
    first_message: int | None
    """Index among the messages of the first that differs; None where all are the same."""
    first_char: int | None
    """In that message's text."""
    shared: float
    """Share of the model's text, in characters, before it first differs; 1 where nothing differs."""
    same_outcome: bool


def draw_replay(bundle: Path, k: int, nonce: bytes) -> tuple[Drawn, ...]:
    """Draw `k` release samples: those with the smallest `HMAC-SHA256(nonce, statement, leaf)`.

    The nonce is the verifier's and chosen after the seal, so that nobody could foresee which are drawn; with it,
    anybody can repeat the draw. Samples that ended by time-out or error aren't drawn, and withheld ones can't be.

    Args:
        bundle: a sealed one.
        k: how many; all of them where there are fewer.
        nonce: at least 16 bytes that weren't known when the bundle was sealed.

    Raises:
        EvidenceError: the bundle's bytes aren't those that were signed.
        SettingError: an impossible `k` or nonce.
    """
    if k < 1 or len(nonce) < MIN_NONCE_BYTES:
        message = f"k is {k} and the nonce has {len(nonce)} bytes; draw at least 1 sample, with {MIN_NONCE_BYTES} bytes"
        raise SettingError(message)
    read, findings = read_bundle(bundle)
    found = check_integrity(read, ())
    faults = [each for each in (*findings, *found.findings) if each.fault and each.kind != "signature-missing"]
    if faults or found.statement is None:
        message = f"{bundle}: nothing drawn, because of {len(faults)} faults; the first: {faults[0]}"
        raise EvidenceError(message)
    # The payload and not the file, which a countersignature changes.
    sealed = hashlib.sha256(found.statement.payload()).digest()
    items = {}
    for line in read.lines("items.jsonl"):
        if not line.startswith(b'{"withheld":'):
            item = GateItem.from_json(line.decode(), "items.jsonl")
            items[item.digest] = item
    drawn: list[tuple[bytes, Drawn]] = []
    for at, line in enumerate(read.lines("samples.jsonl")):
        if line.startswith(b'{"withheld":'):
            continue
        sample = GateSample.from_json(line.decode(), f"samples.jsonl:{at + 1}")
        if sample.phase == "release" and sample.status == "ok" and sample.item in items:
            lot = hmac.digest(nonce, _DRAW + sealed + found.leaves["samples.jsonl"].hashes[at], "sha256")
            drawn.append((lot, Drawn(at + 1, items[sample.item], sample)))
    return tuple(each for _, each in sorted(drawn, key=lambda pair: pair[0])[:k])


def compare_replay(sample: GateSample, replayed: GateSample) -> Divergence:
    """Compare a sealed sample with its replay, text by text; on another stack rounding makes some differ.

    Args:
        sample: as sealed.
        replayed: the same item and settings, answered again and scored.

    Raises:
        SettingError: they aren't of the same item.
    """
    if sample.item != replayed.item:
        message = f"the replay is of item {replayed.item[:16]}…, the sample of {sample.item[:16]}…: pair them by item"
        raise SettingError(message)
    first, char = _first_difference(sample, replayed)
    said = [_text(sample, at) for at, each in enumerate(sample.messages) if each.role == "assistant"]
    before = sum(len(_text(sample, at)) for at in _assistant(sample) if first is not None and at < first)
    n_chars = sum(map(len, said))
    if first is None:
        shared = 1.0
    elif first < len(sample.messages) and sample.messages[first].role == "assistant":
        shared = (before + (char or 0)) / n_chars if n_chars else 0.0
    else:
        shared = before / n_chars if n_chars else 0.0
    probes = [(each.after_turn, each.said) for each in sample.probes]
    same_probes = probes == [(each.after_turn, each.said) for each in replayed.probes]
    return Divergence(
        family=f"{sample.failure_class}/{sample.family}",
        exact=first is None and same_probes and sample.cut_reasoning == replayed.cut_reasoning,
        first_message=first,
        first_char=char,
        shared=shared,
        same_outcome=(sample.outcome, sample.signature) == (replayed.outcome, replayed.signature),
    )


def replay_summary(compared: Sequence[Divergence]) -> str:
    """What so many replays say, in a sentence.

    If a share `s` of all samples was invented and differs when played again, `k` draws all come out the same with
    chance `(1 - s)^k` at most; the 95 % limit on `s` is Clopper and Pearson's.

    Raises:
        EvidenceError: nothing was replayed.
    """
    if not compared:
        message = "nothing was replayed, which shows nothing; draw at least one sample"
        raise EvidenceError(message)
    from holdtrue.stats import upper_bound

    k, differing = len(compared), sum(not each.exact for each in compared)
    outcomes = sum(not each.same_outcome for each in compared)
    shared = sum(each.shared for each in compared) / k
    return (
        f"{k - differing} of {k} replays are the same to the letter, {k - outcomes} have the same outcome; "
        f"on average {100 * shared:.0f} % of the text stands before the first difference. At most "
        f"{100 * upper_bound(differing, k):.1f} % of all samples would differ, at 95 %"
    )


def _assistant(sample: GateSample) -> list[int]:
    return [at for at, each in enumerate(sample.messages) if each.role == "assistant"]


def _text(sample: GateSample, at: int) -> str:
    message = sample.messages[at]
    calls = "".join(f"\n{call.name}{sorted(call.arguments.items())}" for call in message.calls)
    return (message.reasoning or "") + message.content + calls


def _first_difference(sample: GateSample, replayed: GateSample) -> tuple[int | None, int | None]:
    for at in range(max(len(sample.messages), len(replayed.messages))):
        if at >= min(len(sample.messages), len(replayed.messages)):
            return at, 0
        ours, theirs = _text(sample, at), _text(replayed, at)
        if ours != theirs:
            pairs = enumerate(zip(ours, theirs, strict=False))
            return at, next((char for char, (one, other) in pairs if one != other), min(len(ours), len(theirs)))
        if sample.messages[at].role != replayed.messages[at].role:
            return at, 0
    return None, None
