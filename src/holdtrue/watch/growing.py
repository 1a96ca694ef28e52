"""Tokens of a text that grows at its end, without tokenising all of it each time."""

from bisect import bisect_left
from typing import final

from holdtrue.models import ChatTemplate

__all__ = ["GrowingText", "added_beginnings"]

WINDOW_TOKENS = 32
"""How far back tokenising starts anew: new text changes the last few tokens, hardly ever more."""
AGREEING_TOKENS = 8
"""Tokens in a row that must come out as before, or else the whole text is tokenised again."""
UNSETTLED_TOKENS = 4
"""The last tokens of a text that still grows: what comes next may merge with them."""


@final
class GrowingText:
    """A rendered text, its token ids, and the half-open character range of each; equal to tokenising the whole.

    Args:
        template: whose tokenizer to use.
        text: what is there already.
        beginnings: of the tokenizer's added tokens (`added_beginnings`), which may yet become one.
    """

    def __init__(self, template: ChatTemplate, text: str, beginnings: frozenset[str] = frozenset()) -> None:
        self._template = template
        self._beginnings = beginnings
        self._longest = max(map(len, beginnings), default=0)
        self.text = text
        self.ids, self.offsets = template.tokenize(text)

    @property
    def n_settled(self) -> int:
        """Tokens that what comes next will hardly change."""
        n_settled = max(len(self.ids) - UNSETTLED_TOKENS, 0)
        tail = self.text[-self._longest :] if self._longest else ""
        start = next((at for at in range(len(tail)) if tail[at:] in self._beginnings), len(tail))
        border = len(self.text) - len(tail) + start
        while n_settled and self.offsets[n_settled - 1][1] > border:
            n_settled -= 1
        return n_settled

    def append(self, more: str) -> None:
        """Add text at the end."""
        self.text += more
        start = self._window()
        at = self.offsets[start][0] if start else 0
        if at:
            encoded = self._template.tokenizer(self.text[at:], add_special_tokens=False, return_offsets_mapping=True)
            ids = list(encoded["input_ids"])
            offsets = [(int(first) + at, int(last) + at) for first, last in encoded["offset_mapping"]]
            if self._joins(start, ids, offsets):
                return
        self.ids, self.offsets = self._template.tokenize(self.text)

    def _window(self) -> int:
        """Where to start: a token that begins where the one before it ends, so that no character is cut."""
        start = len(self.ids) - WINDOW_TOKENS
        while start > 0 and self.offsets[start - 1][1] != self.offsets[start][0]:
            start -= 1
        return max(start, 0)

    def _joins(self, start: int, ids: list[int], offsets: list[tuple[int, int]]) -> bool:
        # A window's first tokens may differ: some tokenizers put a blank before whatever they are given.
        for new in range(AGREEING_TOKENS):
            if new + AGREEING_TOKENS > len(ids):
                return False
            old = bisect_left(self.offsets, offsets[new], lo=start)
            same = slice(old, old + AGREEING_TOKENS), slice(new, new + AGREEING_TOKENS)
            if self.ids[same[0]] == ids[same[1]] and self.offsets[same[0]] == offsets[same[1]]:
                self.ids[old:], self.offsets[old:] = ids[new:], offsets[new:]
                return True
        return False


def added_beginnings(template: ChatTemplate) -> frozenset[str]:
    """Every proper beginning of a token that is matched as a whole, such as a thinking tag's."""
    contents = [token.content for token in template.tokenizer.added_tokens_decoder.values()]
    return frozenset(content[:length] for content in contents for length in range(1, len(content)))
