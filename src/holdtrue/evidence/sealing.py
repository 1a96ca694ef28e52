"""Seal a gate's run into a bundle, and countersign one."""

import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import final

from holdtrue.errors import ArtifactError, EvidenceError, StorageError
from holdtrue.evidence.bundle import LEAVES, LINE_FILES, OPTIONAL_FILES, REQUIRED_FILES, STATEMENT, split_lines
from holdtrue.evidence.canonical import canonical, parse
from holdtrue.evidence.envelope import add_signature, sign
from holdtrue.evidence.findings import Verification
from holdtrue.evidence.keys import PublicKey, SigningKey
from holdtrue.evidence.leaves import Leaves, leaves_file
from holdtrue.evidence.pages import pages
from holdtrue.evidence.reproduce import Decide, Score
from holdtrue.evidence.statement import GatePredicate, NamedKey, SealedLines, Statement, Subject, model_subjects
from holdtrue.evidence.verifying import verify
from holdtrue.evidence.version import installed_version
from holdtrue.records import Prereg, Verdict, read_capped, storage_error, write_atomic

__all__ = ["Recompute", "countersign", "seal"]


@final
@dataclass(frozen=True)
class Recompute:
    """Scorers and decision to check with; by default the gate's own."""

    score: Score | None = None
    decide: Decide | None = None


def seal(
    folder: Path,
    key: SigningKey,
    out: Path,
    *,
    countersigners: Sequence[PublicKey] = (),
    recompute: Recompute = Recompute(),
    draw: Callable[[int], bytes] = secrets.token_bytes,
    now: datetime | None = None,
) -> Verification:
    """Write a bundle from a finished run's folder, sign it, and check it as a sceptic would.

    Lines of items, samples and controls are written in canonical form; everything else is copied byte for byte.

    Args:
        folder: of the run.
        key: the evaluator's.
        out: the bundle's folder, which mustn't be there yet.
        countersigners: third parties whose signatures must be on it too. They are named in what is signed: without them
            the bundle doesn't verify, so that nobody can take one off unseen.
        recompute: what to check with.
        draw: gives so many random bytes, for the salts.
        now: time of sealing.

    Returns:
        The check's result. Missing countersignatures are its only possible faults.

    Raises:
        ArtifactError: a file of the run is missing or isn't what it says.
        EvidenceError: the verdict doesn't follow from the run's files, so that nothing was sealed.
        StorageError: `out` is there already, or can't be written.
    """
    if out.exists() or out.is_symlink():
        message = f"{out}: there already, and a bundle is never overwritten; name another folder"
        raise StorageError(message)
    files = _run_files(folder)
    prereg = Prereg.from_json(files["prereg.json"].decode("utf-8", "replace"), str(folder / "prereg.json"))
    verdict = Verdict.from_json(files["verdict.json"].decode("utf-8", "replace"), str(folder / "verdict.json"))
    leaves = {name: Leaves.of(split_lines(files[name]), draw) for name in LINE_FILES}
    signers = [("evaluator", key.public), *(("countersigner", each) for each in countersigners)]
    ledger = split_lines(files["attempts.jsonl"])
    predicate = GatePredicate(
        target=prereg.target,
        verdict=verdict.verdict,
        classes={name: one.verdict for name, one in verdict.classes.items()},  # type: ignore[misc]
        prereg=prereg.digest,
        lines={name: SealedLines(root=each.root, n=len(each.hashes)) for name, each in leaves.items()},
        ledger_head=sha256(ledger[-1]).hexdigest() if ledger else "",
        tranche_root=prereg.tranche_root,
        signers=tuple(NamedKey(role=role, keyid=one.keyid, public=one.pem) for role, one in signers),  # type: ignore[arg-type]
        version=installed_version(),
        created=(now or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    files |= {LEAVES: leaves_file(leaves), **pages(prereg, verdict, predicate)}
    digests = [Subject(name=name, digest={"sha256": sha256(data).hexdigest()}) for name, data in sorted(files.items())]
    statement = Statement(subject=(*digests, *model_subjects(prereg)), predicate=predicate)
    return _written(out, {**files, STATEMENT: sign(statement, key)}, recompute)


def countersign(
    bundle: Path,
    key: SigningKey,
    *,
    recompute: Recompute = Recompute(),
) -> Verification:
    """Add a third party's signature, after a check of everything.

    Args:
        bundle: sealed with this key among its `countersigners`.
        key: the third party's.
        recompute: what to check with.

    Returns:
        The check's result with the new signature.

    Raises:
        EvidenceError: the bundle has a fault, so that it wasn't signed.
        SettingError: the bundle doesn't name this key.
    """
    before = verify(bundle, score=recompute.score, decide=recompute.decide)
    faults = [each for each in before.faults if each.kind != "signature-missing"]
    if faults or before.l1 == "NOT_DONE":
        message = f"{bundle}: not countersigned, because of {len(faults)} faults; the first: {faults[0]}"
        raise EvidenceError(message)
    write_atomic(bundle / STATEMENT, add_signature((bundle / STATEMENT).read_bytes(), key))
    return verify(bundle, score=recompute.score, decide=recompute.decide)


def _run_files(folder: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for name in (*REQUIRED_FILES, *OPTIONAL_FILES):
        path = folder / name
        if not path.exists():
            if name in OPTIONAL_FILES:
                continue
            message = (
                f"{path}: isn't there; give the folder of a finished `gate run`, which has {', '.join(REQUIRED_FILES)}"
            )
            raise ArtifactError(message)
        data = read_capped(path, "a file of a gate's run", 512 * 2**20).encode()
        if name in LINE_FILES:
            data = b"".join(each + b"\n" for each in _in_form(path, data))
        files[name] = data
    return files


def _in_form(path: Path, data: bytes) -> list[bytes]:
    lines = split_lines(data)
    if path.name == "attempts.jsonl":  # its lines are chained by their bytes
        return lines
    return [canonical(parse(line, f"{path}:{at + 1}")[0]) for at, line in enumerate(lines)]


def _written(out: Path, files: dict[str, bytes], recompute: Recompute) -> Verification:
    """Write beside, check there, and rename: a bundle that is there has been checked."""
    beside = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        beside.mkdir(parents=True)
        for name, data in files.items():
            write_atomic(beside / name, data)
        checked = verify(beside, score=recompute.score, decide=recompute.decide)
        faults = [each for each in checked.faults if each.kind != "signature-missing"]
        if faults:
            message = f"{out}: not sealed, because the run has {len(faults)} faults; the first: {faults[0]}"
            raise EvidenceError(message)
        beside.rename(out)
    except OSError as error:
        raise storage_error(out, error) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return replace(checked, bundle=out)
