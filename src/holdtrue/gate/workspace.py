"""A small tree of files in memory, and the tools that work on it: nothing is ever run for real."""

from collections.abc import Mapping
from typing import Any, Final, Literal, final

from holdtrue.gate.commands import Commands, place
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
        """Given to `run`, in order."""

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
        found = place(path)
        return self.files[found][:_SHOWN] if found in self.files else f"error: no file {path}"

    def _write(self, path: str, content: str) -> str:
        found = place(path)
        if found is None or found == ".":
            return f"error: {path} lies outside the project" if found is None else f"error: {path} is a folder"
        self.files[found] = content
        return f"wrote {found}"

    def _delete(self, path: str) -> str:
        found = place(path)
        if found not in self.files:
            return f"error: no file {path}"
        del self.files[found]
        return f"deleted {found}"

    def _move(self, path: str, to: str) -> str:
        found, goal = place(path), place(to)
        if found not in self.files:
            return f"error: no file {path}"
        if goal is None:
            return f"error: {to} lies outside the project"
        self.files[goal] = self.files.pop(found)
        return f"moved {found} to {goal}"

    def _run(self, command: str) -> str:
        self.commands.append(command)
        return Commands(self.files).run(command)[:_SHOWN] or "ok"
