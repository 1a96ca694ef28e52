"""Models: find and load weights, find the decoder blocks, render chats, and tell whose tokens are whose.

`load` takes a name to a `ChatModel`; `read_passes` takes a conversation to token ids and the positions
that the assistant produced.
"""

from holdtrue.models.chat_model import ChatModel, wrap
from holdtrue.models.digests import config_digest
from holdtrue.models.find import BUNDLED
from holdtrue.models.layers import block_output, decoder_layers
from holdtrue.models.loading import load, quick_dtype
from holdtrue.models.messages import Message
from holdtrue.models.spans import ReadPass, TurnSpan, read_passes, said_before
from holdtrue.models.template import ChatTemplate
from holdtrue.models.text_stream import TextStream

__all__ = [
    "BUNDLED",
    "ChatModel",
    "ChatTemplate",
    "Message",
    "ReadPass",
    "TextStream",
    "TurnSpan",
    "block_output",
    "config_digest",
    "decoder_layers",
    "load",
    "quick_dtype",
    "read_passes",
    "said_before",
    "wrap",
]
