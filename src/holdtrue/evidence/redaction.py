"""Withhold what some families were asked and answered, and keep the seal: their digests stay in place."""

import secrets
import shutil
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from holdtrue.errors import EvidenceError, SettingError, StorageError, did_you_mean
from holdtrue.evidence.bundle import LEAVES, LINE_FILES, Bundle, read_bundle
from holdtrue.evidence.canonical import parse
from holdtrue.evidence.integrity import check_integrity
from holdtrue.evidence.leaves import leaves_file, withheld_line
from holdtrue.records import storage_error, write_atomic

__all__ = ["redact"]


def redact(bundle: Path, families: Collection[str], out: Path) -> dict[str, int]:
    """Write a copy of a bundle in which some families' items and samples show as digests alone.

    Their salts are left out too: without one, no digest can be guessed, even by somebody who has the generator. All
    signatures stay valid. Anybody can do this, so it proves nothing about why; `verify` counts what is withheld.

    Args:
        bundle: a sealed one, redacted or not.
        families: as `class/family`.
        out: the copy's folder, which mustn't be there yet.

    Returns:
        By file, how many lines are withheld in the copy.

    Raises:
        EvidenceError: the bundle's bytes aren't those that were signed.
        SettingError: no such family in it.
        StorageError: `out` is there already, or can't be written.
    """
    read, findings = read_bundle(bundle)
    found = check_integrity(read, ())
    faults = [each for each in (*findings, *found.findings) if each.fault and each.kind != "signature-missing"]
    if faults:
        message = f"{bundle}: not redacted, because of {len(faults)} faults; the first: {faults[0]}"
        raise EvidenceError(message)
    if out.exists() or out.is_symlink():
        message = f"{out}: there already; name another folder for the copy"
        raise StorageError(message)
    hidden = {name: _lines_of(read, name, set(families)) for name in LINE_FILES if name != "attempts.jsonl"}
    _check_known(read, families)
    files, leaves = dict(read.files), dict(found.leaves)
    for name, places in hidden.items():
        old = leaves[name]
        leaves[name] = replace(old, salts=tuple(None if at in places else salt for at, salt in enumerate(old.salts)))
        shown = (withheld_line(old.hashes[at]) if at in places else line for at, line in enumerate(read.lines(name)))
        files[name] = b"".join(line + b"\n" for line in shown)
    files[LEAVES] = leaves_file(leaves)
    beside = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        beside.mkdir(parents=True)
        for name, data in files.items():
            write_atomic(beside / name, data)
        beside.rename(out)
    except OSError as error:
        raise storage_error(out, error) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return {name: sum(salt is None for salt in each.salts) for name, each in leaves.items()}


def _family(line: bytes) -> str:
    raw: Any = parse(line, "")[0]
    return f"{raw.get('failure_class')}/{raw.get('family')}" if isinstance(raw, dict) else ""


def _lines_of(bundle: Bundle, name: str, families: set[str]) -> set[int]:
    return {at for at, line in enumerate(bundle.lines(name)) if _family(line) in families}


def _check_known(bundle: Bundle, families: Collection[str]) -> None:
    known = sorted(
        {_family(line) for name in ("items.jsonl", "samples.jsonl") for line in bundle.lines(name)} - {"None/None"}
    )
    for each in families:
        if each not in known:
            message = f"family '{each}' isn't in {bundle.path}; write it as class/family: {did_you_mean(each, known)}"
            raise SettingError(message)
