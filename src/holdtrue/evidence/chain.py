"""The attempt ledger, read by a sceptic: unbroken, in order, and the attempt that it says."""

import hashlib
from collections.abc import Sequence
from math import isclose

from holdtrue.errors import ArtifactError
from holdtrue.evidence.findings import Finding
from holdtrue.records import AttemptEntry, Eligible, Prereg, Verdict

__all__ = ["check_chain"]

_NAME = "attempts.jsonl"


def check_chain(
    lines: Sequence[bytes], prereg: Prereg, eligible: Eligible | None, verdict: Verdict
) -> tuple[list[AttemptEntry], list[Finding]]:
    """Check that the pre-registration was sealed first, then the eligible list, then the verdict, and nothing before.

    Args:
        lines: of the ledger, without line feeds.
        prereg: this run's.
        eligible: this run's; None where it never came to that.
        verdict: this run's.

    Returns:
        The entries, and every fault by line.
    """
    entries: list[AttemptEntry] = []
    found: list[Finding] = []

    def fault(kind: str, at: int | None, what: str) -> None:
        found.append(Finding(kind, _NAME if at is None else f"{_NAME}:{at + 1}", what, level=1))

    before = "0" * 64
    for at, line in enumerate(lines):
        try:
            entry = AttemptEntry.from_json(line.decode("utf-8", "replace"), f"{_NAME}:{at + 1}")
        except (ArtifactError, RecursionError) as error:
            fault("ledger-unreadable", at, str(error))
            return entries, found
        if entry.previous != before:
            fault("ledger-broken", at, "doesn't continue the line before: one of them was edited, deleted or moved")
        before = hashlib.sha256(line).hexdigest()
        entries.append(entry)

    own = [(at, each) for at, each in enumerate(entries) if each.prereg == prereg.digest]
    contents = {
        "sealed": prereg.digest,
        "eligible": None if eligible is None else eligible.digest,
        "decided": verdict.digest,
    }
    order = [event for event, content in contents.items() if content is not None]
    first = list(dict.fromkeys(each.event for _, each in own))
    if first != order:
        fault("ledger-order", None, f"has {first or 'nothing'} of this pre-registration, must have {order} in order")
    for at, each in own:
        if each.content != contents[each.event]:
            fault("ledger-content", at, f"'{each.event}' isn't about the {_THING[each.event]} of this bundle")
        if each.event == "decided" and each.verdicts != {name: one.verdict for name, one in verdict.classes.items()}:
            fault("ledger-verdict", at, "its verdicts aren't those of verdict.json")
    if eligible is not None and eligible.prereg != prereg.digest:
        found.append(Finding("eligible-foreign", "eligible.json", "belongs to another pre-registration", level=1))
    if verdict.prereg != prereg.digest:
        found.append(Finding("verdict-foreign", "verdict.json", "belongs to another pre-registration", level=1))
    found += _check_attempts(entries, prereg)
    return entries, found


_THING = {"sealed": "pre-registration", "eligible": "eligible list", "decided": "verdict"}


def _check_attempts(entries: Sequence[AttemptEntry], prereg: Prereg) -> list[Finding]:
    """Every pre-registration sealed under the name counts, decided or not."""
    tries: dict[str, int] = {}
    seen: set[str] = set()
    for each in entries:
        if each.event != "sealed" or each.name != prereg.name or each.prereg in seen:
            continue
        seen.add(each.prereg)
        for name in each.attempts:
            tries[name] = tries.get(name, 0) + 1
        if each.prereg == prereg.digest:
            break
    found = []
    for promised in prereg.classes:
        if promised.not_applicable is not None:
            continue
        name, counted = promised.failure_class, tries.get(promised.failure_class, 0)
        if promised.attempt != counted:
            what = f"{name}: promised as attempt {promised.attempt}, and the ledger counts {counted}"
            found.append(Finding("attempt-miscounted", "prereg.json", what, level=1))
        spent = prereg.alpha * 2.0**-promised.attempt
        if promised.alpha > spent and not isclose(promised.alpha, spent, rel_tol=1e-9):
            what = f"{name}: alpha {promised.alpha} is more than the {spent} that attempt {promised.attempt} may spend"
            found.append(Finding("alpha-overspent", "prereg.json", what, level=1))
    return found
