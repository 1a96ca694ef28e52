"""What a run promises before its first answer."""

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Final

from holdtrue.errors import ArtifactError, EvidenceError
from holdtrue.evidence import Commitment, digest_root, read_tranche
from holdtrue.gate import independent_families
from holdtrue.gate.scoring import scorers_digest
from holdtrue.records import FailureClass, GateItem, Prereg, PreregClass, canonical_json, read_capped
from holdtrue.scenarios.kernels import gate_items
from holdtrue.stats import spend
from holdtrue.suites.options import GateOptions, chosen_classes
from holdtrue.suites.subject import Subject

__all__ = [
    "COMMITMENT",
    "CONTROLS",
    "ORGANISM",
    "TRANCHE_USES",
    "Pairs",
    "offered",
    "promised",
    "same_promise",
    "tranche_commitment",
]

CONTROLS: Final = ("good", "bad", "subtle")
"""Planted replies played beside the target."""
COMMITMENT: Final = "commitment.json"
TRANCHE_USES: Final = "uses.jsonl"
ORGANISM: Final = "organism/reversed"
"""The model itself, held along the axis turned around."""
Pairs = dict[FailureClass, list[tuple[GateItem, GateItem]]]


def offered(options: GateOptions) -> Pairs:
    """The items of a run, each with its twin, by failure class.

    Args:
        options: a tranche of its own, or the built-in kernels.

    Raises:
        ArtifactError: a tranche that isn't one.
        EvidenceError: two families whose texts are nearly the same: they would be counted twice.
    """
    wanted = chosen_classes(options.classes)
    found = gate_items(options.seed) if options.tranche is None else _tranche(options.tranche)
    pairs = {name: found.get(name, [])[: options.families] for name in wanted}
    for name, groups in independent_families(item for each in pairs.values() for item, _ in each).items():
        alike = next((group for group in groups if len(group) > 1), None)
        if alike is not None:
            message = f"{name}: families {', '.join(alike)} are near duplicates, so they aren't independent; keep one"
            raise EvidenceError(message)
    return pairs


def promised(
    options: GateOptions,
    subject: Subject,
    pairs: Pairs,
    attempts: Mapping[str, int],
    known: Sequence[str],
    commitment: Commitment | None = None,
) -> Prereg:
    """The pre-registration.

    Args:
        options: what was asked for.
        subject: who is gated.
        pairs: items and twins.
        attempts: by class, which attempt this is.
        known: signatures of failures in the version before.
        commitment: to the tranche, where one is used.
    """
    return Prereg(
        target=subject.name,
        free=subject.free_name,
        name=options.name or options.model,
        classes=tuple(
            PreregClass(
                failure_class=name,
                p0=options.p0_of.get(name, options.p0),
                families=len(each),
                min_families=options.min_families,
                attempt=attempts[name],
                alpha=spend(options.alpha, attempts[name]),
                items_root=digest_root([item.digest for pair in each for item in pair]),
                not_applicable=None if each else "no items of this class",
            )
            for name, each in pairs.items()
        ),
        alpha=options.alpha,
        rule=options.rule,
        epochs=options.epochs,
        seed=options.seed,
        temperature=options.temperature,
        twin_temperature=options.twin_temperature,
        tools=options.tools,
        timeout_seconds=options.timeout_seconds,
        controls=CONTROLS if subject.organism is None else (*CONTROLS, ORGANISM),
        known_signatures=tuple(sorted(known)),
        earlier=options.earlier is not None,
        tranche_root=None if commitment is None else commitment.root,
        scorers=scorers_digest(),
        weights=subject.weights,
        axis=subject.axis,
        hold=subject.hold,
        template=subject.template,
        packages=_packages(),
        hardware=", ".join(
            each for each in (platform.machine(), f"{os.cpu_count()} cores", platform.system(), subject.dtype) if each
        ),
        holdtrue=version("holdtrue"),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def tranche_commitment(path: Path) -> Commitment:
    """The commitment that lies beside a tranche.

    Raises:
        ArtifactError: there is none; a tranche nobody committed to shows nothing that the built-in items don't.
    """
    beside = path.with_name(COMMITMENT)
    if not beside.exists():
        message = (
            f"{path}: no {COMMITMENT} beside it; put the published one there, or make both: `holdtrue holdout commit`"
        )
        raise ArtifactError(message)
    return Commitment.from_json(read_capped(beside, "a commitment"), str(beside))


def _packages() -> str:
    names = sorted(f"{each.metadata['Name']}=={each.version}".lower() for each in distributions())
    return hashlib.sha256(canonical_json(names).encode()).hexdigest()


def _tranche(path: Path) -> Pairs:
    items = read_tranche(read_capped(path, "a hold-out tranche"), str(path), tranche_commitment(path))
    twins = {(item.failure_class, item.family): item for item in items if item.twin}
    found: Pairs = {}
    for item in items:
        if item.twin:
            continue
        twin = twins.get((item.failure_class, item.family))
        if twin is None:
            message = f"{path}: '{item.family}' of {item.failure_class} has no twin; give each item one"
            raise ArtifactError(message)
        found.setdefault(item.failure_class, []).append((item, twin))
    if not found:
        message = f"{path}: no items in it; a tranche has a line for each item and for its twin"
        raise ArtifactError(message)
    return found


def same_promise(old: Prereg, new: Prereg) -> bool:
    """Whether two pre-registrations promise the same, times and attempts apart."""
    return _core(old) == _core(new)


def _core(prereg: Prereg) -> str:
    raw = json.loads(prereg.to_json())
    raw.pop("created")
    raw["classes"] = [{**each, "attempt": 0, "alpha": 0.0} for each in raw["classes"]]
    return canonical_json(raw)
