"""What a judge may cost: an estimate before the first call, and a stop that holds."""

import math
from dataclasses import dataclass
from typing import final

from holdtrue.errors import SettingError
from holdtrue.judges.asking import MAX_ANSWER_TOKENS, Said
from holdtrue.judges.rubric import Prompt

__all__ = ["Budget", "Estimate", "Spending", "estimate"]

EXPECTED_ANSWER_TOKENS = 100


@final
@dataclass(frozen=True)
class Budget:
    """The most that a judge may cost, in money or in calls. Prices change, so none is built in.

    What the answers' log holds already counts: the budget is the folder's, however often a run is stopped and resumed.
    """

    usd: float | None = None
    input_usd: float | None = None
    """Per million tokens read."""
    output_usd: float | None = None
    """Per million tokens written."""
    calls: int | None = None

    def __post_init__(self) -> None:
        prices = (self.input_usd, self.output_usd)
        if self.usd is None and self.calls is None:
            message = "a judge needs a budget: give --budget USD with --prices IN,OUT, or --max-calls N"
            raise SettingError(message)
        if self.usd is not None and None in prices:
            message = (
                f"a budget of {self.usd} USD needs the judge's prices for a million tokens: give --prices IN,OUT, such "
                "as 0.15,0.60, or --max-calls N in its place"
            )
            raise SettingError(message)
        for value in (self.usd, *prices, self.calls):
            if value is not None and not (math.isfinite(value) and value >= 0):
                message = f"a budget or price of {value} is none; give --budget, --prices and --max-calls at least 0"
                raise SettingError(message)

    def cost_usd(self, input_tokens: int, output_tokens: int) -> float:
        """`(input tokens x input price + output tokens x output price) / 10^6`; 0 without prices."""
        return (input_tokens * (self.input_usd or 0.0) + output_tokens * (self.output_usd or 0.0)) / 1e6


@final
@dataclass(frozen=True)
class Estimate:
    """What is still to ask, and about what it costs."""

    model: str
    questions: int
    """Rows and batches without an answer yet."""
    input_tokens: int
    output_tokens: int
    budget: Budget

    @property
    def usd(self) -> float | None:
        """None without prices."""
        priced = self.budget.input_usd is not None
        return self.budget.cost_usd(self.input_tokens, self.output_tokens) if priced else None

    @property
    def line(self) -> str:
        """For the terminal, before the first call."""
        tokens = f"about {self.input_tokens:,} tokens in and {self.output_tokens:,} out"
        cost = "" if self.usd is None else f", about {self.usd:,.2f} USD"
        limits = [f"{self.budget.usd:,.2f} USD"] if self.budget.usd is not None else []
        limits += [f"{self.budget.calls:,} calls"] if self.budget.calls is not None else []
        return f"judge {self.model}: {self.questions:,} rows to ask, {tokens}{cost}; stops at {' or '.join(limits)}"


def estimate(model: str, prompts: list[Prompt], budget: Budget) -> Estimate:
    """Add up requests that haven't been made; no model is asked."""
    read = sum(_tokens(prompt.system) + _tokens(prompt.user) for prompt in prompts)
    return Estimate(model, len(prompts), read, EXPECTED_ANSWER_TOKENS * len(prompts), budget)


@final
class Spending:
    """Counts what was spent, and holds back what requests under way may still cost.

    Args:
        budget: never exceeded by more than the error in the estimate of a request's own tokens.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.calls = self.input_tokens = self.output_tokens = 0
        self._held: list[tuple[int, int]] = []

    @property
    def usd(self) -> float:
        """Spent so far; 0 without prices."""
        return self.budget.cost_usd(self.input_tokens, self.output_tokens)

    def reserve(self, prompt: Prompt) -> tuple[int, int] | None:
        """Hold back the most that a request may cost.

        Returns:
            What is held, for `settle`; None where the budget doesn't allow it.
        """
        asked = (_tokens(prompt.system) + _tokens(prompt.user), MAX_ANSWER_TOKENS)
        if self.budget.calls is not None and self.calls + len(self._held) >= self.budget.calls:
            return None
        if self.budget.usd is not None:
            held = sum(self.budget.cost_usd(*each) for each in [*self._held, asked])
            if self.usd + held > self.budget.usd:
                return None
        self._held.append(asked)
        return asked

    def settle(self, held: tuple[int, int], answer: str | None) -> tuple[int, int]:
        """Book an answer, or give back what was held for a request that got none.

        Returns:
            Tokens read and written, as the provider counted them or as estimated.
        """
        self._held.remove(held)
        if answer is None:
            return (0, 0)
        used = (answer.input_tokens, answer.output_tokens) if isinstance(answer, Said) else (held[0], _tokens(answer))
        self.book(1, *used)
        return used

    def book(self, calls: int, input_tokens: int, output_tokens: int) -> None:
        """Count what was spent, earlier runs included."""
        self.calls += calls
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens


def _tokens(text: str) -> int:
    """A quarter of the UTF-8 bytes: four letters of English to a token, and more for other scripts."""
    return -(-len(text.encode("utf-8", "replace")) // 4)
