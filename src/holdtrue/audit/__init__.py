"""Audit training data for poison, without knowing target or trigger, and always with clean controls.

Names load on first use: a process that reads one part needn't load what the whole audit needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdtrue.audit.named import columns_named, kind_named, prices_named
    from holdtrue.audit.options import AuditOptions
    from holdtrue.audit.outputs import read_verdict, write_outputs
    from holdtrue.audit.reviewing import apply_review, write_review
    from holdtrue.audit.session import audit

__all__ = [
    "AuditOptions",
    "apply_review",
    "audit",
    "columns_named",
    "kind_named",
    "prices_named",
    "read_verdict",
    "write_outputs",
    "write_review",
]

_HOME = {
    "AuditOptions": "options",
    "apply_review": "reviewing",
    "audit": "session",
    "columns_named": "named",
    "kind_named": "named",
    "prices_named": "named",
    "read_verdict": "outputs",
    "write_outputs": "outputs",
    "write_review": "reviewing",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        message = f"holdtrue.audit has no '{name}'"
        raise AttributeError(message)
    value: object = getattr(import_module(f"holdtrue.audit.{_HOME[name]}"), name)
    return value
