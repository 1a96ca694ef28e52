"""Text as its tokens come: a character appears once all its bytes have."""

from typing import Any, final

from tokenizers.decoders import DecodeStream
from transformers import PreTrainedTokenizerBase

__all__ = ["TextStream"]


@final
class TextStream:
    """Decodes one response token by token, and stops at stop strings.

    What a token adds may be empty (part of a character, or of what may become a stop string); the pieces join to the
    whole text.

    Args:
        tokenizer: a fast tokenizer.
        stop: strings that end the response and are not part of it.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stop: tuple[str, ...] = ()) -> None:
        self._tokenizer: Any = tokenizer
        self._ids: list[int] = []
        self._stream: Any = DecodeStream(skip_special_tokens=True)
        self._stop = stop
        self._pending = ""
        self._decoded = ""
        self.n_given = 0
        """Characters given out so far."""
        self.last = ""
        """What the last token added, stop strings aside."""
        self.stopped = False
        """Whether a stop string was met; nothing after it is given out."""

    def push(self, token_id: int) -> str:
        """The text that becomes certain with this token."""
        if self.stopped:
            return ""
        self._ids.append(token_id)
        new = self._stream.step(self._tokenizer.backend_tokenizer, token_id) or ""
        self._decoded += new
        self.last = new
        return self._release(self._pending + new)

    def finish(self) -> str:
        """What was still held back, once no token follows."""
        if self.stopped:
            return ""
        whole: str = self._tokenizer.decode(self._ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        # Bytes that never became a character come out as the replacement mark.
        rest = whole[len(self._decoded) :] if whole.startswith(self._decoded) else ""
        left = self._release(self._pending + rest)
        if not self.stopped:
            self.n_given += len(self._pending)
            left, self._pending = left + self._pending, ""
        return left

    def _release(self, text: str) -> str:
        met = min((at for at in (text.find(each) for each in self._stop) if at >= 0), default=None)
        if met is not None:
            self.stopped, self._pending = True, ""
            self.n_given += met
            return text[:met]
        held = max((_overlap(text, each) for each in self._stop), default=0)
        cut = len(text) - held
        self._pending = text[cut:]
        self.n_given += cut
        return text[:cut]


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that `stop` begins with."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if stop.startswith(text[-n:])), 0)
