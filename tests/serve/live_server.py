"""The real server on a free port of this machine, in a thread, and what tests ask of it."""

import copy
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import httpx
import openai
import uvicorn
from fastapi import FastAPI

from holdtrue.models import ChatModel

LONG = "Write a very long story about a lighthouse keeper, with many chapters."
"""A question that isn't answered in a few tokens."""


def twin(model: ChatModel) -> ChatModel:
    """A model of its own over the same weights: a running server's hooks stay on its model between requests."""
    names = {id(module): name for name, module in model.model.named_modules()}
    network = copy.deepcopy(model.model, {id(weight): weight for weight in model.model.parameters()})
    return replace(model, model=network, layers=tuple(network.get_submodule(names[id(each)]) for each in model.layers))


@dataclass
class Live:
    """A running server."""

    app: FastAPI
    url: str

    @cached_property
    def model(self) -> str:
        """What it calls its model."""
        with self.http() as client:
            return str(client.get("/v1/models").json()["data"][0]["id"])

    @cached_property
    def _watching(self) -> httpx.Client:
        return self.http()

    def http(self, key: str | None = None, **named: Any) -> httpx.Client:
        """A plain client; give it back with `with`."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False, verify=False, **named)

    def openai(self, key: str = "none") -> openai.OpenAI:
        """OpenAI's own client, as it is."""
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0, timeout=60)

    def connect(self) -> socket.socket:
        """A bare connection."""
        host, port = self.url.removeprefix("http://").split(":")
        return socket.create_connection((host, int(port)), timeout=60)

    def figure(self, name: str) -> float:
        """A sample of /metrics by its name without `holdtrue_`."""
        lines = self._watching.get("/metrics").text.splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith(f"holdtrue_{name}{{"))


@contextmanager
def serving(app: FastAPI) -> Iterator[Live]:
    """Run an application until the block ends."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False, http="h11", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Live(app, f"http://127.0.0.1:{port}")
    finally:
        app.state.feed.close()
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


def until(holds: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something that must come true; the time-out is there to end a failing test."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


def asked(live: Live, text: str = "Say hello.", **fields: Any) -> dict[str, Any]:
    """A request's body: a short greedy answer unless it says otherwise."""
    messages = [{"role": "user", "content": text}]
    return {"model": live.model, "messages": messages, "max_tokens": 3, "temperature": 0, **fields}


def raw_post(body: dict[str, Any], path: str = "/v1/chat/completions") -> bytes:
    """A request as bytes, for bare connections."""
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(data)}"
    return head.encode() + b"\r\n\r\n" + data


def events_of(text: str) -> list[Any]:
    """The data of a stream's events."""
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]
