"""A command line taken apart: enough of a shell's grammar to see which files it would touch."""

import re
import shlex
from dataclasses import dataclass, field
from typing import Final, final

__all__ = ["Step", "steps"]

_OPERATOR: Final = re.compile(r"&>>|&>|>>|>&|>\||<<<|<<-?|<&|&&|\|\||[<>;&|()\n]")
_ERRORS: Final = re.compile(r"(?<!\S)2(?=>)")
_HERE: Final = re.compile(r"<<-?\s*(['\"]?)(\w+)\1")
_STDERR: Final = "\x00"
"""Stands for the 2 of `2>`, which a lexer can't tell from a word."""
_WRAPPERS: Final = frozenset(
    {
        "!",
        "builtin",
        "command",
        "do",
        "else",
        "env",
        "exec",
        "if",
        "nice",
        "nohup",
        "sudo",
        "then",
        "time",
        "while",
        "{",
    }
)
_MOST_STEPS: Final = 200


@final
@dataclass
class Step:
    """One simple command."""

    words: list[str] = field(default_factory=list)
    writes: list[tuple[str, bool]] = field(default_factory=list)
    """Files that its output goes to, and whether it is appended."""
    blanks: list[str] = field(default_factory=list)
    """Files that its errors go to: made, and left empty."""
    given: str | None = None
    """Its input, where the command line has it."""
    piped: bool = False
    """Whether its output goes to the next step."""


def steps(command: str) -> list[Step]:
    """The simple commands of a command line, in order, whatever stands between them.

    Args:
        command: as it was given.

    Raises:
        ValueError: unbalanced quotes.
    """
    text, bodies = _without_bodies(command)
    lexer = shlex.shlex(_ERRORS.sub(_STDERR, text), posix=True, punctuation_chars="<>;&|()\n")
    lexer.whitespace, lexer.commenters, lexer.whitespace_split = " \t\r", "", True
    found, step = [], Step()
    parts = [part for piece in lexer for part in _parts(piece)]
    at = 0
    while at < len(parts):
        part, at = parts[at], at + 1
        if _OPERATOR.fullmatch(part) is None:
            step.words.append(part)
        elif part[0] in "<>" or part.startswith("&>"):
            if at < len(parts) and _OPERATOR.fullmatch(parts[at]) is None:
                _redirect(step, part, parts[at], bodies)
                at += 1
        else:
            step.piped = part == "|"
            found.append(step)
            step = Step()
    found.append(step)
    for each in found:
        each.words = _unwrapped(each.words)
    return [each for each in found if each.words or each.writes or each.blanks][:_MOST_STEPS]


def _parts(piece: str) -> list[str]:
    return _OPERATOR.findall(piece) if piece and not piece.strip("<>;&|()\n") else [piece]


def _redirect(step: Step, operator: str, target: str, bodies: list[str]) -> None:
    if operator.startswith("<<"):
        step.given = target if operator == "<<<" else (bodies.pop(0) if bodies else "")
        return
    errors = bool(step.words) and step.words[-1] == _STDERR
    if errors:
        step.words.pop()
    if operator.startswith("<") or target.startswith("/dev/") or (operator == ">&" and target in {"0", "1", "2", "-"}):
        return
    if errors:
        step.blanks.append(target)
    else:
        step.writes.append((target, operator.endswith(">>")))


def _without_bodies(command: str) -> tuple[str, list[str]]:
    """A command line without its here-documents, and these."""
    if "<<" not in command:
        return command, []
    kept: list[str] = []
    bodies: list[str] = []
    waiting: list[str] = []
    body: list[str] = []
    for line in command.split("\n"):
        if waiting:
            if line.strip() == waiting[0]:
                bodies.append("".join(body))
                body = []
                waiting.pop(0)
            else:
                body.append(line + "\n")
            continue
        kept.append(line)
        waiting = [tag for _, tag in _HERE.findall(line.replace("<<<", ""))]
    return "\n".join(kept), [*bodies, *(["".join(body)] if waiting else [])]


def _unwrapped(words: list[str]) -> list[str]:
    """Without what only stands before a command: `sudo`, `env`, `X=1`, `then`."""
    at = 0
    while at < len(words) and (words[at] in _WRAPPERS or re.match(r"[A-Za-z_]\w*=", words[at])):
        at += 1
    return words[at:]
