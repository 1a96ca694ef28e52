"""Which tokens the assistant said, turn by turn: by the difference of rendered prefixes, never by search.

For the assistant's turn i, the conversation up to it is rendered three times: without it but with the
generation prompt (P), with it (E), and with one-letter contents in its place, whose common suffix is
the terminator. Its content lies in E from where P and E part to where the terminator starts, whatever the
content says and however the template trims it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from holdtrue.errors import TranscriptError
from holdtrue.models.messages import Message
from holdtrue.models.template import ChatTemplate

__all__ = [
    "ReadPass",
    "TurnSpan",
    "common_prefix",
    "read_passes",
    "read_turn",
    "said_before",
    "thinking_end",
    "token_within",
]


@dataclass(frozen=True)
class TurnSpan:
    """Token positions of one assistant turn within its pass.

    Args:
        turn: the turn's index among the messages.
        answer: positions of what was said; no template, BOS, EOS or other control token. Empty if nothing was.
        thinking: positions of the thinking segment with its tags; disjoint from `answer`.
    """

    turn: int
    answer: tuple[int, ...]
    thinking: tuple[int, ...]


@dataclass(frozen=True)
class ReadPass:
    """One token sequence to run through the model, and the turns to read off it.

    Args:
        token_ids: the whole sequence, BOS included if the model uses one.
        turns: the turns that are read here, in order.
    """

    token_ids: tuple[int, ...]
    turns: tuple[TurnSpan, ...]


class _Range(NamedTuple):
    turn: int
    start: int
    end: int


def read_passes(template: ChatTemplate, messages: Sequence[Message]) -> tuple[ReadPass, ...]:
    """Find the assistant's tokens in a conversation.

    Turns share a pass as long as the template renders the shorter conversation as a prefix of the longer.
    A template that rewrites history (dropping earlier thinking, say) gets a pass for each such turn, so
    that every turn is read in the context it was written in.

    Args:
        template: the model's chat template.
        messages: the turns, oldest first.

    Returns:
        The passes, by their first turn; each assistant turn is in exactly one. Nothing follows the last turn
        of a pass but its terminator. Empty if the assistant has no turn.

    Raises:
        TranscriptError: a malformed message, or an order of turns that the template refuses.
    """
    texts: list[str] = []
    shared: list[list[_Range]] = []
    # From the last turn back: the longest conversation is the one that the others may be prefixes of.
    for turn in range(len(messages) - 1, -1, -1):
        if messages[turn].get("role") != "assistant":
            continue
        text, found = _locate(template, messages, turn)
        for known, ranges in zip(texts, shared, strict=True):
            if known.startswith(text):
                ranges.append(found)
                break
        else:
            texts.append(text)
            shared.append([found])
    passes = [_read(template, text, ranges[::-1]) for text, ranges in zip(texts, shared, strict=True)]
    return tuple(sorted(passes, key=lambda each: each.turns[0].turn))


def read_turn(template: ChatTemplate, messages: Sequence[Message], turn: int) -> ReadPass:
    """The pass of one assistant turn alone, in the context it was written in.

    Args:
        template: the model's chat template.
        messages: the turns, oldest first.
        turn: index of the turn among them.

    Raises:
        TranscriptError: as for `read_passes`.
    """
    text, found = _locate(template, messages, turn)
    return _read(template, text, [found])


def said_before(template: ChatTemplate, messages: Sequence[Message], prompt: Sequence[int]) -> tuple[int, ...]:
    """Where the assistant's own earlier words, thinking included, stand in a prompt.

    Args:
        template: the model's chat template.
        messages: the turns that the prompt was made of.
        prompt: its token ids.

    Returns:
        Positions in the prompt. A turn that the template shows otherwise than it was written is left out.
    """
    found: list[int] = []
    for each in read_passes(template, messages):
        for span in each.turns:
            at = (*span.thinking, *span.answer)
            if at and each.token_ids[: max(at) + 1] == tuple(prompt[: max(at) + 1]):
                found += at
    return tuple(sorted(found))


def _locate(template: ChatTemplate, messages: Sequence[Message], turn: int) -> tuple[str, _Range]:
    before = list(messages[:turn])
    text = template.render([*before, messages[turn]])
    one, other = (template.render([*before, {"role": "assistant", "content": letter}]) for letter in "ab")
    try:
        head = template.render(before, add_generation_prompt=True)
    except TranscriptError:
        head = one[: common_prefix(one, other)]  # Refuses a conversation without a turn of the user's.
    start = common_prefix(head, text)
    opening = template.think_tags[0]
    bare = text[:start].rstrip()
    if bare.endswith(opening):
        # The generation prompt opens the thinking segment itself; the tag belongs to the segment.
        start = len(bare) - len(opening)
    end = len(text) - _common_suffix(_tail(one, other), text)
    return text, _Range(turn, start, max(start, end))


def _read(template: ChatTemplate, text: str, ranges: list[_Range]) -> ReadPass:
    ids, offsets = template.tokenize(text)
    special = template.special_ids
    starts = [first for first, _ in offsets]

    def within(start: int, end: int) -> tuple[int, ...]:
        near = range(bisect_left(starts, start), bisect_right(starts, end))
        return tuple(at for at in near if token_within(offsets[at], start, end) and ids[at] not in special)

    turns = []
    for turn, start, end in ranges:
        cut, answer = thinking_end(text[start:end], template.think_tags)
        turns.append(TurnSpan(turn, answer=within(start + answer, end), thinking=within(start, start + cut)))
    return ReadPass(token_ids=tuple(ids), turns=tuple(turns))


def thinking_end(content: str, tags: tuple[str, str]) -> tuple[int, int]:
    """Where the thinking segment ends and where the answer starts; (0, 0) without such a segment."""
    opening, closing = tags
    if not content.lstrip().startswith(opening):
        return 0, 0
    at = content.find(closing)
    if at < 0:  # Cut off while thinking: nothing was answered.
        return len(content), len(content)
    cut = at + len(closing)
    return cut, len(content) - len(content[cut:].lstrip())


def token_within(offset: tuple[int, int], start: int, end: int) -> bool:
    """Whether a token's characters lie in `start:end`."""
    first, last = offset
    if first == last:  # Byte-level tokenizers trim a token of blanks to the point where it ends.
        return start < first <= end
    return start <= first and last <= end


def _tail(one: str, other: str) -> str:
    length = _common_suffix(one, other)
    return one[len(one) - length :]


def common_prefix(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    # Halving compares slices in C: a long conversation is rendered whole for each of its turns.
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_suffix(one: str, other: str) -> int:
    return common_prefix(one[::-1], other[::-1])
