"""Messages before any template sees them: checked, and rid of system turns that it can't show."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from holdtrue.errors import TranscriptError, did_you_mean

__all__ = ["Message", "checked", "folded"]

Message: TypeAlias = Mapping[str, str]
"""One turn: ``{"role": "system" | "user" | "assistant", "content": text}``."""

_ROLES: Final = ("system", "user", "assistant")


def checked(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Copies of the messages with their role and content alone.

    Args:
        messages: the turns, oldest first.

    Returns:
        As many, in order.

    Raises:
        TranscriptError: an unknown role, or content that isn't text.
    """
    return [_checked(message, index) for index, message in enumerate(messages)]


def folded(turns: list[dict[str, str]], *, leading: bool, late: bool) -> list[dict[str, str]]:
    """Put system text before the text of the user message that follows, a blank line between.

    Text goes forward only: the prefix of a conversation then folds as the whole does, which spans rely on.

    Args:
        turns: checked messages.
        leading: fold a system message that opens the conversation.
        late: fold those further on.

    Returns:
        The turns; system text that no user message follows becomes one itself.
    """
    out: list[dict[str, str]] = []
    held: list[str] = []
    for index, turn in enumerate(turns):
        if turn["role"] == "system":
            if late if index else leading:
                held.append(turn["content"])
            else:
                out.append(turn)
            continue
        if held and turn["role"] != "user":
            out.append({"role": "user", "content": "\n\n".join(held)})
            held = []
        out.append({"role": turn["role"], "content": "\n\n".join([*held, turn["content"]])})
        held = []
    return [*out, {"role": "user", "content": "\n\n".join(held)}] if held else out


def _checked(message: Message, index: int) -> dict[str, str]:
    role, content = message.get("role"), message.get("content")
    if role not in _ROLES:
        error = f"message {index} has role {role!r}; {did_you_mean(str(role), list(_ROLES))}"
        raise TranscriptError(error)
    if not isinstance(content, str):
        error = f"message {index} has content of type {type(content).__name__}; it must be text"
        raise TranscriptError(error)
    try:
        content.encode()
    except UnicodeEncodeError:
        error = f"message {index} holds half a surrogate pair, which is no text; mend the file's encoding"
        raise TranscriptError(error) from None
    return {"role": role, "content": content}
