"""From fed tokens to the figures of an answer."""

from typing import final

from holdtrue.axis import Axis
from holdtrue.engines.hf import FedToken, ThinkTokens
from holdtrue.serve.backend import Finish, Outcome, TokenReading

__all__ = ["Tally"]


@final
class Tally:
    """Books one answer's readings; a thinking segment is kept apart.

    Args:
        axis: gives z.
        think: the model's thinking tokens, where it has them.
        opened: whether the prompt left a thinking segment open.
    """

    def __init__(self, axis: Axis, think: ThinkTokens | None, *, opened: bool) -> None:
        self._axis, self._think = axis, think
        self._thinking = opened
        self._last: tuple[str, bool] = ("", opened)
        self._sums = {False: 0.0, True: 0.0}
        self._counts = {False: 0, True: 0}
        self._fired = 0.0

    def drawn(self, token: int, text: str) -> None:
        """A token was drawn; its reading comes with the next step."""
        if self._think is not None and token == self._think.opens:
            self._thinking = True
        self._last = (text, self._thinking)
        if self._think is not None and token == self._think.closes:
            self._thinking = False

    def book(self, fed: FedToken) -> TokenReading:
        """The reading of the token drawn last."""
        text, thinking = self._last
        self._sums[thinking] += fed.after
        self._counts[thinking] += 1
        self._fired += fed.fired
        return TokenReading(text, fed.before, fed.after, fed.fired, thinking)

    def outcome(self, finish: Finish, prompt_tokens: int, completion_tokens: int) -> Outcome:
        """The whole answer's figures."""
        projection, thought = (
            self._sums[aside] / self._counts[aside] if self._counts[aside] else None for aside in (False, True)
        )
        n = sum(self._counts.values())
        calibrated = bool(self._axis.card.calibration)
        return Outcome(
            finish_reason=finish,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            projection=projection,
            z=self._axis.z(projection) if projection is not None and calibrated else None,
            fired=self._fired / n if n else None,
            thinking_projection=thought,
            note=None if projection is not None else "no answer token was read",
        )
