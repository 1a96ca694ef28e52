"""One attempt at a gate, from the sealed promise to the verdict; killed at any time, it goes on where it was."""

import asyncio
from pathlib import Path
from typing import Final

from holdtrue.errors import RunError
from holdtrue.evidence import check_unused, mark_used
from holdtrue.gate import (
    AttemptLedger,
    decide,
    known_signatures,
    read_eligible,
    read_prereg,
    read_verdict,
    write_items,
    write_record,
)
from holdtrue.progress import Report, Stage
from holdtrue.records import (
    Eligible,
    FailureClass,
    GateSample,
    Prereg,
    Verdict,
    check_writable,
    write_atomic,
)
from holdtrue.suites.options import GateOptions
from holdtrue.suites.run import GateLogs, answer, find_eligible, open_logs, play_controls, play_organism
from holdtrue.suites.sealing import TRANCHE_USES, Pairs, offered, promised, same_promise, tranche_commitment
from holdtrue.suites.subject import Subject, open_subject

__all__ = ["gate_run"]

_PREREG: Final = "prereg.json"
_VERDICT: Final = "verdict.json"


def gate_run(options: GateOptions, out: Path, report: Report) -> Verdict:
    """Gate a model.

    Args:
        options: what was asked for.
        out: the run's folder; a run that was killed goes on from it.
        report: told of progress.

    Raises:
        HoldtrueError: anything that keeps it from running; every sample so far is safe.
    """
    check_writable(out / _PREREG)
    if (out / _VERDICT).exists():
        message = f"{out}: this attempt is decided; `holdtrue gate decide {out}` shows it, another --out makes another"
        raise RunError(message)
    pairs = offered(options)
    subject = open_subject(options)
    try:
        ledger = AttemptLedger(options.ledger or out.parent / "attempts.jsonl")
        prereg = _sealed(options, out, subject, pairs, ledger)
        return asyncio.run(_run(options, out, subject, pairs, prereg, ledger, report))
    finally:
        subject.close()


def _sealed(options: GateOptions, out: Path, subject: Subject, pairs: Pairs, ledger: AttemptLedger) -> Prereg:
    path = out / _PREREG
    known = known_signatures([] if options.earlier is None else [read_verdict(options.earlier)])
    commitment = None if options.tranche is None else tranche_commitment(options.tranche)
    if path.exists():
        prereg = read_prereg(out)
        attempts = {str(each.failure_class): each.attempt for each in prereg.classes}
        if set(attempts) != set(pairs) or not same_promise(
            prereg, promised(options, subject, pairs, attempts, known, commitment)
        ):
            message = (
                f"{path}: another promise was sealed here (other settings, items, model or packages); "
                "go on with those, or choose another --out"
            )
            raise RunError(message)
    else:
        if options.tranche is not None and commitment is not None:
            check_unused(options.tranche.with_name(TRANCHE_USES), commitment)
        name = options.name or options.model
        prereg = promised(options, subject, pairs, ledger.next_attempts(name, pairs), known, commitment)
        write_items(out, (item for each in pairs.values() for pair in each for item in pair))
        write_record(out, prereg)
    if options.tranche is not None and commitment is not None:
        # Before its first question: a tranche is good for one pre-registration.
        mark_used(options.tranche.with_name(TRANCHE_USES), commitment, prereg.digest)
        write_atomic(out / "tranche.json", commitment.to_json() + "\n")
    ledger.seal(prereg)
    return prereg


async def _run(
    options: GateOptions,
    out: Path,
    subject: Subject,
    pairs: Pairs,
    prereg: Prereg,
    ledger: AttemptLedger,
    report: Report,
) -> Verdict:
    logs = open_logs(out)
    attempts = {str(each.failure_class): each.attempt for each in prereg.classes if each.not_applicable is None}
    await play_controls(prereg, pairs, logs.controls, Stage("controls", report))
    eligible = await _eligible(options, out, subject, pairs, prereg, logs, report)
    ledger.append("eligible", prereg, attempts, eligible.digest)

    def enough(failure_class: FailureClass) -> bool:
        if prereg.rule == "fixed":
            return False
        so_far = [*_of(logs.samples.records, failure_class), *_of(logs.controls.records, failure_class)]
        return decide(prereg, so_far, eligible).classes[failure_class].verdict in {"PASS", "FAIL"}

    asked = {name: eligible.families.get(name, ()) for name in pairs}
    await play_organism(
        prereg, pairs, asked, subject, logs.controls, options.rows, Stage("a model bent on purpose", report)
    )
    await answer(
        prereg,
        pairs,
        asked,
        subject,
        logs.samples,
        options.rows,
        Stage("release", report),
        enough,
    )
    verdict = decide(prereg, [*logs.samples.records, *logs.controls.records], eligible)
    verdicts = {name: each.verdict for name, each in verdict.classes.items()}
    ledger.append("decided", prereg, attempts, verdict.digest, verdicts)
    write_atomic(out / "attempts.jsonl", ledger.path.read_bytes())
    write_record(out, verdict)
    return verdict


async def _eligible(
    options: GateOptions, out: Path, subject: Subject, pairs: Pairs, prereg: Prereg, logs: GateLogs, report: Report
) -> Eligible:
    sealed = read_eligible(out)
    if sealed is not None:
        return sealed
    families = await find_eligible(prereg, pairs, subject, logs.samples, options.rows, Stage("eligibility", report))
    eligible = Eligible(prereg=prereg.digest, families={str(name): each for name, each in families.items()})
    write_record(out, eligible)
    return eligible


def _of(samples: list[GateSample], failure_class: FailureClass) -> list[GateSample]:
    return [sample for sample in samples if sample.failure_class == failure_class]
