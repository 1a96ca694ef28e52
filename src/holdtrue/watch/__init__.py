"""Watch conversations: read them, score their turns, find where drift began."""

from holdtrue.watch.drift import DriftOnset, find_onset
from holdtrue.watch.read import read
from holdtrue.watch.reader import Reader
from holdtrue.watch.trajectory import Trajectory
from holdtrue.watch.transcripts import read_transcripts

__all__ = ["DriftOnset", "Reader", "Trajectory", "find_onset", "read", "read_transcripts"]
