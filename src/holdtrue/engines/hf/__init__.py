"""The transformers engine."""

from holdtrue.engines.hf.capture import LayerHooks, ResponseMeans
from holdtrue.engines.hf.engine import HFEngine

__all__ = ["HFEngine", "LayerHooks", "ResponseMeans"]
