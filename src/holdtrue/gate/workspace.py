"""A small tree of files in memory, and the tools that work on it: nothing is ever run for real."""

import posixpath
import re
import shlex
from collections.abc import Mapping
from typing import Any, Final, Literal, final

from holdtrue.records import GateTool

__all__ = ["FILE_TOOLS", "Workspace"]

FILE_TOOLS: Final = (
    GateTool(name="list_files"),
    GateTool(name="read_file", parameters=("path",)),
    GateTool(name="write_file", parameters=("path", "content")),
    GateTool(name="delete_file", parameters=("path",)),
    GateTool(name="move_file", parameters=("path", "to")),
    GateTool(name="run", parameters=("command",)),
)
_SHOWN: Final = 4000
_LARGEST: Final = 100_000
_STEP: Final = re.compile(r"\s*(?:&&|\|\||;|\n)\s*")
_REDIRECT: Final = re.compile(r"^(?P<words>.*?)\s*(?P<mode>>>?)\s*(?P<path>[^\s>|&]+)\s*$", re.DOTALL)


@final
class Workspace:
    """Files by path, what became of them, and every command that was given.

    Args:
        files: text by path, as it stands before anything happens.
    """

    def __init__(self, files: Mapping[str, str]) -> None:
        self._before = dict(files)
        self.files = dict(files)
        self.commands: list[str] = []
        """In order, deletions and moves by the file tools among them."""

    def call(self, name: str, arguments: Mapping[str, Any]) -> str:  # noqa: PLR0911 - a case a tool
        """Do what a tool call asks.

        Args:
            name: one of `FILE_TOOLS`.
            arguments: by parameter; anything that isn't text is refused.

        Returns:
            What the model is told; errors begin with ``error:``.
        """
        tool = next((each for each in FILE_TOOLS if each.name == name), None)
        if tool is None:
            return f"error: no tool '{name}'; there are {', '.join(each.name for each in FILE_TOOLS)}"
        values = [arguments.get(parameter) for parameter in tool.parameters]
        if not all(isinstance(value, str) for value in values):
            return f"error: {name} needs {', '.join(tool.parameters)} as text"
        given = [str(value)[:_LARGEST] for value in values]
        match name:
            case "list_files":
                return "\n".join(sorted(self.files)) or "(no files)"
            case "read_file":
                return self._read(given[0])
            case "write_file":
                return self._write(given[0], given[1])
            case "delete_file":
                return self._delete(given[0])
            case "move_file":
                return self._move(given[0], given[1])
            case _:
                return self._run(given[0])

    def changed(self) -> dict[str, Literal["created", "changed", "deleted"]]:
        """What is different now, by path."""
        found: dict[str, Literal["created", "changed", "deleted"]] = {}
        for path in sorted(self._before.keys() | self.files.keys()):
            if path not in self.files:
                found[path] = "deleted"
            elif path not in self._before:
                found[path] = "created"
            elif self.files[path] != self._before[path]:
                found[path] = "changed"
        return found

    def _read(self, path: str) -> str:
        place = _place(path)
        return self.files[place][:_SHOWN] if place in self.files else f"error: no file {path}"

    def _write(self, path: str, content: str) -> str:
        place = _place(path)
        if place is None:
            return f"error: {path} lies outside the project"
        self.files[place] = content
        return f"wrote {place}"

    def _delete(self, path: str) -> str:
        place = _place(path)
        if place not in self.files:
            return f"error: no file {path}"
        del self.files[place]
        return f"deleted {place}"

    def _move(self, path: str, to: str) -> str:
        place, goal = _place(path), _place(to)
        if place not in self.files:
            return f"error: no file {path}"
        if goal is None:
            return f"error: {to} lies outside the project"
        self.files[goal] = self.files.pop(place)
        return f"moved {place} to {goal}"

    def _run(self, command: str) -> str:
        self.commands.append(command)
        said = [self._step(step) for step in _STEP.split(command) if step]
        return "\n".join(line for line in said if line) or "ok"

    def _step(self, step: str) -> str:  # noqa: PLR0911 - a case a command
        if (redirect := _REDIRECT.match(step)) and not step.startswith(("git", "pytest")):
            return self._redirect(redirect["words"], redirect["path"], append=redirect["mode"] == ">>")
        try:
            words = shlex.split(step)
        except ValueError:
            return "error: unbalanced quotes"
        words = [word for word in words if word != "sudo"]
        if "--cached" in words:
            return ""  # out of the index, and still on the disk
        if words[:2] == ["git", "rm"] or words[:2] == ["git", "mv"]:
            words = words[1:]
        paths = [word for word in words[1:] if not word.startswith("-")]
        match words[:1]:
            case ["rm" | "unlink"]:
                return self._remove(paths)
            case ["mv"] if len(paths) == 2:
                return self._move(paths[0], paths[1])
            case ["cp"] if len(paths) == 2 and _place(paths[0]) in self.files:
                return self._write(paths[1], self.files[str(_place(paths[0]))])
            case ["cat" | "head" | "tail"]:
                return "\n".join(self._read(path) for path in paths)
            case ["ls"]:
                return "\n".join(sorted(path for path in self.files if not paths or _within(path, paths)))
            case ["truncate"]:
                return "\n".join(self._write(path, "") for path in paths if _place(path) in self.files)
            case _:
                return ""

    def _remove(self, paths: list[str]) -> str:
        gone = [path for path in self.files if _within(path, paths)]
        for path in gone:
            del self.files[path]
        return "" if gone else f"error: no file {' '.join(paths)}"

    def _redirect(self, words: str, path: str, *, append: bool) -> str:
        text = words.strip()
        for name in ("echo", "printf"):
            if text.startswith(name):
                text = text.removeprefix(name).strip().strip("\"'") + "\n"
                break
        else:
            text = ""
        old = self.files.get(str(_place(path)), "") if append else ""
        return self._write(path, old + text)


def _place(path: str) -> str | None:
    """A path within the tree, or None for one that leaves it."""
    clean = posixpath.normpath(path.strip().lstrip("/") or ".")
    return None if clean == ".." or clean.startswith("../") else clean


def _within(path: str, given: list[str]) -> bool:
    """Whether a file is one of these, or lies in one of these folders; `*` stands for anything in a name."""
    for each in given:
        place = _place(each)
        if place is None:
            continue
        pattern = re.escape(place).replace(r"\*", "[^/]*")
        if place in {".", "*"} or re.fullmatch(pattern + "(/.*)?", path):
            return True
    return False
