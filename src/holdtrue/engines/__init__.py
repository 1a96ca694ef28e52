"""Engines run a model; everything above them sees only `Engine`."""

from holdtrue.engines.base import Completion, Engine, GenerateRequest, ScoreRequest
from holdtrue.engines.mock import MockEngine

__all__ = ["Completion", "Engine", "GenerateRequest", "MockEngine", "ScoreRequest"]
