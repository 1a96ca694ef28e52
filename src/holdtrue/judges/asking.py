"""Put a request to a judge model: through Inspect, with bounded patience."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from holdtrue.errors import HoldtrueError, JudgeError, MissingExtra, SettingError
from holdtrue.judges.failures import Failure, FailureKind, classify, one_line
from holdtrue.judges.rubric import Prompt

__all__ = ["MAX_ANSWER_TOKENS", "Backoff", "Generate", "Refused", "Said", "ask", "inspect_generate"]

Generate = Callable[[Prompt], Awaitable[str]]
"""Prompt -> the model's answer as text. The seam to whatever runs the judge."""

Sleep = Callable[[float], Awaitable[None]]

MAX_ANSWER_TOKENS: Final = 1024
"""Room for a sentence, and for the models that think before it."""


@final
class Said(str):
    """An answer with the tokens that the provider counted; to those who need no count it is only text."""

    input_tokens: int
    output_tokens: int

    def __new__(cls, text: str, input_tokens: int, output_tokens: int) -> "Said":
        """Text and its tokens: those read, from a cache too, and those written, unseen thinking too."""
        said = super().__new__(cls, text)
        said.input_tokens, said.output_tokens = input_tokens, output_tokens
        return said


@final
@dataclass(frozen=True)
class Backoff:
    """How long to keep asking: waits double from `first_seconds` up to `most_seconds`, each times 0.5 to 1.5."""

    attempts: int = 6
    """The first one included."""
    first_seconds: float = 1.0
    most_seconds: float = 60.0
    timeout_seconds: float = 120.0
    """Of one attempt."""
    sleep: Sleep = asyncio.sleep

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.timeout_seconds <= 0 or not 0 <= self.first_seconds <= self.most_seconds:
            message = f"{self}: needs attempts >= 1, timeout_seconds > 0 and 0 <= first_seconds <= most_seconds"
            raise SettingError(message)

    def wait_seconds(self, attempt: int, asked_seconds: float, rng: np.random.Generator) -> float:
        """How long to wait after failed attempt number `attempt`, from 0.

        Args:
            attempt: how many failed before this one.
            asked_seconds: what the provider asked for, obeyed up to `most_seconds`.
            rng: of the jitter, which keeps requests that failed together from coming back together.
        """
        grown = self.first_seconds * 2.0**attempt * float(rng.uniform(0.5, 1.5))
        return min(max(grown, asked_seconds), self.most_seconds)


MENDS: Final = {
    FailureKind.TRANSIENT: "run the same command again later to go on",
    FailureKind.ACCOUNT: "mend the key, the quota or the bill, then run the same command again to go on",
    FailureKind.OTHER: "check the model's name and what it accepts, then run the same command again to go on",
}


class Refused(Exception):  # noqa: N818 - never leaves the package: the judge adds what is saved and raises JudgeError
    """The model can't be brought to answer."""

    def __init__(self, failure: Failure, attempts: int) -> None:
        super().__init__(failure.said)
        self.failure = failure
        self.attempts = attempts


async def ask(generate: Generate, prompt: Prompt, backoff: Backoff, rng: np.random.Generator) -> str:
    """One answer, asking again after transient failures only.

    Args:
        generate: runs the model.
        prompt: what to ask.
        backoff: the patience.
        rng: of the jitter.

    Raises:
        Refused: no use asking again, or patience is over.
    """
    attempt = 0
    while True:
        try:
            async with asyncio.timeout(backoff.timeout_seconds):
                return await generate(prompt)
        except HoldtrueError:
            raise
        except Exception as error:  # noqa: BLE001 - no two providers share a class of errors
            failure = classify(error)
        attempt += 1
        if failure.kind is not FailureKind.TRANSIENT or attempt >= backoff.attempts:
            raise Refused(failure, attempt)
        await backoff.sleep(backoff.wait_seconds(attempt - 1, failure.retry_after_seconds, rng))


async def ask_judge(generate: Generate, prompt: Prompt, backoff: Backoff, rng: np.random.Generator, judge: str) -> str:
    """`ask`, for callers that have kept what was answered before.

    Raises:
        JudgeError: no use asking again, or patience is over.
    """
    try:
        return await ask(generate, prompt, backoff, rng)
    except Refused as refused:
        message = f"judge {judge}: {refused.failure.said}; {MENDS[refused.failure.kind]}"
        raise JudgeError(message) from None


def inspect_generate(
    model: str, *, concurrency: int = 8, timeout_seconds: float = 120.0, **model_args: Any
) -> Generate:
    """A judge behind Inspect, at temperature 0.

    Inspect's own retries are off: they would go on for hours over a spent quota. `ask` does the waiting.

    Args:
        model: any model string that Inspect knows, such as ``openai/gpt-4o-mini``.
        concurrency: the most connections at once.
        timeout_seconds: of one request.
        model_args: go to Inspect's `get_model`: `base_url`, or the provider's own.

    Raises:
        MissingExtra: Inspect, or the provider's package, isn't installed.
        SettingError: Inspect knows no such model.
        JudgeError: the provider can't be set up, say for want of a key.
    """
    try:
        from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser, GenerateConfig, get_model
    except ImportError as error:
        message = f"judge {model}: needs Inspect ({one_line(str(error))}); pip install 'holdtrue[judge]'"
        raise MissingExtra(message) from None
    config = GenerateConfig(
        temperature=0.0,
        max_tokens=MAX_ANSWER_TOKENS,
        max_retries=0,
        timeout=max(1, round(timeout_seconds)),
        max_connections=concurrency,
    )
    try:
        judge = get_model(model, config=config, **model_args)
    except ValueError as error:
        message = f"judge {model!r}: {one_line(str(error))}; write it as provider/model, such as openai/gpt-4o-mini"
        raise SettingError(message) from None
    except Exception as error:  # noqa: BLE001 - each provider sets itself up in its own way
        said = classify(error).said
        if "pip install" in said:
            message = f"judge {model}: {said.removeprefix('ERROR: ')}"
            raise MissingExtra(message) from None
        message = f"judge {model}: {said.removeprefix('ERROR: ')}; set its key or choose another judge, then run again"
        raise JudgeError(message) from None

    async def generate(prompt: Prompt) -> str:
        messages: list[ChatMessage] = [ChatMessageSystem(content=prompt.system), ChatMessageUser(content=prompt.user)]
        output = await judge.generate(messages)
        if (used := output.usage) is None or not used.output_tokens:
            return output.completion  # some providers report zeros instead of nothing
        cached = (used.input_tokens_cache_read or 0) + (used.input_tokens_cache_write or 0)
        return Said(output.completion, used.input_tokens + cached, used.output_tokens)

    return generate
