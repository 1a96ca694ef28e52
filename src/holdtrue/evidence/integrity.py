"""Level 0: is every byte of a bundle what was signed? Nothing is interpreted here but the signed statement."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

from holdtrue.errors import EvidenceError
from holdtrue.evidence.bundle import LEAVES, LINE_FILES, STATEMENT, Bundle
from holdtrue.evidence.envelope import check_envelope
from holdtrue.evidence.findings import Finding, Signer
from holdtrue.evidence.keys import PublicKey
from holdtrue.evidence.leaves import Leaves, check_lines, read_leaves
from holdtrue.evidence.statement import Statement

__all__ = ["Integrity", "check_integrity"]


@final
@dataclass
class Integrity:
    """What level 0 found."""

    statement: Statement | None = None
    signers: list[Signer] = field(default_factory=list)
    leaves: dict[str, Leaves] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    withheld: dict[str, int] = field(default_factory=dict)
    """By file; those without are left out."""

    def fault(self, kind: str, where: str, what: str) -> None:
        """Note a fault."""
        self.findings.append(Finding(kind, where, what, level=0))


def check_integrity(bundle: Bundle, trusted: Sequence[PublicKey]) -> Integrity:
    """Check signatures, files and lines.

    A line may be withheld: its leaf's hash stands in for it and its salt is gone. Then the file's own digest no longer
    fits, and the signed Merkle root binds what is left: every line by its leaf, every salt by its line.

    Args:
        bundle: as read.
        trusted: keys that the reader got from elsewhere.
    """
    found = Integrity()
    if STATEMENT in bundle.files:
        found.statement, found.signers, findings = check_envelope(bundle.files[STATEMENT], trusted)
        found.findings += findings
    else:
        found.fault("file-missing", STATEMENT, "isn't there, so nothing is signed")
    _read_leaves(bundle, found)
    line_faults = {name: _check_lines(bundle, name, found) for name in LINE_FILES}
    if found.statement is not None:
        signed = found.statement.files()
        for name in sorted(set(signed) - set(bundle.files)):
            found.fault("file-missing", name, "was sealed and isn't there")
        for name in sorted(set(bundle.files) - set(signed) - {STATEMENT}):
            found.fault("file-added", name, "wasn't sealed")
        for name in sorted(set(bundle.files) & set(signed)):
            redacted = bool(found.withheld) if name == LEAVES else name in found.withheld and not line_faults[name]
            if bundle.digest(name) != signed[name] and not redacted:
                found.fault("file-changed", name, f"sha256 is {bundle.digest(name)}, signed is {signed[name]}")
    return found


def _read_leaves(bundle: Bundle, found: Integrity) -> None:
    if LEAVES not in bundle.files:
        found.fault("file-missing", LEAVES, "isn't there, so lines can't be told apart")
        return
    try:
        found.leaves = read_leaves(bundle.files[LEAVES])
    except EvidenceError as error:
        found.fault("leaves-unreadable", LEAVES, str(error).removeprefix(f"{LEAVES}: "))
        return
    if set(found.leaves) != set(LINE_FILES):
        found.fault("leaves-odd", LEAVES, f"has leaves of {sorted(found.leaves)}, must have those of {LINE_FILES}")
    if found.statement is None:
        return
    signed = found.statement.predicate.lines
    for name in LINE_FILES:
        here = found.leaves.get(name, Leaves((), ()))
        if name not in signed or (here.root, len(here.hashes)) != (signed[name].root, signed[name].n):
            found.fault("root-wrong", f"{LEAVES}:{name}", "its leaves don't have the signed Merkle root")


def _check_lines(bundle: Bundle, name: str, found: Integrity) -> list[Finding]:
    leaves = found.leaves.get(name)
    if leaves is None or name not in bundle.files:
        return []
    faults = check_lines(name, bundle.lines(name), leaves)
    if bundle.unended(name):
        faults.append(Finding("line-unended", f"{name}:{len(bundle.lines(name))}", "its line feed is cut off", level=0))
    n_withheld = sum(salt is None for salt in leaves.salts)
    if n_withheld:
        found.withheld[name] = n_withheld
        if name == "attempts.jsonl":
            faults.append(Finding("ledger-withheld", name, "a line of the ledger can't be withheld", level=0))
    found.findings += faults
    return faults
