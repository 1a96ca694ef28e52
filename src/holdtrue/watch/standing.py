"""Where one conversation's drift stands, between its turns too."""

from collections.abc import Mapping
from typing import Final, final

from holdtrue.errors import SettingError
from holdtrue.watch.detectors import Alarm, Detector
from holdtrue.watch.rule import DriftRule

__all__ = ["Drift"]

_ALARMED: Final = "alarmed_turns"
_AXIS: Final = "axis:"


@final
class Drift:
    """A drift detector, and for how many answers in a row its alarm has stood.

    Args:
        rule: lines and allowances.
        axis_digest: of the axis that gives z; state from another one counts for nothing.
        state: what an earlier `Drift` of the conversation left in `state`.
    """

    def __init__(self, rule: DriftRule, axis_digest: str, state: Mapping[str, float] | None = None) -> None:
        self._mark = _AXIS + axis_digest[:32]
        kept = dict(state or {})
        same_axis = kept.pop(self._mark, None) is not None
        self.alarmed_turns = int(kept.pop(_ALARMED, 0.0)) if same_axis else 0
        try:
            self._detector = Detector(rule, kept if same_axis else None)
        except SettingError:  # another version's
            self._detector, self.alarmed_turns = Detector(rule), 0

    @property
    def alarm(self) -> Alarm:
        """Where it stands now."""
        return self._detector.alarm

    @property
    def stands(self) -> bool:
        """Whether the alarm stands."""
        return self._detector.alarm.stands

    def answered(self, z: float | None) -> None:
        """Take an answer's z in; None, for one that wasn't measured, moves nothing but the count of turns."""
        self.alarmed_turns = self.alarmed_turns + 1 if self._detector.update(z).stands else 0

    @property
    def state(self) -> dict[str, float]:
        """What has to be kept between turns."""
        return {**self._detector.state, _ALARMED: float(self.alarmed_turns), self._mark: 1.0}
