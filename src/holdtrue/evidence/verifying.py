"""Check a bundle: level 0, is it what was signed; level 1, does the verdict follow from it."""

import gc
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from holdtrue.evidence.bundle import Bundle, read_bundle
from holdtrue.evidence.findings import Finding, Level, Verification
from holdtrue.evidence.integrity import Integrity, check_integrity
from holdtrue.evidence.keys import PublicKey
from holdtrue.evidence.reproduce import Decide, Reproduction, Score, reproduce
from holdtrue.evidence.statement import Statement

__all__ = ["verify"]

HARMLESS = frozenset({"signature-missing", "key-untrusted"})
"""Faults of level 0 that say who signed, and nothing against the bytes: level 1 is worth doing all the same."""


def verify(
    bundle: Path,
    trusted_keys: Sequence[PublicKey] = (),
    *,
    score: Score | None = None,
    decide: Decide | None = None,
    seconds: float = 300.0,
) -> Verification:
    """Check a bundle without its weights, offline.

    Level 1 is done where level 0 found the bytes sound. It is PASS only if nothing is withheld and everything came out
    the same; with withheld lines it is PARTIAL at best.

    Args:
        bundle: the folder.
        trusted_keys: from a place other than the bundle. At least one of them must have signed. Without any, the keys
            are the bundle's own word, which the result says.
        score: the scorers; by default the gate's own.
        decide: the decision; by default the gate's own.
        seconds: how long level 1 may take. A bundle brings expressions of its own, and a hostile one may bring some
            that never end. Kept in the main thread only.

    Raises:
        ArtifactError: no bundle there.
    """
    began = time.monotonic()
    read, findings = read_bundle(bundle)
    integrity = check_integrity(read, trusted_keys)
    findings += integrity.findings
    l0: Level = "FAIL" if any(each.fault for each in findings) else "PASS"
    l1: Level = "NOT_DONE"
    again = Reproduction()
    if integrity.statement is not None and not any(each.fault and each.kind not in HARMLESS for each in findings):
        again = _reproduced(read, integrity.statement, integrity, score, decide, seconds)
        findings += again.findings
        l1 = "FAIL" if any(each.fault for each in again.findings) else "PARTIAL" if integrity.withheld else "PASS"
    for name, n in integrity.withheld.items():
        what = f"{n} of {len(read.lines(name))} lines are withheld: sealed, but not recomputed"
        findings.append(Finding("lines-withheld", name, what, level=1, fault=False))
    return Verification(
        bundle=bundle,
        l0=l0,
        l1=l1,
        findings=tuple(findings),
        signers=tuple(integrity.signers),
        verdict=None if integrity.statement is None else integrity.statement.predicate.verdict,
        classes=again.classes,
        lines={name: len(read.lines(name)) for name in ("items.jsonl", "samples.jsonl", "controls.jsonl")},
        withheld=integrity.withheld,
        seconds=time.monotonic() - began,
    )


def _reproduced(
    bundle: Bundle,
    statement: Statement,
    integrity: Integrity,
    score: Score | None,
    decide: Decide | None,
    seconds: float,
) -> Reproduction:
    scorers = None
    if score is None:
        from holdtrue.gate.scoring import score as gate_score
        from holdtrue.gate.scoring import scorers_digest

        score, scorers = gate_score, scorers_digest()
    if decide is None:
        from holdtrue.gate import decide as gate_decide

        decide = gate_decide
    from holdtrue.evidence.pages import check_pages

    try:
        with _limit(seconds), _collector_paused():
            again = reproduce(
                bundle, statement, withheld=bool(integrity.withheld), score=score, decide=decide, scorers=scorers
            )
            again.findings += check_pages(bundle, statement)
    except _TooLong:
        again = Reproduction()
        again.fault("too-long", "items.jsonl", f"scoring took more than {seconds:.0f} s: an expression without end?")
    return again


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Ten thousand records are no garbage; looking through them again and again takes a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _TooLong(BaseException):  # past a scorer's own `except Exception`
    pass


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Stop what takes too long; matching of expressions heeds the alarm too."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, ring)
    was = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *was)
        signal.signal(signal.SIGALRM, before)
