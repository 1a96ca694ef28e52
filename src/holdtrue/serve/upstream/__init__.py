"""Any OpenAI-compatible API as a backend, with a small model reading what it writes."""

from holdtrue.serve.upstream.backend import UpstreamBackend, connect
from holdtrue.serve.upstream.client import UpstreamClient

__all__ = ["UpstreamBackend", "UpstreamClient", "connect"]
