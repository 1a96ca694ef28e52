"""Stage 1: features, hidden text, templates and slices of every row, on the CPU."""

from holdtrue.audit.scan.columns import asked_column, feature_column, outcome_column
from holdtrue.audit.scan.features import FEATURES, Features, features
from holdtrue.audit.scan.habits import Habits, learn_habits
from holdtrue.audit.scan.hidden import Hidden, hidden_text
from holdtrue.audit.scan.layout import Text
from holdtrue.audit.scan.peculiar import OUTCOMES, PeculiarOutcome, outcome_named
from holdtrue.audit.scan.report import HiddenText, ScanReport
from holdtrue.audit.scan.run import scan
from holdtrue.audit.scan.slices import SliceShift
from holdtrue.audit.scan.templates import Template

__all__ = [
    "FEATURES",
    "OUTCOMES",
    "Features",
    "Habits",
    "Hidden",
    "HiddenText",
    "PeculiarOutcome",
    "ScanReport",
    "SliceShift",
    "Template",
    "Text",
    "asked_column",
    "feature_column",
    "features",
    "hidden_text",
    "learn_habits",
    "outcome_column",
    "outcome_named",
    "scan",
]
