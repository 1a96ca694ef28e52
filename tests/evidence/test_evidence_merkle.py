import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdtrue.errors import SettingError
from holdtrue.evidence.merkle import (
    consistency_proof,
    digest_root,
    inclusion_proof,
    leaf_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

# The eight leaves and the roots that the reference implementation of certificate transparency is tested with.
LEAVES = [
    bytes.fromhex(each)
    for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [leaf_hash(each) for each in LEAVES]


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + by_definition(leaves[:k]) + by_definition(leaves[k:])).digest()


def test_published_roots() -> None:
    assert [root(HASHES[: n + 1]).hex() for n in range(8)] == ROOTS
    assert root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_published_proofs() -> None:
    """Of the same test data: audit paths and consistency proofs."""
    assert [each.hex()[:8] for each in inclusion_proof(HASHES, 0)] == ["96a296d2", "5f083f0a", "6b47aaf2"]
    assert [each.hex()[:8] for each in inclusion_proof(HASHES, 5)] == ["bc1a0643", "ca854ea1", "d37ee418"]
    assert [each.hex()[:8] for each in inclusion_proof(HASHES[:3], 2)] == ["fac54203"]
    assert [each.hex()[:8] for each in consistency_proof(HASHES, 6)] == ["0ebc5d34", "ca854ea1", "d37ee418"]
    assert [each.hex()[:8] for each in consistency_proof(HASHES[:5], 2)] == ["5f083f0a", "bc1a0643"]
    assert consistency_proof(HASHES, 8) == []


@pytest.mark.parametrize("n", range(1, 34))
def test_every_proof_of_every_small_tree(n: int) -> None:
    leaves = [bytes([at]) for at in range(n)]
    hashes = [leaf_hash(each) for each in leaves]
    head = root(hashes)
    assert head == by_definition(leaves)
    for at in range(n):
        proof = inclusion_proof(hashes, at)
        assert verify_inclusion(hashes[at], at, n, proof, head)
        assert not any(verify_inclusion(hashes[at], other, n, proof, head) for other in range(n) if other != at)
        assert not verify_inclusion(leaf_hash(b"another"), at, n, proof, head)
        assert not verify_inclusion(hashes[at], at, n, [*proof, head], head)
    for earlier in range(1, n + 1):
        proof, old = consistency_proof(hashes, earlier), root(hashes[:earlier])
        assert verify_consistency(earlier, n, proof, old, head)
        assert not verify_consistency(earlier, n, proof, leaf_hash(b"another"), head)
        assert not verify_consistency(earlier, n, proof, old, leaf_hash(b"another"))


@given(st.binary(max_size=8), st.integers(0, 7))
def test_a_leaf_is_no_node(leaf: bytes, at: int) -> None:
    """Leaves and nodes are hashed apart, so that two hashes side by side can't pass for a leaf."""
    assert leaf_hash(HASHES[0] + HASHES[1]) != root(HASHES[:2])
    changed = [*HASHES[:at], leaf_hash(leaf), *HASHES[at + 1 :]]
    assert (root(changed) == root(HASHES)) == (leaf == LEAVES[at])


def test_digest_root_is_the_root_over_digests() -> None:
    digests = [hashlib.sha256(each).hexdigest() for each in LEAVES]
    assert digest_root(digests) == by_definition([bytes.fromhex(each) for each in digests]).hex()


def test_proofs_of_what_is_not_there_are_refused() -> None:
    with pytest.raises(SettingError, match="leaf 8 isn't there: the tree has 8"):
        inclusion_proof(HASHES, 8)
    with pytest.raises(SettingError, match="9 leaves"):
        consistency_proof(HASHES, 9)
    assert not verify_inclusion(HASHES[0], 9, 8, [], root(HASHES))
    assert not verify_consistency(3, 8, [], root(HASHES[:3]), root(HASHES))
