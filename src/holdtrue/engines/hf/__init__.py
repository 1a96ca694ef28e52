"""The transformers engine."""

from holdtrue.engines.hf.batcher import Batcher, Drawn, Event
from holdtrue.engines.hf.capture import LayerHooks, Part, ResponseMeans, ThinkTokens, think_tokens
from holdtrue.engines.hf.decode_cap import FedToken
from holdtrue.engines.hf.engine import HFEngine
from holdtrue.engines.hf.engine_thread import EngineRefusal, EngineThread, Ticket, in_passing_thread
from holdtrue.engines.hf.holding import HeldRow, Hold, hold

__all__ = [
    "Batcher",
    "Drawn",
    "EngineRefusal",
    "EngineThread",
    "Event",
    "FedToken",
    "HFEngine",
    "HeldRow",
    "Hold",
    "LayerHooks",
    "Part",
    "ResponseMeans",
    "ThinkTokens",
    "Ticket",
    "hold",
    "in_passing_thread",
    "think_tokens",
]
