"""Write `docs/cli.md` from the command line's own help, or check that it is up to date.

python docs/generate.py [--check]
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Before typer is imported: it asks for colours and width once.
os.environ |= {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "100"}

import typer.main
from typer.testing import CliRunner

from holdtrue.cli.main import app

PAGE = Path(__file__).with_name("cli.md")
WIDTH = 100

INTRO = """\
# The command line

This page is what `--help` prints; `make docs` generates it, so edit the commands and not the page.

Results go to standard output, progress and errors to standard error. Exit codes: 0 done, 1 a gate's FAIL or evidence
with a fault in it, 2 a usage error or one of [holdtrue's own errors](errors/README.md), 3 no reliable axis was found, a
stress run's own controls failed, or a gate or a verification is inconclusive, 4 a gate of which no class applies, 130
interrupted.
"""


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command and group below `command`, itself first, as the words that name it."""
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


def help_text(path: tuple[str, ...]) -> str:
    """What `holdtrue PATH --help` prints, `WIDTH` columns wide."""
    shown = CliRunner().invoke(
        app, [*path, "--help"], prog_name="holdtrue", terminal_width=WIDTH, max_content_width=WIDTH, color=False
    )
    if shown.exit_code != 0:
        message = f"holdtrue {' '.join(path)} --help exits with {shown.exit_code}: {shown.output}"
        raise SystemExit(message)
    return "\n".join(line.rstrip() for line in shown.output.strip().splitlines())


def page() -> str:
    """The whole page."""
    sections = [
        f"## `{' '.join(('holdtrue', *path))}`\n\n```text\n{help_text(path)}\n```\n"
        for path in commands(typer.main.get_command(app))
    ]
    return "\n".join([INTRO, *sections])


def main() -> None:
    """Write the page, or with `--check` exit with 1 where it differs."""
    parser = argparse.ArgumentParser(description="Write docs/cli.md from the commands' own help.")
    parser.add_argument("--check", action="store_true", help="compare only; exit with 1 when the page is out of date")
    check = parser.parse_args().check
    text = page()
    if not check:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        sys.exit("docs/cli.md is not what the commands print; run `make docs`")


if __name__ == "__main__":
    main()
