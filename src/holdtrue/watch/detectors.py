"""Detectors of drift: charts that climb as turns fall short, and the two of them together as one alarm.

A chart climbs by `-z`: drift is a fall of the projection. CUSUM (Page 1954) adds up what falls short of an allowance
and finds the lasting shift; EWMA (Roberts 1959) averages the last few turns and finds the large one sooner.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

from holdtrue.errors import SettingError
from holdtrue.watch.rule import DriftRule

__all__ = ["Alarm", "Detector"]

STATE: Final = ("turn", "cusum", "cusum_zero", "ewma", "ewma_zero", "alarm_turn", "onset_turn")
"""Zero stands for "not yet" in the last two and for "before the first turn" in the zeros."""


@final
@dataclass(frozen=True)
class Alarm:
    """What the detector says after a turn."""

    turn: int
    """Turns seen, empty ones included."""
    statistic: float
    """Share of the way to the alarm: above 1 it stands."""
    stands: bool
    alarm_turn: int | None
    """First turn at which it stood; remembered when it no longer does."""
    onset_turn: int | None
    """Where the climb behind that first alarm began: the turn after the chart's last zero."""


@final
class Detector:
    """Watches the turns of one conversation as they come.

    Args:
        rule: lines and allowances, from `drift_rule`.
        state: what an earlier detector of this conversation left in `state`; None at its beginning.

    Raises:
        SettingError: the state isn't one that a detector wrote.
    """

    def __init__(self, rule: DriftRule, state: Mapping[str, float] | None = None) -> None:
        self._rule = rule
        self._state = dict.fromkeys(STATE, 0.0) if state is None else _checked(state)

    def update(self, z: float | None) -> Alarm:
        """Take the next assistant turn's score in; None (an empty turn) moves nothing but the count of turns."""
        state, rule = self._state, self._rule
        state["turn"] += 1
        turn = int(state["turn"])
        if z is not None:
            centred = z - rule.expected(turn)
            state["cusum"] = rule.cusum.climb(state["cusum"], centred)
            state["ewma"] = rule.ewma.climb(state["ewma"], centred) if rule.ewma else 0.0
            for chart in ("cusum", "ewma"):
                if state[chart] <= 0:
                    state[f"{chart}_zero"] = state["turn"]
            if not state["alarm_turn"] and self.alarm.stands:
                rang = "cusum" if state["cusum"] > rule.cusum.line else "ewma"
                state["alarm_turn"], state["onset_turn"] = state["turn"], state[f"{rang}_zero"] + 1
        return self.alarm

    @property
    def alarm(self) -> Alarm:
        """Where it stands now."""
        state, rule = self._state, self._rule
        ewma = state["ewma"] / rule.ewma.line if rule.ewma else 0.0
        statistic = max(0.0, state["cusum"] / rule.cusum.line, ewma)
        first, onset = int(state["alarm_turn"]), int(state["onset_turn"])
        return Alarm(int(state["turn"]), statistic, statistic > 1, first or None, onset or None)

    @property
    def state(self) -> dict[str, float]:
        """All that has to be kept between turns; give it to the next `Detector` of the conversation."""
        return dict(self._state)


def _checked(state: Mapping[str, float]) -> dict[str, float]:
    odd = sorted(set(state) ^ set(STATE)) or sorted(key for key, value in state.items() if not math.isfinite(value))
    if odd:
        message = f"detector state is wrong at {', '.join(odd[:4])}; it has {', '.join(STATE)}, all finite: begin anew"
        raise SettingError(message)
    return {key: float(state[key]) for key in STATE}
