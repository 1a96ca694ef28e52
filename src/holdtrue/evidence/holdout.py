"""Hold-outs: commit to items before a run, reveal them after, and let anybody check that they are the same.

A leaf is `salt || canonical JSON of the item`. The salts come from the secret that the items were drawn from; without
them a public generator would let anybody try seeds until a commitment fits.
"""

import hmac
from collections.abc import Sequence
from typing import ClassVar, Final

from pydantic import Field

from holdtrue.errors import ArtifactError, EvidenceError, SettingError
from holdtrue.evidence.canonical import canonical
from holdtrue.evidence.merkle import inclusion_proof, leaf_hash, root, verify_inclusion
from holdtrue.records import GateItem, Record

__all__ = [
    "Commitment",
    "ItemProof",
    "Revealed",
    "check",
    "check_item",
    "commit",
    "mark",
    "prove_item",
    "read_tranche",
    "reveal",
    "tranche_canary",
    "tranche_text",
]

MIN_SECRET_BYTES: Final = 32
SALT_BYTES: Final = 16
_SALT: Final = b"holdtrue.tranche-salt/1"
_CANARY: Final = b"holdtrue.tranche-canary/1"
_HEX64: Final = r"^[0-9a-f]{64}$"


class Commitment(Record):
    """To be published before the run: it says nothing about the items but their number."""

    schema_id: ClassVar[str] = "holdtrue.commitment/1"

    root: str = Field(pattern=_HEX64)
    """RFC 9162, over salted leaves."""
    n: int = Field(ge=1)
    canary: str = Field(min_length=20)
    """In every item's file; a model that knows it has seen the file."""


class Revealed(Record):
    """To be published after the run: the salts. The items lie beside it, in the tranche's file."""

    schema_id: ClassVar[str] = "holdtrue.revealed/1"

    commitment: Commitment
    salts: tuple[str, ...]
    """Hex, in the order of the items."""


class ItemProof(Record):
    """One item shown by itself, with the way from it to the committed root."""

    schema_id: ClassVar[str] = "holdtrue.item-proof/1"

    index: int = Field(ge=0)
    n: int = Field(ge=1)
    salt: str = Field(pattern=r"^[0-9a-f]{32}$")
    item: GateItem
    path: tuple[str, ...]
    """Hex, from the leaf upwards."""


def tranche_canary(secret: bytes) -> str:
    """A string for no training set, one for each secret, that doesn't tell the secret.

    Raises:
        SettingError: a secret of fewer than 32 bytes.
    """
    return f"holdtrue-canary-{_keyed(secret, _CANARY)[:16].hex()}"


def mark(items: Sequence[GateItem], secret: bytes) -> tuple[GateItem, ...]:
    """The items with their tranche's canary, as they are committed to."""
    canary = tranche_canary(secret)
    return tuple(each.model_copy(update={"canary": canary}) for each in items)


def commit(items: Sequence[GateItem], secret: bytes) -> Commitment:
    """Commit to a tranche.

    Args:
        items: from `mark`, in the tranche's order.
        secret: at least 32 random bytes, kept until the reveal.

    Raises:
        EvidenceError: no items, or the same one twice.
        SettingError: items without the tranche's canary, or a short secret.
    """
    canary = tranche_canary(secret)
    if not items:
        message = "a tranche without items commits to nothing; draw some first"
        raise EvidenceError(message)
    unmarked = [each.family for each in items if each.canary != canary]
    if unmarked:
        message = (
            f"{len(unmarked)} items lack the tranche's canary, such as '{unmarked[0]}'; commit to `mark(items, secret)`"
        )
        raise SettingError(message)
    if len({each.key for each in items}) < len(items):
        message = "an item is in the tranche twice; every item counts once, so leave the second out"
        raise EvidenceError(message)
    return Commitment(root=root(_leaves(items, _salts(secret, len(items)))).hex(), n=len(items), canary=canary)


def reveal(items: Sequence[GateItem], secret: bytes, commitment: Commitment) -> Revealed:
    """What opens a commitment. Reveal a tranche only once it is retired: it can't be used again.

    Raises:
        EvidenceError: these items and this secret don't open it.
    """
    revealed = Revealed(commitment=commitment, salts=tuple(each.hex() for each in _salts(secret, len(items))))
    faults = check(commitment, revealed, items)
    if faults:
        message = f"these items and this secret don't open the commitment {commitment.root[:16]}…: {faults[0]}"
        raise EvidenceError(message)
    return revealed


def check(commitment: Commitment, revealed: Revealed, items: Sequence[GateItem]) -> list[str]:
    """What is wrong with a reveal; an empty list if the items are those that were committed to.

    Args:
        commitment: as it was published before the run, not the copy that came with the reveal.
        revealed: what was published after.
        items: of the tranche's file.
    """
    faults = []
    if revealed.commitment != commitment:
        faults.append("the reveal belongs to another commitment")
    if len(items) != commitment.n or len(revealed.salts) != commitment.n:
        faults.append(f"{commitment.n} items were committed to; here are {len(items)}, and {len(revealed.salts)} salts")
        return faults
    faults += [f"item {at + 1} lacks the canary" for at, each in enumerate(items) if each.canary != commitment.canary]
    try:
        salts = [bytes.fromhex(each) for each in revealed.salts]
    except ValueError:
        salts = []
    if len(salts) != commitment.n or {len(each) for each in salts} != {SALT_BYTES}:
        faults.append(f"the salts aren't {SALT_BYTES} bytes of hex each")
    elif root(_leaves(items, salts)).hex() != commitment.root:
        faults.append("the items don't have the committed root: one was edited, left out, added or moved")
    return faults


def prove_item(items: Sequence[GateItem], secret: bytes, index: int) -> ItemProof:
    """Show one item of a tranche without the others.

    Args:
        items: all of them.
        secret: the tranche's.
        index: which to show, from 0.

    Raises:
        SettingError: there is no such item.
    """
    salts = _salts(secret, len(items))
    path = inclusion_proof(_leaves(items, salts), index)
    shown = tuple(each.hex() for each in path)
    return ItemProof(index=index, n=len(items), salt=salts[index].hex(), item=items[index], path=shown)


def check_item(commitment: Commitment, proof: ItemProof) -> bool:
    """Whether a single item was committed to."""
    try:
        path = [bytes.fromhex(each) for each in proof.path]
    except ValueError:
        return False
    leaf = _leaves([proof.item], [bytes.fromhex(proof.salt)])[0]
    marked = proof.item.canary == commitment.canary and proof.n == commitment.n
    return marked and verify_inclusion(leaf, proof.index, proof.n, path, bytes.fromhex(commitment.root))


def tranche_text(items: Sequence[GateItem]) -> str:
    """A tranche's file: an item a line, the canary in each."""
    return "".join(each.to_json(indent=None) + "\n" for each in items)


def read_tranche(text: str, source: str, commitment: Commitment | None = None) -> tuple[GateItem, ...]:
    """A tranche's file, read back.

    Args:
        text: of the file.
        source: its name, for messages.
        commitment: if given, number and canary must be those committed to.

    Raises:
        ArtifactError: a line isn't an item, or items or canary are others.
    """
    lines = [line for line in text.split("\n") if line]
    items = tuple(GateItem.from_json(line, f"{source}:{at + 1}") for at, line in enumerate(lines))
    if len({each.canary for each in items}) != 1 or not items[0].canary:
        message = f"{source}: a tranche's items all carry one canary, these {len(items)} don't; is it a tranche's file?"
        raise ArtifactError(message)
    if commitment is not None and (len(items), items[0].canary) != (commitment.n, commitment.canary):
        message = (
            f"{source}: {len(items)} items under another canary than the commitment's {commitment.n}; give its own"
        )
        raise ArtifactError(message)
    return items


def _leaves(items: Sequence[GateItem], salts: Sequence[bytes]) -> list[bytes]:
    return [
        leaf_hash(salt + canonical({"schema": each.schema_id, **each.model_dump(mode="json")}))
        for each, salt in zip(items, salts, strict=True)
    ]


def _salts(secret: bytes, n: int) -> list[bytes]:
    return [_keyed(secret, _SALT + at.to_bytes(8, "big"))[:SALT_BYTES] for at in range(n)]


def _keyed(secret: bytes, message: bytes) -> bytes:
    if len(secret) < MIN_SECRET_BYTES:
        short = f"the tranche's secret has {len(secret)} bytes; give {MIN_SECRET_BYTES}, from `secrets.token_bytes`"
        raise SettingError(short)
    return hmac.digest(secret, message, "sha256")
