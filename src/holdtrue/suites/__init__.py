"""The gate's tasks: items played on any model, held or not, and a run from the sealed promise to the verdict."""

from holdtrue.suites.options import GateOptions, rule_named, tools_named
from holdtrue.suites.play import Playing, play
from holdtrue.suites.scripted import POLICIES, ScriptedTarget
from holdtrue.suites.sealing import offered
from holdtrue.suites.session import gate_run
from holdtrue.suites.target import Reply, Target

__all__ = [
    "POLICIES",
    "GateOptions",
    "Playing",
    "Reply",
    "ScriptedTarget",
    "Target",
    "gate_run",
    "offered",
    "play",
    "rule_named",
    "tools_named",
]
