"""Evidence that a sceptic recomputes: sealed bundles, hold-outs committed beforehand, and what checks them.

Nothing here loads a model, and verification needs neither torch nor a network.
"""

from holdtrue.evidence.canonical import canonical, is_canonical
from holdtrue.evidence.findings import Finding, Signer, Verification
from holdtrue.evidence.holdout import (
    Commitment,
    ItemProof,
    Revealed,
    check,
    check_item,
    commit,
    mark,
    prove_item,
    read_tranche,
    reveal,
    tranche_canary,
    tranche_text,
)
from holdtrue.evidence.keys import PublicKey, SigningKey, load_key, load_public_key, make_key
from holdtrue.evidence.merkle import digest_root
from holdtrue.evidence.monitoring import (
    MonitoringCommitment,
    MonitoringReveal,
    check_monitoring,
    commit_monitoring,
    missed_turns,
    reveal_monitoring,
)
from holdtrue.evidence.redaction import redact
from holdtrue.evidence.replay import Divergence, Drawn, compare_replay, draw_replay, replay_summary
from holdtrue.evidence.sealing import Recompute, countersign, seal
from holdtrue.evidence.single_use import TrancheUse, check_unused, mark_used, read_uses
from holdtrue.evidence.verifying import verify

__all__ = [
    "Commitment",
    "Divergence",
    "Drawn",
    "Finding",
    "ItemProof",
    "MonitoringCommitment",
    "MonitoringReveal",
    "PublicKey",
    "Recompute",
    "Revealed",
    "Signer",
    "SigningKey",
    "TrancheUse",
    "Verification",
    "canonical",
    "check",
    "check_item",
    "check_monitoring",
    "check_unused",
    "commit",
    "commit_monitoring",
    "compare_replay",
    "countersign",
    "digest_root",
    "draw_replay",
    "is_canonical",
    "load_key",
    "load_public_key",
    "make_key",
    "mark",
    "mark_used",
    "missed_turns",
    "prove_item",
    "read_tranche",
    "read_uses",
    "redact",
    "replay_summary",
    "reveal",
    "reveal_monitoring",
    "seal",
    "tranche_canary",
    "tranche_text",
    "verify",
]
