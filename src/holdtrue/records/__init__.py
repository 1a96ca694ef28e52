"""Frozen, versioned records: what crosses from one package to another, and what lies on disk."""

from holdtrue.records.axis_card import (
    AxisCard,
    Calibration,
    Design,
    Histogram,
    LayerCheck,
    Quantiles,
    RolePosition,
    SelfTest,
)
from holdtrue.records.base import (
    Record,
    canonical_json,
    check_writable,
    is_unicode,
    read_capped,
    storage_error,
    write_atomic,
)
from holdtrue.records.hold_spec import CapSpec, ContextSpec, FiringRate, HoldSpec
from holdtrue.records.projection import Projection, Reading, TurnReading
from holdtrue.records.rollout import DEFAULT_ROLE, Rollout
from holdtrue.records.transcript import Transcript, Turn

__all__ = [
    "DEFAULT_ROLE",
    "AxisCard",
    "Calibration",
    "CapSpec",
    "ContextSpec",
    "Design",
    "FiringRate",
    "Histogram",
    "HoldSpec",
    "LayerCheck",
    "Projection",
    "Quantiles",
    "Reading",
    "Record",
    "RolePosition",
    "Rollout",
    "SelfTest",
    "Transcript",
    "Turn",
    "TurnReading",
    "canonical_json",
    "check_writable",
    "is_unicode",
    "read_capped",
    "storage_error",
    "write_atomic",
]
