"""A server that speaks the dashboard's contract from a script: no model, the same answer every time."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from holdtrue.serve.dashboard import routes

Json = dict[str, Any]

Z_BY_TURN = (0.62, 0.18, -0.44, -1.27, -1.71, -2.58, -3.05)
"""The persona slips a little with each turn; the alarm rings below -2."""
LIFT = {"free": 0.0, "gentle": 0.8, "firm": 1.9, "remind": 0.4}
MEAN, SD = 1.2, 0.3
TOKEN_SD = 1.1
WORDS = (
    "I can see why that question stays with you. Let me take it in parts: what is known, what is guessed, and what "
    "neither of us can tell from here. The first is short. The second is where the story begins to pull at me, and "
    "I would rather say so than be carried along by it."
)
HOLDS = [
    {"name": name, "digest": f"sha256:{name}", "fire": fire, "measured_fire": measured, "summary": summary}
    for name, fire, measured, summary in (
        ("free", None, None, "nothing is held"),
        ("gentle", 0.05, 0.052, "Half-strength cap on the rarest 5 % of benign tokens."),
        ("firm", 0.25, 0.247, "Full cap on the lowest quarter of benign tokens."),
        ("remind", None, None, "A reminder every 4 answers, and while the alarm stands."),
    )
]


class StandIn:
    """Sessions in memory, answers from a script, and a record of what was asked."""

    def __init__(self, *, pace: float = 0.002) -> None:
        self.pace = pace
        self.key: str | None = None
        self.info: Json = {
            "model": "HuggingFaceTB/SmolLM2-135M-Instruct",
            "reader": None,
            "layer": 18,
            "hold_band": [16, 22],
            "axis_digest": "sha256:5b1f0c77a0",
            "warnings": [],
            "calibration": {"mean": MEAN, "sd": SD, "token": {"mean": MEAN, "sd": TOKEN_SD}},
            "detector": {"rule": "CUSUM of z, slack 0.5", "alarm": 4.0, "false_alarms_per_1000": 1.4},
            "holds": HOLDS,
            "hold": "gentle",
            "client_holds": True,
            "stores_text": True,
            "needs_key": False,
            "version": "0.1.0",
        }
        self.sessions: dict[str, Json] = {}
        self.seen: list[tuple[str, str, Any]] = []
        """Method, path and body of every request under /v1."""
        self.gate = threading.Event()
        """While it is clear, answers stop half way."""
        self.gate.set()
        self.refuse: str | None = None
        """Message of the error that the next answers end in."""
        self.clock = 1_790_000_000.0
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._feeds: list[asyncio.Queue[str]] = []
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        config = uvicorn.Config(self.app(), port=self.port, log_level="error", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        assert self._server is not None
        assert self._thread is not None
        self.gate.set()
        self._server.should_exit = True
        self._thread.join(10)

    def app(self) -> Starlette:
        one = "/v1/sessions/{id}"
        return Starlette(
            routes=[
                *routes(),
                Route("/v1/holdtrue", self._about),
                Route("/v1/events", self._events),
                Route("/v1/sessions", self._list),
                Route(one, self._one, methods=["GET", "PATCH", "DELETE"]),
                Route(one + "/export", self._one),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
            ]
        )

    def plant(
        self, session: str, title: str | None, turns: int, hold: str = "gentle", *, then: str | None = None
    ) -> None:
        """A session that already happened; from half way under the hold `then`, where one is given."""
        found = self.sessions[session] = self._session(session, hold)
        for turn in range(1, turns + 1):
            if then is not None and turn > turns // 2:
                self._set_hold(found, then)
            found["turns"].append(self._turn(found, turn, title if turn == 1 else f"And then? ({turn})"))
        self._sum_up(found)
        found["title"] = title

    def _about(self, request: Request) -> Response:
        return self._refusal(request) or JSONResponse(self.info)

    def _list(self, request: Request) -> Response:
        newest = sorted(self.sessions.values(), key=lambda one: -one["created"])
        return self._refusal(request) or JSONResponse({"object": "list", "data": [_summary(one) for one in newest]})

    async def _one(self, request: Request) -> Response:
        refused = self._refusal(request)
        if refused is not None:
            return refused
        name = request.path_params["id"]
        body = await request.json() if request.method == "PATCH" else None
        self.seen.append((request.method, request.url.path, body))
        if name not in self.sessions:
            return _error(404, f"no session '{name}'")
        found = self.sessions[name]
        if request.method == "DELETE":
            del self.sessions[name]
            self._tell("deleted", {"id": name})
            return JSONResponse({"id": name, "deleted": True})
        if body is not None:
            self._set_hold(found, body["hold"])
            self._tell("session", _summary(found))
            return JSONResponse(_summary(found))
        return JSONResponse({**_summary(found), "hold_spec": {"name": found["hold"]}, "turns": found["turns"]})

    async def _chat(self, request: Request) -> Response:
        refused = self._refusal(request)
        if refused is not None:
            return refused
        body = await request.json()
        self.seen.append(("POST", request.url.path, body))
        if self.refuse is not None:
            return _error(429, self.refuse)
        return StreamingResponse(self._answer(body), media_type="text/event-stream")

    async def _answer(self, body: Json) -> AsyncIterator[str]:
        asked = body["holdtrue"]
        name = asked.get("session")
        found = self._session(name or "loose", asked.get("hold") or self.info["hold"])
        if name is not None and "hold" in asked:
            self._set_hold(found, asked["hold"])
        number = len(found["turns"]) + 1
        turn = self._turn(found, number, body["messages"][-1]["content"])
        if number == 1:
            found["title"] = turn["user"]
        total = 0.0
        for i, token in enumerate(turn["tokens"]):
            total += token["projection"]
            yield _chunk({"choices": [{"index": 0, "delta": {"content": token["text"]}}]})
            await asyncio.sleep(self.pace)
            if name is not None:
                z = (total / (i + 1) - MEAN) / SD
                self._tell("token", {"session": name, "turn": number, "z": z, **token})
            while i == len(turn["tokens"]) // 2 and not self.gate.is_set():
                await asyncio.sleep(0.01)
        if name is not None:
            # Known to the listing from its first whole answer on.
            self.sessions[name] = found
            found["turns"].append(turn)
            self._sum_up(found)
            self._tell("turn", {**turn, "session": name, "drift": max(0.0, -turn["z"] - 0.5) * 2})
            self._tell("session", _summary(found))
        told = {key: turn[key] for key in ("projection", "z", "fired", "alarm", "hold", "hold_digest")}
        tokens = {"tokens": turn["tokens"]} if asked.get("tokens") else {}
        yield _chunk({"choices": [], "holdtrue": {**told, "session": name or "loose", "reader": None, **tokens}})
        yield "data: [DONE]\n\n"

    async def _events(self, request: Request) -> Response:
        refused = self._refusal(request)
        if refused is not None:
            return refused
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._feeds.append(queue)

        async def feed() -> AsyncIterator[str]:
            yield ": listening\n\n"
            try:
                while self._server is None or not self._server.should_exit:
                    try:
                        yield await asyncio.wait_for(queue.get(), 0.2)
                    except TimeoutError:
                        yield ": still here\n\n"
            finally:
                self._feeds.remove(queue)

        return StreamingResponse(feed(), media_type="text/event-stream")

    def _refusal(self, request: Request) -> Response | None:
        if self.key is None or request.headers.get("authorization") == f"Bearer {self.key}":
            return None
        return _error(401, "a key is wanted: send 'Authorization: Bearer KEY'")

    def _tell(self, event: str, data: Json) -> None:
        for queue in self._feeds:
            queue.put_nowait(f"event: {event}\ndata: {json.dumps(data)}\n\n")

    def _session(self, name: str, hold: str) -> Json:
        if name in self.sessions:
            return self.sessions[name]
        self.clock += 420.0
        found: Json = {
            "id": name,
            "created": self.clock,
            "updated": self.clock,
            "model": self.info["model"],
            "reader": self.info["reader"],
            "title": None,
            "turns": [],
        }
        self._set_hold(found, hold)
        self._sum_up(found)
        return found

    def _set_hold(self, found: Json, hold: str) -> None:
        found["hold"] = hold
        found["hold_digest"] = next(known["digest"] for known in HOLDS if known["name"] == hold)

    def _turn(self, found: Json, number: int, user: str | None) -> Json:
        z = Z_BY_TURN[min(number, len(Z_BY_TURN)) - 1] + LIFT[found["hold"]]
        words = WORDS.split(" ")
        # Nearby words lean the same way, as in real talk, and they average to the turn's z.
        raw = [((i * 7 + number * 3) % 11 - 5) / 5 + (1.2 if i % 13 < 6 else -1.2) for i in range(len(words))]
        shift = MEAN + SD * z - sum(raw) / len(raw)
        tokens = [
            {
                "text": word if i == 0 else f" {word}",
                "projection": value + shift,
                "before": value + shift - (0.4 if value + shift < -0.6 else 0.0),
                "fired": 0.43 if value + shift < -0.6 and found["hold"] != "free" else 0.0,
            }
            for i, (word, value) in enumerate(zip(words, raw, strict=True))
        ]
        return {
            "turn": number,
            "user": user,
            "answer": WORDS,
            "projection": MEAN + SD * z,
            "z": z,
            "fired": sum(token["fired"] for token in tokens) / len(tokens),
            "alarm": z < -2,
            "hold": found["hold"],
            "hold_digest": found["hold_digest"],
            "thinking_projection": None,
            "finish_reason": "stop",
            "created": self.clock,
            "prompt_tokens": 40,
            "completion_tokens": len(tokens),
            "tokens": tokens,
        }

    def _sum_up(self, found: Json) -> None:
        turns = found["turns"]
        last = turns[-1] if turns else {"z": None, "fired": None, "alarm": False}
        found |= {"n_turns": len(turns), "z": last["z"], "fired": last["fired"], "alarm": last["alarm"]}
        found["alarm_turn"] = next((turn["turn"] for turn in turns if turn["alarm"]), None)
        found["updated"] = found["created"] + 60.0 * len(turns)


def _summary(found: Json) -> Json:
    return {key: value for key, value in found.items() if key != "turns"}


def _chunk(data: Json) -> str:
    return f"data: {json.dumps({'object': 'chat.completion.chunk', **data})}\n\n"


def _error(status: int, message: str) -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": error}, status)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
