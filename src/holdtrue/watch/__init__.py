"""Watch conversations: read them, score their turns, find where drift began."""

from holdtrue.watch.compare import Comparison, Pair, compare
from holdtrue.watch.detectors import Alarm, Detector
from holdtrue.watch.drift import find_onset
from holdtrue.watch.read import read
from holdtrue.watch.reader import Reader
from holdtrue.watch.rule import Cusum, Delay, DriftRule, Ewma, Rate
from holdtrue.watch.sampling import AuditSampler, audit_key, verify_commitment
from holdtrue.watch.standing import Drift
from holdtrue.watch.trajectory import Trajectory
from holdtrue.watch.transcripts import read_transcripts
from holdtrue.watch.tuning import drift_rule

__all__ = [
    "Alarm",
    "AuditSampler",
    "Comparison",
    "Cusum",
    "Delay",
    "Detector",
    "Drift",
    "DriftRule",
    "Ewma",
    "Pair",
    "Rate",
    "Reader",
    "Trajectory",
    "audit_key",
    "compare",
    "drift_rule",
    "find_onset",
    "read",
    "read_transcripts",
    "verify_commitment",
]
