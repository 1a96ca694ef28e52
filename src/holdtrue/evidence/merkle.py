"""Merkle trees as in RFC 9162: a root stands for a list, and a short proof shows what is in it or that it grew.

A leaf's hash is `SHA256(0x00 || leaf)`, a node's `SHA256(0x01 || left || right)`, and the root of an empty list
`SHA256("")`. The left subtree of a list of n has the largest power of two below n.
"""

import hashlib
from collections.abc import Sequence

from holdtrue.errors import SettingError

__all__ = [
    "consistency_proof",
    "digest_root",
    "inclusion_proof",
    "leaf_hash",
    "root",
    "verify_consistency",
    "verify_inclusion",
]


def leaf_hash(leaf: bytes) -> bytes:
    """`SHA256(0x00 || leaf)`, RFC 9162 section 2.1.1."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """The tree's head over leaf hashes, RFC 9162 section 2.1.1.

    Args:
        hashes: of the leaves, in their order, each from `leaf_hash`.
    """
    if not hashes:
        return hashlib.sha256(b"").digest()
    level = list(hashes)
    while len(level) > 1:  # pairing from the left, an odd one kept: the same tree as the recursive definition
        paired = [_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) - len(level) % 2 :]
    return level[0]


def digest_root(digests: Sequence[str]) -> str:
    """Merkle root over records' digests, as hex: what a pre-registration says of its items.

    Args:
        digests: sha256 as hex, in their order; each is a leaf of 32 bytes.
    """
    return root([leaf_hash(bytes.fromhex(each)) for each in digests]).hex()


def inclusion_proof(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The nodes beside the way from a leaf to the root, RFC 9162 section 2.1.3.1.

    Args:
        hashes: of all leaves.
        index: of the leaf, from 0.

    Raises:
        SettingError: there is no such leaf.
    """
    if not 0 <= index < len(hashes):
        message = f"leaf {index} isn't there: the tree has {len(hashes)}, counted from 0"
        raise SettingError(message)
    if len(hashes) == 1:
        return []
    k = _split(len(hashes))
    if index < k:
        return [*inclusion_proof(hashes[:k], index), root(hashes[k:])]
    return [*inclusion_proof(hashes[k:], index - k), root(hashes[:k])]


def verify_inclusion(leaf: bytes, index: int, n: int, proof: Sequence[bytes], head: bytes) -> bool:
    """Whether a leaf's hash stands at `index` of the `n` leaves under a root, RFC 9162 section 2.1.3.2."""
    if not 0 <= index < n:
        return False
    first, second, found = index, n - 1, leaf
    for node in proof:
        if second == 0:
            return False
        if first & 1 or first == second:
            found = _node(node, found)
            while not first & 1 and first:
                first, second = first >> 1, second >> 1
        else:
            found = _node(found, node)
        first, second = first >> 1, second >> 1
    return second == 0 and found == head


def consistency_proof(hashes: Sequence[bytes], earlier: int) -> list[bytes]:
    """The nodes that show that a list begins with an earlier one, RFC 9162 section 2.1.4.1.

    Args:
        hashes: of all leaves there are now.
        earlier: how many there were.

    Raises:
        SettingError: there were more, or none.
    """
    if not 0 < earlier <= len(hashes):
        message = f"{earlier} leaves were none or more than the {len(hashes)} there are; give 1 to {len(hashes)}"
        raise SettingError(message)
    return _subproof(hashes, earlier, whole=True)


def verify_consistency(earlier: int, n: int, proof: Sequence[bytes], old: bytes, new: bytes) -> bool:
    """Whether the tree of `n` leaves with root `new` begins with the one of `earlier` and `old`, RFC 9162 2.1.4.2."""
    if not 0 < earlier <= n:
        return False
    if earlier == n:
        return not proof and old == new
    nodes = [old, *proof] if earlier & (earlier - 1) == 0 else list(proof)
    if not nodes:
        return False
    first, second = earlier - 1, n - 1
    while first & 1:
        first, second = first >> 1, second >> 1
    was = now = nodes[0]
    for node in nodes[1:]:
        if second == 0:
            return False
        if first & 1 or first == second:
            was, now = _node(node, was), _node(node, now)
            while not first & 1 and first:
                first, second = first >> 1, second >> 1
        else:
            now = _node(now, node)
        first, second = first >> 1, second >> 1
    return second == 0 and was == old and now == new


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(n: int) -> int:
    """The largest power of two below n."""
    return 1 << ((n - 1).bit_length() - 1)


def _subproof(hashes: Sequence[bytes], earlier: int, *, whole: bool) -> list[bytes]:
    if earlier == len(hashes):
        return [] if whole else [root(hashes)]
    k = _split(len(hashes))
    if earlier <= k:
        return [*_subproof(hashes[:k], earlier, whole=whole), root(hashes[k:])]
    return [*_subproof(hashes[k:], earlier - k, whole=False), root(hashes[:k])]
