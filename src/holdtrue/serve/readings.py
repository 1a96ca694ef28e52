"""From fed tokens to the figures of an answer."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from holdtrue.axis import Axis
from holdtrue.engines.hf import FedToken, Part, ThinkTokens
from holdtrue.serve.backend import Finish, Outcome, TokenReading

__all__ = ["Tally"]


@final
@dataclass
class _Token:
    text: str
    start: int
    """Where its text begins in the answer."""
    thinking: bool
    fed: FedToken | None = None


@final
class Tally:
    """Books one answer's readings; thinking is kept apart, and what a stop string cuts off isn't counted.

    Args:
        axis: gives z.
        think: the model's thinking tokens, where it has them.
        prompt: its token ids, which may end inside a thinking segment.
    """

    def __init__(self, axis: Axis, think: ThinkTokens | None, prompt: Sequence[int]) -> None:
        self._axis, self._think = axis, think
        self._part = Part.START if think is None else think.begin(prompt)
        self._tokens: deque[_Token] = deque()
        """Drawn, and not settled yet."""
        self._length = 0
        self._settled: dict[bool, list[TokenReading]] = {False: [], True: []}

    def drawn(self, token: int, text: str) -> None:
        """A token was drawn, whose text is certain up to a stop string; its reading comes with the next step."""
        if self._think is not None:
            self._part = self._think.follow(self._part, token)
        self._tokens.append(_Token(text, self._length, self._part.aside))
        self._length += len(text)

    def fed(self, fed: FedToken) -> None:
        """The reading of the token drawn before."""
        next(token for token in self._tokens if token.fed is None).fed = fed

    def settle(self, n_given: int, *, last: bool = False) -> tuple[TokenReading, ...]:
        """The readings that are final once so many characters of the answer have been given out.

        Args:
            n_given: characters.
            last: none will follow: what lies beyond them was cut off.
        """
        found = []
        while self._tokens and (token := self._tokens[0]).fed is not None:
            end = token.start + len(token.text)
            if end > n_given and not (last and token.start < n_given):
                break
            self._tokens.popleft()
            reading = TokenReading(
                token.text[: n_given - token.start], token.fed.before, token.fed.after, token.fed.fired, token.thinking
            )
            self._settled[token.thinking].append(reading)
            found.append(reading)
        return tuple(found)

    def outcome(self, finish: Finish, prompt_tokens: int, completion_tokens: int) -> Outcome:
        """The whole answer's figures: the projection after the cap, z of the projection before it."""
        spoken, thought = self._settled[False], self._settled[True]
        if not spoken:
            return Outcome(
                finish, prompt_tokens, completion_tokens, None, None, None,
                thinking_projection=_mean([each.after for each in thought]), note="no answer token was read",
            )  # fmt: skip
        before = _mean([each.before for each in spoken])
        return Outcome(
            finish_reason=finish,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            projection=_mean([each.after for each in spoken]),
            z=self._axis.z(before) if before is not None and self._axis.card.calibration else None,
            fired=_mean([each.fired for each in spoken]),
            thinking_projection=_mean([each.after for each in thought]),
        )


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
