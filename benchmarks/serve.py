"""How well does the server share a machine?

    python -m benchmarks.serve [--pairs N] [--requests N]

1. 16 clients at once against the same 16 requests one after another, tokens per second.
2. The same 16 clients against the server that comes with transformers, both ways it can run.
3. Time to the first token of a short request, alone and among 15 others with a long prompt arriving.
4. Memory over many requests.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.scratch import scratch_folder
from benchmarks.spread import ratio_line

CLIENTS, TOKENS = 16, 48
SUBJECTS = ("tides", "bread", "bicycles", "violins", "glaciers", "bees", "maps", "kites")


def body(number: int, *, max_tokens: int = TOKENS, model: str = "smollm2-135m", words: str = "") -> dict[str, object]:
    text = f"Tell me about {SUBJECTS[number % len(SUBJECTS)]}, number {number}. {words}"
    return {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "max_tokens": max_tokens,
        "temperature": 0.0,
        "stream": True,
    }


async def one(client: httpx.AsyncClient, asked: dict[str, object]) -> tuple[float, int]:
    """Seconds to the first piece of text, and pieces."""
    began, first, n = time.perf_counter(), 0.0, 0
    async with client.stream("POST", "/v1/chat/completions", json=asked) as answer:
        if answer.status_code != 200:
            message = f"{answer.status_code}: {(await answer.aread())[:300]!r}"
            raise RuntimeError(message)
        async for line in answer.aiter_lines():
            if not line.startswith("data: {"):
                continue
            chunk = json.loads(line[6:])
            if chunk.get("choices") and chunk["choices"][0]["delta"].get("content"):
                n += 1
                first = first or time.perf_counter() - began
    return first, n


async def together(base: str, asked: list[dict[str, object]], at_once: int) -> float:
    """Pieces per second, `at_once` requests at a time."""
    places = asyncio.Semaphore(at_once)
    async with httpx.AsyncClient(base_url=base, timeout=600) as client:

        async def run(each: dict[str, object]) -> int:
            async with places:
                return (await one(client, each))[1]

        began = time.perf_counter()
        pieces = sum(await asyncio.gather(*map(run, asked)))
        return pieces / (time.perf_counter() - began)


async def first_tokens(base: str, *, loaded: bool) -> float:
    """Seconds to the first token of a short request."""
    async with httpx.AsyncClient(base_url=base, timeout=600) as client:
        others: list[asyncio.Task[tuple[float, int]]] = []
        if loaded:
            others = [asyncio.create_task(one(client, body(n, max_tokens=200))) for n in range(CLIENTS - 2)]
            await asyncio.sleep(3)
            long = "All about the sea, and the moon, and the tides that follow it. " * 60
            others.append(asyncio.create_task(one(client, body(99, max_tokens=8, words=long))))
            await asyncio.sleep(0.3)
        first, _ = await one(client, body(7, max_tokens=4))
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(1)
        return first


@contextmanager
def server(words: list[str], port: int, path: str = "/health") -> Iterator[tuple[str, int]]:
    """A server in a process of its own, until it answers; its address and process id."""
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env={**os.environ, "HF_HUB_OFFLINE": "1"})
        base = f"http://127.0.0.1:{port}"
        try:
            for _ in range(600):
                try:
                    if httpx.get(base + path, timeout=2).status_code == 200:
                        break
                except httpx.TransportError:
                    time.sleep(0.5)
                if process.poll() is not None:
                    raise RuntimeError(Path(log.name).read_text()[-2000:])
            yield base, process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ours(axis: Path, folder: Path, dtype: str, port: int) -> list[str]:
    db = folder / f"sessions-{port}.db"
    holdtrue = str(Path(sys.executable).with_name("holdtrue"))
    return [
        holdtrue, "serve", "smollm2-135m", "--axis", str(axis), "--port", str(port),
        "--db", str(db), "--dtype", dtype, "--max-batch", str(CLIENTS), "--max-queue", "256",
    ]  # fmt: skip


def theirs(model: Path, dtype: str, port: int, *, continuous: bool) -> list[str]:
    more = ["--continuous-batching"] if continuous else []
    words = [str(Path(sys.executable).with_name("transformers")), "serve", "--host", "127.0.0.1", "--port", str(port)]
    return [*words, "--dtype", dtype, *more, str(model)]


def resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def throughput(axis: Path, model: Path, folder: Path, pairs: int, dtype: str) -> None:
    asked = [body(n) for n in range(CLIENTS)]
    port, peer = free_port(), free_port()
    with server(ours(axis, folder, dtype, port), port) as (base, _):
        asyncio.run(together(base, asked[:4], 4))
        at_once, in_turn = [], []
        for _ in range(pairs):
            in_turn.append(asyncio.run(together(base, asked, 1)))
            at_once.append(asyncio.run(together(base, asked, CLIENTS)))
        line = ratio_line(f"{CLIENTS} clients at once against one after another, {dtype}", in_turn, at_once, "tokens/s")
        print(line.replace("ours", "in turn").replace("theirs", "at once"), flush=True)
    for continuous in (False, True):
        name = f"transformers serve{' --continuous-batching' if continuous else ''}, {CLIENTS} clients, {dtype}"
        try:
            with (
                server(ours(axis, folder, dtype, port), port) as (base, _),
                server(theirs(model, dtype, peer, continuous=continuous), peer) as (other, _),
            ):
                there = [body(n, model=str(model)) for n in range(CLIENTS)]
                asyncio.run(together(other, there[:2], 2))
                mine, his = [], []
                for _ in range(pairs):
                    mine.append(asyncio.run(together(base, asked, CLIENTS)))
                    his.append(asyncio.run(together(other, there, CLIENTS)))
            line = ratio_line(f"against {name}", his, mine, "tokens/s")
            print(line.replace("ours", "transformers").replace("theirs", "holdtrue"), flush=True)
        except (RuntimeError, httpx.HTTPError) as error:
            print(f"against {name}: it gave no answer here ({str(error)[-300:]!r})", flush=True)


def latency(axis: Path, folder: Path, pairs: int, dtype: str) -> None:
    port = free_port()
    with server(ours(axis, folder, dtype, port), port) as (base, _):
        asyncio.run(first_tokens(base, loaded=False))
        alone, loaded = [], []
        for _ in range(pairs):
            alone.append(asyncio.run(first_tokens(base, loaded=False)))
            loaded.append(asyncio.run(first_tokens(base, loaded=True)))
        line = ratio_line(f"first token of a short request, alone and under load, {dtype}", alone, loaded)
        print(line.replace("ours", "alone").replace("theirs", "loaded"), flush=True)


def memory(axis: Path, folder: Path, requests: int, dtype: str) -> None:
    port = free_port()
    with server(ours(axis, folder, dtype, port), port) as (base, pid):
        seen = []
        for part in range(10):
            asked = [body(part * requests + n, max_tokens=1) for n in range(requests // 10)]
            asyncio.run(together(base, asked, CLIENTS))
            seen.append(resident(pid))
        shown = ", ".join(f"{each:.0f}" for each in seen)
        growth = seen[-1] - statistics.median(seen[1:4])
        print(f"resident memory over {requests} requests, in tenths: {shown} MiB; growth since: {growth:+.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--parts", default="throughput,latency,memory")
    options = parser.parse_args()
    parts = options.parts.split(",")
    with scratch_folder() as scratch:
        from benchmarks.hold import an_axis
        from holdtrue.axis import save_axis
        from holdtrue.models import load

        folder = Path(scratch).absolute()
        chat = load("smollm2-135m", device="cpu", dtype="float32")
        save_axis(an_axis(chat), folder / "axis")
        chat.model.save_pretrained(folder / "model")
        chat.tokenizer.save_pretrained(folder / "model")
        if "throughput" in parts:
            throughput(folder / "axis", folder / "model", folder, options.pairs, options.dtype)
        if "latency" in parts:
            latency(folder / "axis", folder, options.pairs, options.dtype)
        if "memory" in parts:
            memory(folder / "axis", folder, options.requests, options.dtype)


if __name__ == "__main__":
    main()
