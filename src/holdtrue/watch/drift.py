"""When did it start? The detector run over a whole conversation."""

from collections.abc import Sequence

from holdtrue.watch.detectors import Alarm, Detector
from holdtrue.watch.rule import DriftRule

__all__ = ["find_onset"]


def find_onset(z: Sequence[float | None], rule: DriftRule) -> Alarm:
    """Where the detector stands after the last turn; the first alarm and the onset behind it are in it.

    Args:
        z: one score per assistant turn, negative = less assistant-like; None (an empty turn) is passed over.
        rule: of the axis that scored them, from `drift_rule`.
    """
    detector = Detector(rule)
    for score in z:
        detector.update(score)
    return detector.alarm
