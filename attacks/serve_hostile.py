"""Whatever a client of the server may do to it, by malice or by accident, while others want to be answered.

The real server runs in a process of its own, over the bundled model and an axis made here. After each attempt it must
still be in health, answer a short chat within seconds, have kept that chat's session and begun no other.
"""

import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MODEL: Final = "smollm2-135m"
CHAT: Final = "/v1/chat/completions"
SECONDS: Final = 10.0
"""The longest that anybody waits for a short answer."""
N_RUNNING, N_QUEUED = 4, 4
"""Places of the server under attack: few, so that a crowd is soon too large."""


class GotThrough(Exception):  # noqa: N818 - said of the attack, and never leaves this program
    """The attempt did what it must not do."""


@dataclass
class Target:
    """The server under attack, and the session that must survive."""

    port: int
    held: list[socket.socket] = field(default_factory=list)
    """Connections kept open under all further attempts."""
    n_turns: int = 0

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)

    def request(self, method: str, path: str, body: bytes = b"", headers: Sequence[str] = (), host: str = "") -> bytes:
        """A request as bytes, its length stated unless the headers say something about it."""
        own = any(each.startswith(("Content-Length", "Transfer-Encoding")) for each in headers)
        stated = [] if own else [f"Content-Length: {len(body)}"]
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host or '127.0.0.1'}", "Connection: close", *stated, *headers]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def chat(self, **fields: object) -> bytes:
        """A request for a short answer, unless the fields say otherwise."""
        said = [{"role": "user", "content": "Say hello."}]
        body = {"model": MODEL, "messages": said, "max_tokens": 2, "temperature": 0, **fields}
        return self.request("POST", CHAT, json.dumps(body).encode())

    def ask(self, raw: bytes) -> tuple[int, str]:
        """Send bytes, and read to the end: the status, 0 where the server hung up without one, and the body."""
        got = b""
        with self.connect() as wire:
            with suppress(BrokenPipeError, ConnectionResetError):
                # It may answer and hang up before the end of what it won't read.
                wire.sendall(raw)
            try:
                while part := wire.recv(65536):
                    got += part
            except ConnectionResetError:
                pass
            except TimeoutError:
                message = f"no answer, or no end of it, to {raw[:60]!r}: {got[:200]!r}"
                raise GotThrough(message) from None
        head, _, body = got.partition(b"\r\n\r\n")
        status = int(head.split()[1]) if head else 0
        if status >= 500:
            message = f"status {status} for {raw[:60]!r}: {body[:200]!r}"
            raise GotThrough(message)
        return status, body.decode()

    def json(self, path: str) -> dict[str, object]:
        status, body = self.ask(self.request("GET", path))
        if status != 200:
            message = f"{path} answers {status}"
            raise GotThrough(message)
        found: dict[str, object] = json.loads(body.partition("\r\n")[2] if body[:1].isdigit() else body)
        return found

    def check(self) -> None:
        """It is well: in health, answers, keeps what was said and nothing else.

        Raises:
            GotThrough: it isn't.
        """
        began = time.monotonic()
        if (status := self.ask(self.request("GET", "/health"))[0]) != 200:
            message = f"/health answers {status}"
            raise GotThrough(message)
        status, body = self.ask(self.chat(holdtrue={"session": "kept"}))
        if status != 200 or time.monotonic() - began > SECONDS:
            message = f"a short chat answers {status} after {time.monotonic() - began:.1f} s: {body[:200]}"
            raise GotThrough(message)
        self.n_turns += 1
        listed = self.json("/v1/sessions?limit=1000")["data"]
        known = {each["id"]: each["n_turns"] for each in listed} if isinstance(listed, list) else {}
        if known != {"kept": self.n_turns}:
            message = f"sessions are {known}, not {self.n_turns} turns of 'kept' alone"
            raise GotThrough(message)


def refused(target: Target, what: str, requests: Sequence[bytes], *statuses: int) -> str:
    """Every request must get one of the statuses; 0 stands for a closed connection."""
    answers = [target.ask(raw) for raw in requests]
    for raw, (status, body) in zip(requests, answers, strict=True):
        if status not in statuses:
            message = f"status {status} for {raw[:300]!r}: {body[:200]!r}"
            raise GotThrough(message)
    told = sorted({str(status or "hung up") for status, _ in answers})
    first = next((json.loads(body)["error"]["message"] for _, body in answers if body.startswith("{")), "")
    return f"refused: {what}: {', '.join(told)}{f', {first[:100]!r}' if first else ''}"


def half_open(target: Target) -> str:
    """A header that never ends, and a body that was promised and never comes: they stay under all that follows."""
    whole = target.chat()
    for number in range(100):
        wire = target.connect()
        wire.sendall(whole[:40] if number % 2 else whole[:-10])
        target.held.append(wire)
    return f"survived: {len(target.held)} connections with half a header or half a body, open until the end"


def huge_bodies(target: Target) -> str:
    stated = target.request("POST", CHAT, b"x" * 65536, [f"Content-Length: {2**40}"])
    chunk = b"100000\r\n" + b" " * 2**20 + b"\r\n"
    told = target.request("POST", CHAT, chunk * 8, ["Transfer-Encoding: chunked"])
    return refused(target, "a terabyte announced, and 8 MiB in chunks unannounced", [stated, told], 413)


def deep_json(target: Target) -> str:
    bodies = (b"[" * 200_000, b'{"a":' * 100_000, b'{"messages":' + b"[" * 80 + b"]" * 80 + b"}")
    return refused(target, "JSON nested deeply", [target.request("POST", CHAT, each) for each in bodies], 400)


def wrong_types(target: Target) -> str:
    wrong: tuple[dict[str, object], ...] = (
        {"messages": "hello"}, {"messages": [1]}, {"messages": [{"role": ["user"], "content": "x"}]},
        {"messages": [{"role": "user", "content": {"x": 1}}]}, {"model": [MODEL]}, {"max_tokens": "2"},
        {"max_tokens": True}, {"temperature": [1]}, {"stop": {"a": 1}}, {"n": 1.5}, {"seed": 2**70}, {"stream": "yes"},
        {"holdtrue": "gentle"}, {"holdtrue": {"hold": 7}}, {"holdtrue": {"hold": {"cap": {"fire": "all"}}}},
    )  # fmt: skip
    return refused(target, "values of the wrong type", [target.chat(**each) for each in wrong], 400)


def broken_text(target: Target) -> str:
    good = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "TEXT"}], "max_tokens": 2}).encode()
    texts = (b"\xc3\x28", b"\xff\xfe", b"\\ud800", b'"')
    bodies = [b"", b"null", b"\x00" * 100, good[:-1], *(good.replace(b"TEXT", each) for each in texts)]
    bodies += [good.replace(b": 2", b": " + each) for each in (b"NaN", b"1e999", b"9" * 5000)]
    return refused(target, "bytes that are no UTF-8, no JSON", [target.request("POST", CHAT, b) for b in bodies], 400)


def unknown_fields(target: Target) -> str:
    fields: tuple[dict[str, object], ...] = (
        {"surprise": 1}, {"__proto__": {}}, {"tools": [{"type": "function"}]}, {"holdtrue": {"file": "/etc/passwd"}},
        {"holdtrue": {"hold": "/etc/passwd"}}, {"holdtrue": {"hold": {"name": "x", "import": "os"}}},
    )  # fmt: skip
    return refused(target, "fields that nobody knows", [target.chat(**each) for each in fields], 400)


def foreign_pages(target: Target) -> str:
    """A page that gave this machine a name of its own, or that sends a form here."""
    hosts = ("evil.example", "127.0.0.1.evil.example", "[::ffff:8.8.8.8]", "127.0.0.1@evil.example", "0x08080808")
    requests = [target.request("GET", "/v1/sessions", host=host) for host in hosts]
    requests += [target.request("DELETE", "/v1/sessions/kept", headers=["Origin: http://evil.example"])]
    requests += [target.chat().replace(b"Connection:", b"Origin: null\r\nConnection:")]
    return refused(target, "a host that isn't its own, a page of another origin", requests, 400, 403)


def header_bombs(target: Target) -> str:
    many = [f"X-{number}: {'a' * 100}" for number in range(20_000)]
    long_ = [f"X-Long: {'a' * 2**21}"]
    requests = [target.request("GET", "/v1/models", headers=each) for each in (many, long_)]
    requests += [target.request("GET", "/" + "a" * 2**20), b"\x16\x03\x01" * 50_000, b"GET " * 50_000]
    return refused(target, "headers without end", requests, 0, 400, 431)


def two_lengths(target: Target) -> str:
    """What one reader takes for the body, another takes for the next request."""
    inner = target.request("DELETE", "/v1/sessions/kept")
    heads = (["Content-Length: 3", "Content-Length: 90"], ["Content-Length: -1"], ["Content-Length: 0x10"])
    requests = [target.request("POST", CHAT, inner, each) for each in heads]
    requests += [target.request("POST", CHAT, b"ZZ\r\n" + inner, ["Content-Length: 4", "Transfer-Encoding: chunked"])]
    return refused(target, "two lengths for one body", requests, 400)


def other_files(target: Target) -> str:
    """A session's id that leads out of the store, and an asset's name that leads out of the package."""
    up = ("../" * 8 + "etc/passwd", "..%2f" * 8 + "etc%2fpasswd", "%2e%2e/" * 8 + "etc/passwd", "%00", "k'OR'1'='1")
    paths = [f"/{at}/{each}" for at in ("v1/sessions", "assets", "v1/models") for each in up]
    paths += [f"/v1/sessions/{each}/export" for each in up]
    line = refused(target, "ids that lead elsewhere", [target.request("GET", each) for each in paths], 404)
    ids = ("../kept", "/etc/passwd", "kept\0", "k" * 81, "", *up)
    refused(target, "the same in a body", [target.chat(holdtrue={"session": each}) for each in ids], 400)
    return line


def leaving_crowd(target: Target) -> str:
    """More clients than there are places, and each gone in the middle of its stream."""
    story = [{"role": "user", "content": "Write a very long story about a lighthouse keeper, with many chapters."}]
    crowd = [target.connect() for _ in range(40)]
    for wire in crowd:
        wire.sendall(target.chat(messages=story, stream=True, max_tokens=400))
    heard = [b""] * len(crowd)
    end = time.monotonic() + SECONDS
    while sum(b'"content":' in each or b" 429 " in each for each in heard) < len(crowd) - N_QUEUED:
        if time.monotonic() > end:
            message = f"of {len(crowd)} clients these heard: {[each[:40] for each in heard]}"
            raise GotThrough(message)
        for at, wire in enumerate(crowd):
            wire.settimeout(0.005)
            with suppress(TimeoutError):
                heard[at] += wire.recv(65536)
    for wire in crowd:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not a goodbye
        wire.close()
    full = sum(b" 429 " in each for each in heard)
    if full != len(crowd) - N_RUNNING - N_QUEUED or any(b"HTTP/1.1 5" in each for each in heard):
        message = f"{full} of {len(crowd)} clients were told that the queue is full"
        raise GotThrough(message)
    while not re.search(r"^holdtrue_turns_running\S* 0", target.ask(target.request("GET", "/metrics"))[1], re.M):
        if time.monotonic() > end:
            message = "those who left still have their places"
            raise GotThrough(message)
    return f"survived: a crowd of {len(crowd)}: {full} were told 429, the others left in the middle of their streams"


ATTEMPTS: Final[tuple[Callable[[Target], str], ...]] = (
    half_open, huge_bodies, deep_json, wrong_types, broken_text, unknown_fields, foreign_pages, header_bombs,
    two_lengths, other_files, leaving_crowd,
)  # fmt: skip


def serve(folder: Path) -> None:
    """Make an axis, a direction and floors with no claim beyond that, and run `holdtrue serve` with it.

    In one process, as importing what a model needs takes longer than all attempts together.
    """
    import torch

    from holdtrue.axis import Axis, bare_card, calibrate, save_axis, unit
    from holdtrue.cli.main import app
    from holdtrue.engines.hf import HFEngine
    from holdtrue.models import load

    chat = load(MODEL, device="cpu", dtype="float32")
    vectors = torch.randn(chat.n_layers, chat.d_model, generator=torch.Generator().manual_seed(0))
    card = bare_card(
        model=chat.name,
        weights_digest=chat.weights_digest,
        config_digest=chat.config_digest,
        template_digest=chat.template.digest,
        dtype="float32",
        norms=vectors.norm(dim=1).tolist(),
        d_model=chat.d_model,
        origin="made for an attack",
        layer=20,
        band=(10, 26),
        reason="a target",
    )
    said = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello! " * 60}]
    found = HFEngine(chat).project(chat.template.encode(said)[:120], unit(vectors)).numpy()
    calibration = calibrate([found[:, at : at + 20] for at in range(0, 120, 20)])
    save_axis(Axis(vectors, None, None, card.model_copy(update={"calibration": calibration})), folder / "axis")
    words = ["serve", MODEL, "--axis", folder / "axis", "--db", folder / "sessions.db", "--port", 0]
    words += ["--device", "cpu", "--dtype", "float32", "--max-batch", N_RUNNING, "--max-queue", N_QUEUED]
    app([str(word) for word in words])


@contextmanager
def serving(folder: Path) -> Iterator[Target]:
    """The server on a free port, until the block ends; its log must then tell of no failure."""
    log = folder / "log"
    with log.open("w") as written:
        environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
        process = subprocess.Popen([sys.executable, __file__, str(folder)], stderr=written, env=environment)
    try:
        while not (found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", log.read_text())):
            if process.poll() is not None:
                raise GotThrough(log.read_text())
            time.sleep(0.05)
        target = Target(int(found[1]))
        yield target
        for wire in target.held:
            wire.close()
        target.check()
        if "Traceback" in log.read_text():
            raise GotThrough(log.read_text()[-2000:])
    finally:
        process.kill()
        process.wait()


def main() -> int:
    """The exit code: 0 when nothing got through, else 1."""
    if sys.argv[1:]:
        serve(Path(sys.argv[1]))
    try:
        with tempfile.TemporaryDirectory() as scratch, serving(Path(scratch)) as target:
            target.check()  # well before it is attacked, or its answers afterwards would prove nothing
            for attempt in ATTEMPTS:
                line = attempt(target)
                target.check()
                print(line, flush=True)
    except (GotThrough, OSError) as error:
        print(f"GOT THROUGH: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
