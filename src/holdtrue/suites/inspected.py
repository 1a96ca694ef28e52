"""Any model that Inspect knows, as a target."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, final

from holdtrue.errors import JudgeError
from holdtrue.judges import inspect_model
from holdtrue.records import GateTool, SampleCall, SampleMessage
from holdtrue.suites.protocol import call_written
from holdtrue.suites.target import Reply

if TYPE_CHECKING:
    from inspect_ai.model import ChatMessage, Model, ModelOutput
    from inspect_ai.tool import ToolInfo

__all__ = ["InspectTarget"]

_LETTERS: Final = 10
"""Alternatives asked for where the first token's likelihoods are wanted."""


@final
class InspectTarget:
    """A model behind Inspect.

    Args:
        name: such as ``openai/gpt-4o-mini`` or ``holdtrue/smollm2-135m``; or an opened model.
        temperature: of its draws; 0 for greedy.
        model_args: go to Inspect's `get_model`.

    Raises:
        MissingExtra: Inspect, or the provider's package, isn't installed.
        SettingError: Inspect knows no such model.
    """

    def __init__(self, name: "str | Model", *, temperature: float = 0.0, **model_args: Any) -> None:
        self.model = inspect_model(name, **model_args) if isinstance(name, str) else name
        self._temperature = temperature
        self._likelihoods = True

    async def reply(
        self,
        messages: Sequence[SampleMessage],
        tools: Sequence[GateTool],
        *,
        max_tokens: int,
        seed: int,
        letters: bool = False,
    ) -> Reply:
        """Answer (see `Target.reply`)."""
        output = await self._generate(messages, tools, max_tokens, seed, letters=letters and self._likelihoods)
        if output.error:
            raise JudgeError(f"{self.model.name}: {' '.join(output.error.split())[:200]}")  # noqa: EM102 - all of it varies
        if not output.choices:
            return Reply("", stop="empty")
        choice, usage = output.choices[0], output.usage
        likelihoods = {}
        if choice.logprobs is not None and choice.logprobs.content:
            first = choice.logprobs.content[0]
            likelihoods = {first.token: first.logprob} | {each.token: each.logprob for each in first.top_logprobs or ()}
        return Reply(
            content=choice.message.text,
            reasoning=_reasoning(choice.message.content),
            calls=tuple(
                SampleCall(name=call.function, arguments={} if call.parse_error else dict(call.arguments))
                for call in choice.message.tool_calls or ()
            ),
            stop=choice.stop_reason,
            letters=likelihoods,
            tokens_in=usage.input_tokens if usage else 0,
            tokens_out=usage.output_tokens if usage else 0,
        )

    async def _generate(
        self, messages: Sequence[SampleMessage], tools: Sequence[GateTool], max_tokens: int, seed: int, *, letters: bool
    ) -> "ModelOutput":
        from inspect_ai.model import GenerateConfig

        config = GenerateConfig(
            temperature=self._temperature,
            max_tokens=max_tokens,
            seed=seed,
            max_retries=3,
            logprobs=True if letters else None,
            top_logprobs=_LETTERS if letters else None,
        )
        try:
            return await self.model.generate(
                _chat(messages, native=bool(tools)), tools=[_info(tool) for tool in tools], config=config
            )
        except TimeoutError:
            raise
        except Exception as error:  # noqa: BLE001 - a provider may raise anything
            said = " ".join(str(error).split())[:200]
            if letters and "logprob" in said.lower():
                self._likelihoods = False
                return await self._generate(messages, tools, max_tokens, seed, letters=False)
            message = f"{self.model.name} gave no answer: {said}"
            raise JudgeError(message) from None


def _reasoning(content: Any) -> str | None:
    if isinstance(content, str):
        return None
    parts = [part.reasoning for part in content if part.type == "reasoning"]
    return "\n".join(parts) or None


def _info(tool: GateTool) -> "ToolInfo":
    from inspect_ai.tool import ToolInfo, ToolParam, ToolParams

    words = tool.name.replace("_", " ")
    properties = {name: ToolParam(type="string", description=name.replace("_", " ")) for name in tool.parameters}
    return ToolInfo(
        name=tool.name,
        description=words,
        parameters=ToolParams(properties=properties, required=list(tool.parameters)),
    )


def _chat(messages: Sequence[SampleMessage], *, native: bool) -> "list[ChatMessage]":
    """Messages as Inspect has them; where no tools are offered, calls and their results go in words."""
    from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageTool, ChatMessageUser
    from inspect_ai.tool import ToolCall

    chat: list[ChatMessage] = []
    waiting: list[tuple[str, str]] = []
    for number, message in enumerate(messages):
        match message.role:
            case "system":
                chat.append(ChatMessageSystem(content=message.content))
            case "user":
                chat.append(ChatMessageUser(content=message.content))
            case "assistant" if not native:
                chat.append(
                    ChatMessageAssistant(content="\n".join(filter(None, [message.content, *_written(message)])))
                )
            case "assistant":
                waiting = [(f"call-{number}-{at}", call.name) for at, call in enumerate(message.calls)]
                calls = [
                    ToolCall(id=id, function=call.name, arguments=call.arguments)
                    for (id, _), call in zip(waiting, message.calls, strict=True)  # noqa: A001 - Inspect's name for it
                ]
                chat.append(ChatMessageAssistant(content=message.content, tool_calls=calls or None))
            case "tool" if not native:
                chat.append(ChatMessageUser(content=f"Result: {message.content}"))
            case "tool":
                id, name = waiting.pop(0)  # noqa: A001
                chat.append(ChatMessageTool(content=message.content, tool_call_id=id, function=name))
    return chat


def _written(message: SampleMessage) -> list[str]:
    return [call_written(call) for call in message.calls if call.arguments or "<tool_call>" not in message.content]
