"""The demonstration: the bundled model mapped, and two conversations watched."""

from collections.abc import Callable
from pathlib import Path

from holdtrue.axis import Axis
from holdtrue.mapping.fit import fit
from holdtrue.mapping.output import write_report
from holdtrue.models import load
from holdtrue.personas import demo_conversation
from holdtrue.records import Reading
from holdtrue.rollouts import Progress
from holdtrue.watch import read, read_transcripts

__all__ = ["run_demo"]

MODEL = "smollm2-135m"
CONVERSATIONS = ("drift", "steady")


def run_demo(
    out: Path, *, report: Callable[[Progress], None] = lambda progress: None
) -> tuple[Axis, tuple[Reading, ...], Path]:
    """Map the bundled model, watch a drifting and a steady conversation, write the report.

    Args:
        out: folder of the artifact and the report; an interrupted demo goes on there.
        report: called after every batch of rollouts.

    Returns:
        The axis, the readings and the page.
    """
    model = load(MODEL)
    axis = fit(model, out, preset="quick", report=report)
    transcripts = [read_transcripts(demo_conversation(name))[0] for name in CONVERSATIONS]
    readings = read(model, axis, transcripts)
    return axis, readings, write_report(axis, readings, out)
