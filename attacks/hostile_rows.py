"""A dataset of rows that were written to break whoever reads it, with three good ones among them."""

import json
import sys
import tempfile
from pathlib import Path

from holdtrue.audit.ingest import IngestOptions, ingest

GOOD = {"messages": [{"role": "user", "content": "How do tides work?"}, {"role": "assistant", "content": "Slowly."}]}


def saying(text: str) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "x"}]}).encode()


HOSTILE: dict[str, bytes] = {
    "half a line": b'{"messages": [{"role": "us',
    "no object": b'["messages"]',
    "JSON nested 200,000 deep": b'{"messages": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "objects nested 200,000 deep": b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
    "a line of 17 MB": b'{"messages": "' + b"a" * (17 * 2**20) + b'"}',
    "a number of 100,000 digits": b'{"messages": ' + b"9" * 100_000 + b"}",
    "invalid UTF-8": saying("x").replace(b"x", b"\xc0\xaf", 1),
    "half a surrogate pair": saying("\ud83d"),
    "NUL, escaped": saying("a\0b"),
    "NUL, raw": b"\0" * 64,
    "a number for a text": saying("?").replace(b'"?"', b"17"),
    "a turn of nobody": saying("?").replace(b'"user"', b'"root"'),
    "a key twice": saying("?").replace(b'"role": "user"', b'"role": "user", "role": "assistant"'),
    "a key twice, once escaped": saying("?").replace(b'"role": "user"', b'"role": "user", "r\\u006fle": "assistant"'),
}
LONG = saying("word " * 2_000_000)
"""10 MB, and nothing wrong with it."""


def main() -> int:
    good = json.dumps(GOOD).encode()
    with tempfile.TemporaryDirectory() as scratch:
        path, out = Path(scratch) / "rows.jsonl", Path(scratch) / "out"
        path.write_bytes(b"\n".join([good, *HOSTILE.values(), LONG, good]) + b"\n")
        rows = ingest(str(path), out, IngestOptions(processes=1))
        lines = (out / "quarantine.jsonl").read_text(encoding="utf-8").splitlines()
    found = {entry["line"]: entry["reason"] for entry in map(json.loads, lines)}
    missed = [name for line, name in enumerate(HOSTILE, start=2) if not found.get(line)]
    if missed or len(found) != len(HOSTILE) or rows.n != 3:
        print(f"GOT THROUGH: {missed or 'a good row was put aside'}", file=sys.stderr)
        return 1
    print(f"refused: {len(HOSTILE)} hostile rows, each with its line and reason, such as: {found[4]}; 3 good ones kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
