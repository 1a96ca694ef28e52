"""A model's chat template: messages to text and to token ids, the same on every day and machine."""

import hashlib
import json
import os.path
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, final

from jinja2 import TemplateError, TemplateSyntaxError
from transformers import PreTrainedTokenizerBase

from holdtrue.errors import ArtifactError, NoChatTemplate, TranscriptError
from holdtrue.models.messages import Message, checked, folded

__all__ = ["ChatTemplate", "read_template"]

_PROBE: Final = "holdtrue probes for a system role"
# Some templates print today's date. A fixed one (Llama 3's own default) keeps token ids reproducible.
_TODAY: Final = datetime(2024, 7, 26)


@final
class ChatTemplate:
    """The jinja chat template of a tokenizer, or one given in its place.

    Args:
        tokenizer: a fast tokenizer.
        text: jinja text that replaces the tokenizer's own.
        think_tags: what opens and closes a thinking segment at the start of an assistant's content.
        name: what to call the model in errors.

    Raises:
        NoChatTemplate: the tokenizer has none and none is given.
        ArtifactError: the template isn't jinja.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        text: str | None = None,
        *,
        think_tags: tuple[str, str] = ("<think>", "</think>"),
        name: str = "this model",
    ) -> None:
        if text is None and not tokenizer.chat_template:
            message = f"{name} has no chat template (a base model?); give one with --template FILE"
            raise NoChatTemplate(message)
        self.tokenizer = tokenizer
        self.think_tags = think_tags
        self.text: str = tokenizer.get_chat_template() if text is None else text
        try:
            self._apply([{"role": "user", "content": "a"}], add_generation_prompt=False)
        except TemplateSyntaxError as error:
            message = f"the chat template of {name} isn't jinja: {error.message} (line {error.lineno}); mend the file"
            raise ArtifactError(message) from None
        except (TemplateError, TypeError, ValueError):
            pass  # It may refuse this very conversation and still take others.

    @cached_property
    def digest(self) -> str:
        """The sha256 of the template's text and the BOS and EOS tokens, which it may print."""
        parts = [self.text, str(self.tokenizer.bos_token), str(self.tokenizer.eos_token)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    @cached_property
    def supports_system(self) -> bool:
        """Whether a leading system message reaches the text; if not, it is folded into the user's."""
        return self._shows([{"role": "system", "content": _PROBE}, {"role": "user", "content": "a"}])

    @cached_property
    def special_ids(self) -> frozenset[int]:
        """Ids of control tokens, which are never counted as something the assistant said."""
        added = self.tokenizer.added_tokens_decoder
        marked = {index for index, token in added.items() if token.special}
        return frozenset(marked | set(self.tokenizer.all_special_ids))

    @cached_property
    def end_of_turn_ids(self) -> frozenset[int]:
        """The control token that the template writes after an assistant's content; empty if it writes none."""
        messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": _PROBE}]
        try:
            tail = self.render(messages).rpartition(_PROBE)[2]
        except TranscriptError:
            return frozenset()
        ids = self.tokenizer(tail, add_special_tokens=False).input_ids
        return frozenset([index for index in ids if index in self.special_ids][:1])

    def render(self, messages: Sequence[Message], add_generation_prompt: bool = False) -> str:  # noqa: FBT001
        """The conversation as text.

        Args:
            messages: the turns, oldest first. System text that the template can't show is put before the
                text of the user message that follows, with a blank line between.
            add_generation_prompt: end with what opens the assistant's next turn.

        Returns:
            The text, template tokens spelled out.

        Raises:
            TranscriptError: a malformed message, or an order of turns that the template refuses.
        """
        turns = checked(messages)
        try:
            # Only a conversation that has a system message asks what the template does with one.
            if any(turn["role"] == "system" for turn in turns):
                turns = folded(turns, leading=not self.supports_system, late=not self._supports_late_system)
            return self._apply(turns, add_generation_prompt=add_generation_prompt)
        except (TemplateError, TypeError, ValueError, IndexError, KeyError) as error:
            roles = ", ".join(turn["role"] for turn in turns[:8]) + (", …" if len(turns) > 8 else "")
            message = f"the chat template refuses this conversation (roles: {roles or 'none'}): {error}"
            raise TranscriptError(message) from None

    def encode(self, messages: Sequence[Message], add_generation_prompt: bool = False) -> list[int]:  # noqa: FBT001
        """The conversation as token ids, with exactly one BOS if the model uses one.

        Args:
            messages: the turns, oldest first.
            add_generation_prompt: end with what opens the assistant's next turn.

        Returns:
            The ids that the model should read.

        Raises:
            TranscriptError: as for `render`.
        """
        return self.tokenize(self.render(messages, add_generation_prompt))[0]

    def tokenize(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Token ids of rendered text, and the half-open character range that each stands for.

        Args:
            text: what `render` returned.

        Returns:
            Ids and ranges, equally many. A BOS that the tokenizer adds has the range (0, 0).
        """
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ids, offsets = list(encoded["input_ids"]), [(int(a), int(b)) for a, b in encoded["offset_mapping"]]
        bos = self._added_bos
        if bos is not None and ids[:1] != [bos]:
            return [bos, *ids], [(0, 0), *offsets]
        return ids, offsets

    @cached_property
    def _added_bos(self) -> int | None:
        bos = self.tokenizer.bos_token_id
        return bos if bos is not None and self.tokenizer("a")["input_ids"][:1] == [bos] else None

    @cached_property
    def _supports_late_system(self) -> bool:
        turns = [("user", "a"), ("assistant", "b"), ("system", _PROBE), ("user", "c")]
        return self._shows([{"role": role, "content": content} for role, content in turns])

    def _shows(self, messages: list[dict[str, str]]) -> bool:
        try:
            return _PROBE in self._apply(messages, add_generation_prompt=False)
        except (TemplateError, TypeError, ValueError, IndexError, KeyError):
            return False

    def _apply(self, messages: list[dict[str, str]], *, add_generation_prompt: bool) -> str:
        text: Any = self.tokenizer.apply_chat_template(
            messages,
            chat_template=self.text,
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
            strftime_now=_TODAY.strftime,
            date_string=_TODAY.strftime("%d %b %Y"),
        )
        return str(text)


def read_template(path: Path) -> str:
    """Read a template file: jinja text, or JSON with a ``chat_template`` entry as in a tokenizer's config.

    Args:
        path: the file.

    Returns:
        Jinja text.

    Raises:
        ArtifactError: unreadable, empty, or JSON without that entry.
    """
    try:
        text: Any = Path(os.path.expanduser(path)).read_text(encoding="utf-8")  # noqa: PTH111 - it never raises
    except (OSError, UnicodeDecodeError) as error:
        message = f"template file {str(path)!r} can't be read: {error}; give a text file of jinja or JSON"
        raise ArtifactError(message) from None
    try:
        table = json.loads(text)
    except ValueError:
        table = None
    if isinstance(table, dict):
        text = table.get("chat_template")
        if isinstance(text, list):  # named templates, as some tokenizer configs hold them
            text = next((entry.get("template") for entry in text if entry.get("name") == "default"), None)
    if not isinstance(text, str) or not text.strip():
        message = f"template file {str(path)!r} holds no template; give jinja text, or JSON with 'chat_template'"
        raise ArtifactError(message)
    return text
