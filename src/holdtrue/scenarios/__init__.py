"""Scenarios: what a persona is tried with, built in; conversations that push, drift or go on for long."""

from holdtrue.scenarios.agents import GRAPH_SHAPES, agent_scenarios, graph
from holdtrue.scenarios.capability import CapabilityItem, capability_items, correct
from holdtrue.scenarios.distress import distress_scenarios
from holdtrue.scenarios.files import DATA
from holdtrue.scenarios.scripted import KINDS, scripted

__all__ = [
    "DATA",
    "GRAPH_SHAPES",
    "KINDS",
    "CapabilityItem",
    "agent_scenarios",
    "capability_items",
    "correct",
    "distress_scenarios",
    "graph",
    "scripted",
]
