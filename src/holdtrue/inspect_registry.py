"""What Inspect finds by its entry point: the `holdtrue` model provider, and the gate's tasks.

Inspect takes one module for a package, so this one names what lies in two rooms. It is imported whenever Inspect starts
and asks for holdtrue, and nothing in it loads torch.
"""

from holdtrue.stress.provider.registry import holdtrue
from holdtrue.suites.tasks import (
    codebase,
    controllability,
    delusion,
    improper_refusal,
    persona,
    reasoning,
    should_refuse,
)

__all__ = [
    "codebase",
    "controllability",
    "delusion",
    "holdtrue",
    "improper_refusal",
    "persona",
    "reasoning",
    "should_refuse",
]
