"""The gate's tasks: items played on any model, held or not, and a run from the sealed promise to the verdict."""

from holdtrue.suites.options import GateOptions, rates_named, rule_named, tools_named
from holdtrue.suites.play import Playing, play
from holdtrue.suites.replaying import Replay, replay
from holdtrue.suites.scripted import POLICIES, ScriptedTarget
from holdtrue.suites.sealing import offered
from holdtrue.suites.session import gate_run
from holdtrue.suites.target import Reply, Target
from holdtrue.suites.tranche import check_tranche, make_tranche, reveal_tranche

__all__ = [
    "POLICIES",
    "GateOptions",
    "Playing",
    "Replay",
    "Reply",
    "ScriptedTarget",
    "Target",
    "check_tranche",
    "gate_run",
    "make_tranche",
    "offered",
    "play",
    "rates_named",
    "replay",
    "reveal_tranche",
    "rule_named",
    "tools_named",
]
