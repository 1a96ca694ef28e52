"""Gate a release on near-zero failure: plan, count attempts, decide, compare. No model, no clock, no network."""

from holdtrue.gate.compare import ClassComparison, Comparison, Rate, Version, compare, compare_folders, read_version
from holdtrue.gate.decision import decide, overall
from holdtrue.gate.eligibility import check_eligible, eligible_families
from holdtrue.gate.files import (
    decide_folder,
    read_eligible,
    read_items,
    read_prereg,
    read_samples,
    read_verdict,
    write_items,
    write_record,
)
from holdtrue.gate.independence import independent_families
from holdtrue.gate.ledger import AttemptLedger, line_digest, read_ledger
from holdtrue.gate.plan import ClassPlan, GatePlan, gate_plan
from holdtrue.gate.sentences import overall_sentence
from holdtrue.gate.signatures import Growth, growth, known_signatures

__all__ = [
    "AttemptLedger",
    "ClassComparison",
    "ClassPlan",
    "Comparison",
    "GatePlan",
    "Growth",
    "Rate",
    "Version",
    "check_eligible",
    "compare",
    "compare_folders",
    "decide",
    "decide_folder",
    "eligible_families",
    "gate_plan",
    "growth",
    "independent_families",
    "known_signatures",
    "line_digest",
    "overall",
    "overall_sentence",
    "read_eligible",
    "read_items",
    "read_ledger",
    "read_prereg",
    "read_samples",
    "read_verdict",
    "read_version",
    "write_items",
    "write_record",
]
