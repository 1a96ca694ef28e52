"""What a verification finds: each fault by name, with the file and the line it is in."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, final

__all__ = ["Finding", "Level", "Signer", "Verification"]

Level: TypeAlias = Literal["PASS", "PARTIAL", "FAIL", "NOT_DONE"]


@final
@dataclass(frozen=True)
class Finding:
    """One thing that was found."""

    kind: str
    """Its name, such as `line-edited`."""
    where: str
    """The file, and the line where there is one: `samples.jsonl:12`."""
    what: str
    level: int
    """0 integrity and signature, 1 recomputation."""
    fault: bool = True
    """False for a remark."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what} [{self.kind}]"


@final
@dataclass(frozen=True)
class Signer:
    """Somebody who signed, or should have."""

    role: Literal["evaluator", "countersigner"]
    keyid: str
    """Fingerprint of the key."""
    signed: bool
    trusted: bool | None
    """None where no trusted keys were given: the bundle's own word."""


@final
@dataclass(frozen=True)
class Verification:
    """What a bundle's verification came to."""

    bundle: Path
    l0: Level
    """Integrity and signature."""
    l1: Level
    """Recomputed; PARTIAL where lines are withheld, NOT_DONE after a fault of integrity."""
    findings: tuple[Finding, ...]
    signers: tuple[Signer, ...] = ()
    verdict: str | None = None
    """Of the whole, as it is signed."""
    classes: Mapping[str, str] = field(default_factory=dict)
    """By failure class: what came of recomputing it."""
    lines: Mapping[str, int] = field(default_factory=dict)
    """By file."""
    withheld: Mapping[str, int] = field(default_factory=dict)
    """By file: how many lines show as digests alone."""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Sound, signed and recomputed in full."""
        return self.l0 == "PASS" and self.l1 == "PASS"

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that aren't remarks."""
        return tuple(each for each in self.findings if each.fault)

    def as_json(self) -> dict[str, Any]:
        """The same as values of JSON."""
        return {
            "bundle": str(self.bundle),
            "ok": self.ok,
            "l0": self.l0,
            "l1": self.l1,
            "verdict": self.verdict,
            "classes": dict(self.classes),
            "signers": [asdict(each) for each in self.signers],
            "lines": dict(self.lines),
            "withheld": dict(self.withheld),
            "findings": [asdict(each) for each in self.findings],
            "seconds": round(self.seconds, 3),
        }

    def as_text(self) -> str:
        """A few lines for a terminal."""
        n_lines = ", ".join(f"{n} lines in {name}" for name, n in self.lines.items())
        out = [
            f"{self.bundle}",
            f"L0 integrity and signature: {self.l0}",
            f"L1 recomputed from the transcripts: {self.l1}" + (f" ({n_lines})" if self.l1 != "NOT_DONE" else ""),
            f"signed verdict: {self.verdict or 'unreadable'}",
        ]
        out += [f"  {name}: {state}" for name, state in self.classes.items()]
        out += [f"{each.role} {each.keyid}: {_state(each)}" for each in self.signers]
        return "\n".join([*out, *_listed("faults", self.faults), *_listed("remarks", self._remarks())])

    def _remarks(self) -> Sequence[Finding]:
        return [each for each in self.findings if not each.fault]


def _state(signer: Signer) -> str:
    if not signer.signed:
        return "no valid signature"
    told = {True: "a key you trust", False: "NOT a key you trust", None: "self-declared: compare the fingerprint"}
    return f"signed, {told[signer.trusted]}"


def _listed(heading: str, findings: Sequence[Finding]) -> list[str]:
    return [f"{heading}:", *(f"  {each}" for each in findings)] if findings else []
