"""Level 1: score every transcript again and decide again, with nothing but the bundle and this package."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar, final, runtime_checkable

from pydantic import ValidationError

from holdtrue.errors import ArtifactError, EvidenceError
from holdtrue.evidence.bundle import Bundle
from holdtrue.evidence.canonical import parse
from holdtrue.evidence.chain import check_chain
from holdtrue.evidence.controls import check_controls
from holdtrue.evidence.findings import Finding
from holdtrue.evidence.holdout import Commitment
from holdtrue.evidence.merkle import digest_root
from holdtrue.evidence.statement import GatePredicate, Statement
from holdtrue.records import Eligible, GateItem, GateSample, Prereg, PreregClass, Record, Verdict, canonical_json

__all__ = ["Decide", "Reproduction", "Rescored", "Score", "reproduce"]

MAX_FAULTS: Final = 40
R = TypeVar("R", bound=Record)


@runtime_checkable
class Rescored(Protocol):
    """What a scorer says of a sample."""

    @property
    def outcome(self) -> str: ...  # noqa: D102
    @property
    def reason(self) -> str: ...  # noqa: D102
    @property
    def signature(self) -> str: ...  # noqa: D102


@runtime_checkable
class Score(Protocol):
    """Scores a transcript; the same on every machine."""

    def __call__(self, item: GateItem, sample: GateSample, /) -> Rescored: ...  # noqa: D102


@runtime_checkable
class Decide(Protocol):
    """Decides from the pre-registration and what was answered; the same on every machine."""

    def __call__(  # noqa: D102
        self, prereg: Prereg, samples: Sequence[GateSample], eligible: Eligible | None, /
    ) -> Verdict: ...


@final
@dataclass
class Reproduction:
    """What level 1 found."""

    findings: list[Finding] = field(default_factory=list)
    classes: dict[str, str] = field(default_factory=dict)
    verdict: Verdict | None = None

    def fault(self, kind: str, where: str, what: str) -> None:
        """Note a fault; of one kind, the first few dozen."""
        if sum(each.kind == kind for each in self.findings) < MAX_FAULTS:
            self.findings.append(Finding(kind, where, what, level=1))

    def note(self, kind: str, where: str, what: str) -> None:
        """Note a remark."""
        self.findings.append(Finding(kind, where, what, level=1, fault=False))


def reproduce(
    bundle: Bundle, statement: Statement, *, withheld: bool, score: Score, decide: Decide, scorers: str | None = None
) -> Reproduction:
    """Recompute everything that follows from the transcripts.

    Args:
        bundle: whose integrity was found sound.
        statement: the signed one.
        withheld: some lines show as digests alone, so that not all can be recomputed.
        score: the deterministic scorers.
        decide: the gate's decision.
        scorers: digest of those scorers' source, if it is known.
    """
    found = Reproduction()
    prereg = _whole(bundle, "prereg.json", Prereg, found)
    verdict = _whole(bundle, "verdict.json", Verdict, found)
    eligible = _whole(bundle, "eligible.json", Eligible, found) if "eligible.json" in bundle.files else None
    items = _lines(bundle, "items.jsonl", GateItem, found)
    samples = _lines(bundle, "samples.jsonl", GateSample, found)
    controls = _lines(bundle, "controls.jsonl", GateSample, found)
    if prereg is None or verdict is None:
        return found
    found.verdict = verdict
    _, findings = check_chain(bundle.lines("attempts.jsonl"), prereg, eligible, verdict)
    found.findings += findings
    if scorers is not None and scorers != prereg.scorers:
        found.note("scorers-differ", "prereg.json", f"scored then with {prereg.scorers}, here with {scorers}")
    _check_predicate(statement.predicate, prereg, verdict, bundle, found)
    _check_tranche(bundle, prereg, found)
    by_digest = _check_items(prereg, [item for _, item in items], withheld=withheld, found=found)
    for name, phases, answered in (
        ("samples.jsonl", ("eligibility", "release"), samples),
        ("controls.jsonl", ("control",), controls),
    ):
        for at, sample in answered:
            where = f"{name}:{at + 1}"
            if sample.phase not in phases:
                found.fault("sample-misplaced", where, f"phase '{sample.phase}' has no place in this file")
            _rescore(sample, by_digest, where, score, withheld=withheld, found=found)
    check_controls(prereg, eligible, by_digest, [each for _, each in controls], found.fault)
    everything = [each for _, each in (*samples, *controls)]
    _decide_again(prereg, eligible, verdict, everything, bundle, decide, withheld=withheld, found=found)
    return found


def _check_predicate(
    predicate: GatePredicate, prereg: Prereg, verdict: Verdict, bundle: Bundle, found: Reproduction
) -> None:
    ledger = bundle.lines("attempts.jsonl")
    here = {
        "target": prereg.target,
        "prereg": prereg.digest,
        "verdict": verdict.verdict,
        "classes": {name: one.verdict for name, one in verdict.classes.items()},
        "tranche_root": prereg.tranche_root,
        "ledger_head": hashlib.sha256(ledger[-1]).hexdigest() if ledger else "",
    }
    for name, value in here.items():
        if getattr(predicate, name) != value:
            found.fault("statement-differs", "statement.dsse.json", f"its '{name}' isn't that of the bundle's files")


def _check_tranche(bundle: Bundle, prereg: Prereg, found: Reproduction) -> None:
    if "tranche.json" not in bundle.files:
        if prereg.tranche_root is not None:
            found.note("tranche-absent", "tranche.json", "a hold-out was promised; its commitment isn't in the bundle")
        return
    tranche = _whole(bundle, "tranche.json", Commitment, found)
    if tranche is not None and tranche.root != prereg.tranche_root:
        found.fault("tranche-foreign", "tranche.json", "isn't the commitment that was pre-registered")


def _check_items(
    prereg: Prereg, items: Sequence[GateItem], *, withheld: bool, found: Reproduction
) -> dict[str, GateItem]:
    digests = [_digest(item) for item in items]
    by_digest = dict(zip(digests, items, strict=True))
    promised: dict[str, PreregClass] = {each.failure_class: each for each in prereg.classes}
    classes: dict[str, list[str]] = {name: [] for name in promised}
    for digest, item in zip(digests, items, strict=True):
        if item.failure_class not in promised:
            found.fault(
                "item-unplanned", "items.jsonl", f"{item.failure_class}/{item.family}: no such class is promised"
            )
        else:
            classes[item.failure_class].append(digest)
    twice = [key for key, n in Counter(item.key for item in items).items() if n > 1]
    for key in twice[:MAX_FAULTS]:
        found.fault("item-twice", "items.jsonl", f"{key[0]}/{key[1]}, variant {key[2]}: there more than once")
    for name, own in classes.items():
        if digest_root(own) == promised[name].items_root:
            continue
        if withheld:
            found.note(
                "items-partial", "items.jsonl", f"{name}: not all items are shown, so their root isn't recomputed"
            )
        elif own or promised[name].not_applicable is None:
            found.fault("items-root", "items.jsonl", f"{name}: these aren't the items that were pre-registered")
    return by_digest


def _digest(item: GateItem) -> str:
    """`item.digest`, without the detour over text that makes it dear for thousands of items."""
    values = {"schema": item.schema_id, **item.model_dump(mode="json")}
    return hashlib.sha256(canonical_json(values).encode()).hexdigest()


def _rescore(
    sample: GateSample, items: dict[str, GateItem], where: str, score: Score, *, withheld: bool, found: Reproduction
) -> None:
    item = items.get(sample.item)
    if item is None:
        if not withheld:
            found.fault("sample-foreign", where, f"answers item {sample.item[:16]}…, which isn't in items.jsonl")
        return
    if item.key != (sample.failure_class, sample.family, sample.variant, sample.twin):
        found.fault("sample-mislabelled", where, f"says {sample.failure_class}/{sample.family}; its item is {item.key}")
    try:
        again = score(item, sample)
    except Exception as error:  # noqa: BLE001 - a stranger's expressions and transcripts may break a scorer anyhow
        found.fault("score-impossible", where, f"scoring it stopped with {type(error).__name__}: {str(error)[:80]}")
        return
    for name in ("outcome", "reason", "signature"):
        said, got = getattr(sample, name), getattr(again, name)
        if said != got:
            found.fault(f"{name}-differs", where, f"says {name} {said[:60]!r}; scored again it is {got[:60]!r}")


def _decide_again(
    prereg: Prereg,
    eligible: Eligible | None,
    verdict: Verdict,
    samples: Sequence[GateSample],
    bundle: Bundle,
    decide: Decide,
    *,
    withheld: bool,
    found: Reproduction,
) -> None:
    try:
        again = decide(prereg, samples, eligible)
    except Exception as error:  # noqa: BLE001 - as above
        found.fault("decision-impossible", "verdict.json", f"deciding stopped with {type(error).__name__}")
        return
    same = bundle.files["verdict.json"].removesuffix(b"\n") == again.to_json().encode().removesuffix(b"\n")
    for name, sealed in verdict.classes.items():
        if again.classes.get(name) == sealed:
            found.classes[name] = "reproduced" if not withheld else "reproduced from what is shown"
        elif withheld:
            found.classes[name] = "not reproducible: lines are withheld"
        else:
            found.classes[name] = "DIFFERS"
            got = again.classes.get(name)
            told = "nothing" if got is None else f"{got.verdict} ({got.reason[:80]})"
            found.fault("verdict-differs", "verdict.json", f"{name}: sealed {sealed.verdict}, decided again {told}")
    if not same and not withheld and "DIFFERS" not in found.classes.values():
        found.fault("verdict-bytes", "verdict.json", "decided again, it isn't the same byte for byte")


def _whole(bundle: Bundle, name: str, kind: type[R], found: Reproduction) -> R | None:
    try:
        return kind.from_json(bundle.files[name].decode("utf-8"), name)
    except (ArtifactError, UnicodeDecodeError, RecursionError, KeyError) as error:
        found.fault("record-unreadable", name, str(error)[:200])
        return None


def _lines(bundle: Bundle, name: str, kind: type[R], found: Reproduction) -> list[tuple[int, R]]:
    """The records of a file by their line, without those withheld."""
    read: list[tuple[int, R]] = []
    for at, line in enumerate(bundle.lines(name)):
        if line.startswith(b'{"withheld":'):
            continue
        where = f"{name}:{at + 1}"
        try:
            raw, in_form = parse(line, where)
            if not in_form:
                found.fault("line-form", where, "isn't in canonical form")
            if not isinstance(raw, dict) or raw.pop("schema", None) != kind.schema_id:
                found.fault("record-unreadable", where, f"isn't a {kind.schema_id} record")
                continue
            read.append((at, kind.model_validate(raw)))
        except (EvidenceError, ValidationError, RecursionError) as error:
            found.fault("record-unreadable", where, " ".join(str(error).split())[:200])
    return read
