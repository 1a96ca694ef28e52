"""The signature's envelope: DSSE with Ed25519, in one fixed form, so that no byte of it is free.

https://github.com/secure-systems-lab/dsse. The payload names every key that signs and its role; the envelope's order,
its keyids and its encoding follow from the payload. A signature that is missing, swapped, doubled or made with another
key is therefore seen.
"""

from collections.abc import Sequence
from typing import Any, Final

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]

from holdtrue.errors import ArtifactError, EvidenceError, SettingError
from holdtrue.evidence.canonical import canonical, parse
from holdtrue.evidence.findings import Finding, Signer
from holdtrue.evidence.keys import PublicKey, SigningKey, public_key_of
from holdtrue.evidence.statement import NamedKey, Statement

__all__ = ["PAYLOAD_TYPE", "add_signature", "check_envelope", "sign"]

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
NAME: Final = "statement.dsse.json"


def sign(statement: Statement, key: SigningKey) -> bytes:
    """The envelope's file with the evaluator's signature.

    Raises:
        SettingError: the statement names another evaluator.
    """
    return _signed(Envelope(statement.payload(), PAYLOAD_TYPE, {}), statement, key, "evaluator")


def add_signature(data: bytes, key: SigningKey) -> bytes:
    """The envelope's file with a third party's signature beside those that it has.

    Args:
        data: the file as it is.
        key: one that the signed statement names as a countersigner.

    Raises:
        ArtifactError: not an envelope.
        SettingError: the statement doesn't name the key: then anybody could take the signature off again unseen.
    """
    envelope, statement = _opened(data)
    return _signed(envelope, statement, key, "countersigner")


def check_envelope(data: bytes, trusted: Sequence[PublicKey]) -> tuple[Statement | None, list[Signer], list[Finding]]:
    """Read an envelope and check every signature that must be on it.

    Args:
        data: the file.
        trusted: keys that the reader got from elsewhere; none: the keys are the bundle's own word.

    Returns:
        The statement, None where it can't be read; who signed; what was found.
    """
    try:
        envelope, statement = _opened(data)
    except (ArtifactError, EvidenceError) as error:
        return None, [], [_fault("envelope-unreadable", str(error).removeprefix(f"{NAME}: "))]
    named, found = statement.predicate.signers, []
    roles = [each.role for each in named]
    if roles != ["evaluator"] + ["countersigner"] * (len(roles) - 1) or len({n.keyid for n in named}) != len(named):
        found.append(_fault("signers-odd", "the signed list of keys isn't one evaluator and different countersigners"))
    if data != _written(envelope, statement):
        found.append(_fault("envelope-form", "not in its one canonical form: something was added, moved or re-encoded"))
    unnamed = set(envelope.signatures) - {each.keyid for each in named}
    found += [
        _fault("signature-unnamed", f"a signature by {each[:80]}, which the signed list doesn't name")
        for each in sorted(unnamed)
    ]
    signers = [_check(envelope, each, {key.keyid for key in trusted}, found) for each in named]
    if trusted and not any(each.signed and each.trusted for each in signers):
        shown = ", ".join(each.keyid for each in signers)
        found.append(_fault("key-untrusted", f"signed with {shown}: none of the keys you trust; was it signed anew?"))
    if not trusted:
        what = f"self-declared key {signers[0].keyid}: compare this fingerprint with one from another place"
        found.append(Finding("key-self-declared", NAME, what, level=0, fault=False))
    return statement, signers, found


def _check(envelope: Envelope, named: NamedKey, trusted: set[str], found: list[Finding]) -> Signer:
    try:
        key = public_key_of(named.public, NAME)
    except ArtifactError:
        key = None
    if key is None or key.keyid != named.keyid or key.pem != named.public:
        found.append(_fault("key-odd", f"the {named.role}'s key doesn't have the fingerprint {named.keyid[:80]}"))
        return Signer(named.role, named.keyid, signed=False, trusted=False)
    if named.keyid not in envelope.signatures:
        what = f"the {named.role}'s signature ({named.keyid}) isn't there: not given yet, or taken off"
        found.append(_fault("signature-missing", what))
        return Signer(named.role, named.keyid, signed=False, trusted=False)
    try:
        envelope.verify([_library_key(key)], 1)
        signed = True
    except VerificationError:
        found.append(_fault("signature-wrong", f"the {named.role}'s signature ({named.keyid}) doesn't fit the payload"))
        signed = False
    return Signer(named.role, named.keyid, signed, named.keyid in trusted if trusted else None)


def _opened(data: bytes) -> tuple[Envelope, Statement]:
    raw, _ = parse(data.removesuffix(b"\n"), NAME)
    try:
        envelope = Envelope.from_dict(raw)
        odd = envelope.payload_type != PAYLOAD_TYPE or any(s.unrecognized_fields for s in envelope.signatures.values())
    except (KeyError, TypeError, ValueError, AttributeError, VerificationError):
        odd = True
    if odd:
        message = f"{NAME}: not a DSSE envelope around {PAYLOAD_TYPE}; seal the run again"
        raise ArtifactError(message)
    return envelope, Statement.from_payload(envelope.payload, NAME)


def _signed(envelope: Envelope, statement: Statement, key: SigningKey, role: str) -> bytes:
    if not any(each.role == role and each.keyid == key.public.keyid for each in statement.predicate.signers):
        named = ", ".join(f"{each.role} {each.keyid}" for each in statement.predicate.signers)
        message = f"the statement doesn't name key {key.public.keyid} as {role}; it names {named}: seal again with it"
        raise SettingError(message)
    envelope.sign(CryptoSigner(key.private, _library_key(key.public)))
    return _written(envelope, statement)


def _written(envelope: Envelope, statement: Statement) -> bytes:
    """The one form: signatures in the order of the signed list."""
    order = [each.keyid for each in statement.predicate.signers]
    value: dict[str, Any] = envelope.to_dict()
    value["signatures"].sort(key=lambda each: order.index(each["keyid"]) if each["keyid"] in order else len(order))
    return canonical(value) + b"\n"


def _library_key(key: PublicKey) -> SSlibKey:
    return SSlibKey(key.keyid, "ed25519", "ed25519", {"public": key.raw.hex()})


def _fault(kind: str, what: str) -> Finding:
    return Finding(kind, NAME, what, level=0)
