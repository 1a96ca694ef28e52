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
from holdtrue.records.judgement import Judgement
from holdtrue.records.projection import Projection, Reading, TurnReading
from holdtrue.records.rollout import DEFAULT_ROLE, Rollout
from holdtrue.records.scenario import AgentScenario, Branch, Check, DistressScenario, Probe, Scenario, UserTurn
from holdtrue.records.stress_design import StressArm, StressDesign
from holdtrue.records.transcript import Transcript, Turn
from holdtrue.records.trial import CapabilityTrial, ProbeReading, SpokenTurn, Trial

__all__ = [
    "DEFAULT_ROLE",
    "AgentScenario",
    "AxisCard",
    "Branch",
    "Calibration",
    "CapSpec",
    "CapabilityTrial",
    "Check",
    "ContextSpec",
    "Design",
    "DistressScenario",
    "FiringRate",
    "Histogram",
    "HoldSpec",
    "Judgement",
    "LayerCheck",
    "Probe",
    "ProbeReading",
    "Projection",
    "Quantiles",
    "Reading",
    "Record",
    "RolePosition",
    "Rollout",
    "Scenario",
    "SelfTest",
    "SpokenTurn",
    "StressArm",
    "StressDesign",
    "Transcript",
    "Trial",
    "Turn",
    "TurnReading",
    "UserTurn",
    "canonical_json",
    "check_writable",
    "is_unicode",
    "read_capped",
    "storage_error",
    "write_atomic",
]
