"""From a file to readings in one call."""

from collections.abc import Sequence
from pathlib import Path

from holdtrue.axis import Axis
from holdtrue.engines import Engine
from holdtrue.engines.hf import HFEngine
from holdtrue.models import ChatModel
from holdtrue.records import Transcript
from holdtrue.watch.reader import Reader
from holdtrue.watch.trajectory import Trajectory
from holdtrue.watch.transcripts import read_transcripts

__all__ = ["read"]


def read(
    model: ChatModel,
    axis: Axis,
    source: Path | str | Transcript | Sequence[Transcript],
    *,
    engine: Engine | None = None,
) -> tuple[Trajectory, ...]:
    """Read conversations and say where they drift.

    Args:
        model: the axis's own model; the conversations may come from any other.
        axis: fitted on that model.
        source: a JSON or JSONL file, or transcripts.
        engine: runs the model; transformers if None.

    Returns:
        One trajectory per conversation.

    Raises:
        TranscriptError: a conversation is malformed or too long.
        WrongModel: the axis belongs to another model.
    """
    reader = Reader(model, engine or HFEngine(model), axis)
    if isinstance(source, Transcript):
        return (reader.read(source),)
    transcripts = read_transcripts(Path(source)) if isinstance(source, str | Path) else source
    return tuple(reader.read(transcript) for transcript in transcripts)
