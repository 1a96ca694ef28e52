"""Watch conversations: read them, score their turns, find where drift began."""

from holdtrue.watch.drift import DriftOnset, find_onset
from holdtrue.watch.reader import Reader
from holdtrue.watch.transcripts import read_transcripts
from holdtrue.watch.watch import watch

__all__ = ["DriftOnset", "Reader", "find_onset", "read_transcripts", "watch"]
