"""Inspect's model over a held model: arguments in, a name with digests, answers with their readings."""

import asyncio
import time
from typing import Any, final

from inspect_ai._util.error import PrerequisiteError  # what Inspect's command line prints without a traceback
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    StopReason,
)
from inspect_ai.tool import ToolChoice, ToolInfo
from rich.markup import escape

from holdtrue.axis import load_axis
from holdtrue.errors import HoldtrueError, RunError
from holdtrue.hold import HAND_OVER, Shaped, hold_spec
from holdtrue.stress.held_model import Answer
from holdtrue.stress.provider.answering import Answering, Drawn
from holdtrue.stress.provider.arguments import read_arguments
from holdtrue.stress.provider.lease import Lease
from holdtrue.stress.provider.memory import Memory
from holdtrue.stress.provider.messages import Tags, answered_message, plain_turns, with_tools
from holdtrue.stress.provider.naming import full_name, split_name
from holdtrue.stress.provider.outputs import logprobs, reading, usage
from holdtrue.stress.provider.sampling import Sampling, sampling
from holdtrue.stress.provider.tools import tools_text
from holdtrue.watch import Drift, drift_rule

__all__ = ["HeldAPI"]

DEFAULT_TOKENS = 2048
"""Of an answer without a limit: as much as Inspect gives models that it runs itself."""


@final
class HeldAPI(ModelAPI):
    """A model, an axis and a hold, as Inspect sees them.

    Args:
        model_name: a model as `holdtrue.models.load` takes it, or the full name that a log has.
        base_url: not used: the model runs in this process.
        api_key: not used either.
        config: Inspect's settings, which come with each request again.
        model_args: see `HeldArguments`; text and numbers alone.

    Raises:
        PrerequisiteError: holdtrue's own errors, in one line: a wrong argument, no such model, an axis of another one.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008 - as in the base class
        **model_args: Any,
    ) -> None:
        try:
            spec, pinned = split_name(model_name)
            arguments = read_arguments(model_args)
            self._hold = hold_spec(arguments.hold)
            if arguments.direction != "axis":
                # Another name and digest, so that no cache takes the one for the other.
                self._hold = self._hold.model_copy(update={"name": f"{arguments.direction}-{self._hold.name}"})
            axis = load_axis(arguments.axis)
            name = full_name(spec, axis, self._hold, pinned)
            self._lease = Lease(spec, arguments, axis)
            try:
                self._answering = Answering(self._lease.held, self._hold, arguments.direction)
            except BaseException:
                self._lease.close()
                raise
        except HoldtrueError as error:
            message = f"holdtrue: {' '.join(str(error).split())}"
            raise PrerequisiteError(escape(message)) from error
        super().__init__(model_name=name, base_url=base_url, api_key=api_key, config=config)
        self._digests = {"hold": self._hold.name, "hold_digest": self._hold.digest, "axis_digest": axis.card.digest}
        self._memory = Memory(drift_rule(axis.card), axis.card.digest)
        template = self._lease.held.chat.template
        opening, closing = template.think_tags
        prompt = template.render([{"role": "user", "content": "a"}], add_generation_prompt=True)
        self._tags = Tags(opening, closing, prompted=prompt.rstrip().endswith(opening))

    def close(self) -> None:
        """Give the model back; it is unloaded once no other evaluation in this process holds it."""
        self._lease.close()

    def connection_key(self) -> str:
        """All holds of one loaded model share its places, and so their limit."""
        return self._lease.key

    def max_connections(self) -> int:
        """As many as the model answers at once."""
        return self._lease.max_rows

    def max_tokens(self) -> int | None:
        """Of an answer without a limit."""
        return DEFAULT_TOKENS

    async def count_text_tokens(self, text: str) -> int:
        """By the model's own tokenizer."""
        return len(await self.tokenize(text))

    async def tokenize(self, text: str) -> list[int]:
        """Token ids of a text."""
        return list(self._lease.held.chat.tokenizer(text, add_special_tokens=False).input_ids)

    async def generate(
        self,
        input: list[ChatMessage],  # noqa: A002 - Inspect's name for it
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Answer under the hold (see `ModelAPI.generate`).

        Raises:
            RunError: the engine stopped, the model was closed, or this isn't asyncio.
            TranscriptError: content that isn't text, or an order of turns that the model's template refuses.
        """
        _check_loop()
        began = time.perf_counter()
        turns = plain_turns(input, self._tags, self._digests["axis_digest"])
        drift = self._memory.drift(turns)
        told = tools_text(tools, tool_choice)
        callable_tools = tools if told else []
        wanted = sampling(config, self._lease.held.chat, DEFAULT_TOKENS)
        one_call = config.parallel_tool_calls is False
        number = sum(turn.role == "assistant" for turn in turns) + 1
        shaped, summary = await self._answering.shaped(with_tools(turns, told), drift, turn=number)
        drawn = await self._drawn(shaped, wanted, drift, config.num_choices or 1)
        choices = []
        for each in drawn:
            note = {
                "z": each.answer.z,
                "projection": each.answer.projection,
                "fired": each.answer.fired,
                **self._digests,
            }
            message = answered_message(
                each.answer.text, self._tags, callable_tools, model=self.model_name, note=note, one_call=one_call
            )
            # An answer as the next request will bring it back.
            said = plain_turns([*input, message], self._tags, "")
            self._memory.keep(said, each.answer.z)
            stop: StopReason = "tool_calls" if message.tool_calls else each.stop
            choices.append(ChatCompletionChoice(message=message, stop_reason=stop, logprobs=logprobs(each.answer)))
        drift.answered(drawn[0].answer.z)
        return ModelOutput(
            model=self.model_name,
            choices=choices,
            usage=usage(drawn, summary),
            time=time.perf_counter() - began,
            metadata={**reading(shaped, drawn, drift), **self._digests},
        )

    async def _drawn(self, shaped: Shaped, wanted: Sampling, drift: Drift, n: int) -> list[Drawn]:
        if shaped.hand_over:
            return [Drawn(Answer(HAND_OVER, 0, 0), "stop", wanted.seed)] * n
        each = [wanted.other(f"choice/{index}") if index else wanted for index in range(n)]
        asked = (self._answering.answer(shaped.messages, one, drifting=drift.stands) for one in each)
        return list(await asyncio.gather(*asked))


def _check_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        message = "holdtrue's models need asyncio, and this is another kind of loop; unset INSPECT_ASYNC_BACKEND"
        raise RunError(message) from None
