"""holdtrue: is this model still the assistant we trained, and can we prove it?

Names load on first use, so that `import holdtrue` stays quick and needs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdtrue.axis import Axis, load_axis, save_axis
    from holdtrue.errors import HoldtrueError
    from holdtrue.mapping import fit
    from holdtrue.models import ChatModel, load, wrap
    from holdtrue.personas import PersonaSet, load_personas
    from holdtrue.records import AxisCard, HoldSpec, Reading, Rollout, Transcript
    from holdtrue.rollouts import Rollouts
    from holdtrue.watch import Trajectory, read, read_transcripts

__all__ = [
    "Axis",
    "AxisCard",
    "ChatModel",
    "HoldSpec",
    "HoldtrueError",
    "PersonaSet",
    "Reading",
    "Rollout",
    "Rollouts",
    "Trajectory",
    "Transcript",
    "fit",
    "load",
    "load_axis",
    "load_personas",
    "read",
    "read_transcripts",
    "save_axis",
    "wrap",
]

_HOME = {
    "Axis": "axis",
    "AxisCard": "records",
    "ChatModel": "models",
    "HoldSpec": "records",
    "HoldtrueError": "errors",
    "PersonaSet": "personas",
    "Reading": "records",
    "Rollout": "records",
    "Rollouts": "rollouts",
    "Trajectory": "watch",
    "Transcript": "records",
    "fit": "mapping",
    "load": "models",
    "load_axis": "axis",
    "load_personas": "personas",
    "read": "watch",
    "read_transcripts": "watch",
    "save_axis": "axis",
    "wrap": "models",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        from holdtrue.errors import did_you_mean

        message = f"holdtrue has no '{name}'; {did_you_mean(name, __all__)}"
        raise AttributeError(message)
    value: object = getattr(import_module(f"holdtrue.{_HOME[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
