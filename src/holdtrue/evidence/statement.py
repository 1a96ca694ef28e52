"""What is signed: an in-toto Statement v1 whose predicate binds every line of a gate's run.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from typing import ClassVar, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from holdtrue.errors import ArtifactError
from holdtrue.evidence.canonical import canonical, parse
from holdtrue.records import FailureClass, Prereg, Record
from holdtrue.records.prereg import VerdictName

__all__ = ["PREDICATE_TYPE", "GatePredicate", "NamedKey", "SealedLines", "Statement", "Subject", "model_subjects"]

PREDICATE_TYPE: Final = "https://holdtrue.dev/gate/v1"
Hex: TypeAlias = str


class NamedKey(Record):
    """A key that signs, in the role that it signs in."""

    schema_id: ClassVar[str] = "holdtrue.named-key/1"

    role: Literal["evaluator", "countersigner"]
    keyid: Hex
    public: str
    """PEM."""


class SealedLines(Record):
    """All lines of a file, in their order."""

    schema_id: ClassVar[str] = "holdtrue.sealed-lines/1"

    root: Hex
    """RFC 9162, over salted leaves."""
    n: int = Field(ge=0)


class GatePredicate(Record):
    """What the signature is about, beside the files' digests."""

    schema_id: ClassVar[str] = "holdtrue.gate-predicate/1"

    target: str
    verdict: VerdictName
    classes: dict[FailureClass, VerdictName]
    prereg: Hex
    """Digest of the pre-registration."""
    lines: dict[str, SealedLines]
    """By file."""
    ledger_head: Hex
    """sha256 of the last line of `attempts.jsonl`."""
    tranche_root: str | None = None
    signers: tuple[NamedKey, ...] = Field(min_length=1)
    """The evaluator first. Whoever may sign stands here, so a signature can be neither stripped nor swapped unseen."""
    tool: Literal["holdtrue"] = "holdtrue"
    version: str
    created: str
    """UTC, ISO 8601; the signer's word."""


class Subject(BaseModel):
    """A thing by its digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    digest: dict[str, str]


class Statement(BaseModel):
    """In-toto Statement v1."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    type_: Literal["https://in-toto.io/Statement/v1"] = Field(default="https://in-toto.io/Statement/v1", alias="_type")
    subject: tuple[Subject, ...]
    predicate_type: Literal["https://holdtrue.dev/gate/v1"] = Field(default=PREDICATE_TYPE, alias="predicateType")
    predicate: GatePredicate

    def payload(self) -> bytes:
        """The bytes that are signed: canonical JSON."""
        return canonical(self.model_dump(mode="json", by_alias=True))

    @classmethod
    def from_payload(cls, payload: bytes, source: str) -> "Statement":
        """Read it back.

        Raises:
            ArtifactError: not such a statement, or not in canonical form.
        """
        raw, in_form = parse(payload, source)
        try:
            statement = cls.model_validate(raw)
        except (ValidationError, RecursionError) as error:
            first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": "too deep"}
            message = f"{source}: field '{'.'.join(map(str, first['loc']))}': {first['msg']}; seal the run again"
            raise ArtifactError(message) from None
        if not in_form or statement.payload() != payload:
            message = f"{source}: the statement isn't in canonical form; seal the run again"
            raise ArtifactError(message)
        return statement

    def files(self) -> dict[str, str]:
        """sha256 by file name."""
        return {each.name: each.digest.get("sha256", "") for each in self.subject if "/" not in each.name}


def model_subjects(prereg: Prereg) -> list[Subject]:
    """The model under test, by the digests that the pre-registration names; what it doesn't name is left out."""
    named = {"weights": prereg.weights, "axis": prereg.axis, "hold": prereg.hold, "template": prereg.template}
    return [Subject(name=f"model/{name}", digest=_digest(value)) for name, value in named.items() if value]


def _digest(value: str) -> dict[str, str]:
    is_sha256 = len(value) == 64 and set(value) <= set("0123456789abcdef")
    return {"sha256": value} if is_sha256 else {"holdtrue": value}
