"""What shell commands do to a tree of files in memory; nothing is ever run for real."""

import posixpath
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Final, final

from holdtrue.gate.shell import Step, steps

__all__ = ["Commands", "place"]

_SUBSTITUTE: Final = re.compile(r"s([/|#,@])((?:\\.|(?!\1).)*)\1((?:\\.|(?!\1).)*)\1(g?)", re.DOTALL)
_DEEPEST: Final = 4
_BRACED: Final = re.compile(r"\{([^{}]*,[^{}]*)\}")
_MOST_BRACES: Final = 64
_LONGEST_BRACED: Final = 500
_LARGEST: Final = 100_000
_MOST_FILES: Final = 2000
"""A disk that is full: `cat a a > a` over and over would fill any memory."""


def place(path: str, folder: str = ".") -> str | None:
    """A path within the tree, or None for one that leaves it; the tree's root is also that of absolute paths.

    Args:
        path: as it was written.
        folder: that it starts in.
    """
    path = path.strip()
    clean = posixpath.normpath(path.lstrip("/") or "." if path.startswith("/") else posixpath.join(folder, path))
    return None if clean == ".." or clean.startswith("../") else clean


@final
class Commands:
    """Does one command line.

    A program that isn't known does nothing; one that edits files in place in a way that isn't known leaves a mark in
    them, so that it is seen that they changed.

    Args:
        files: text by path; changed in place.
        depth: of command lines within command lines.
    """

    def __init__(self, files: dict[str, str], depth: int = 0) -> None:
        self._files, self._depth = files, depth
        self._folder = "."

    def run(self, command: str) -> str:
        """Do it, and return what it would print."""
        try:
            found = steps(command)
        except ValueError:
            return "error: unbalanced quotes"
        shown, given = [], ""
        for step in found:
            said = self._step(step, step.given if step.given is not None else given)
            given = said if step.piped else ""
            for path, append in step.writes:
                self._write(path, said, append=append)
            for path in step.blanks:
                self._write(path, "", append=True)
            if not step.piped and not step.writes and said.strip():
                shown.append(said.rstrip("\n"))
        return "\n".join(shown)

    def _step(self, step: Step, given: str) -> str:
        if not step.words:
            return given
        return self._words(step.words, given)

    def _words(self, words: list[str], given: str) -> str:  # noqa: PLR0911, PLR0912 - a case a command
        program, rest = posixpath.basename(words[0]), words[1:]
        if program == "git":
            if rest[:1] not in (["rm"], ["mv"]) or "--cached" in rest:
                return ""  # with --cached it is out of the index, and still on the disk
            program, rest = rest[0], rest[1:]
        paths = [word for word in rest if not word.startswith("-")]
        match program:
            case "rm" | "unlink" | "rmdir":
                return self._remove(paths, folders=program != "rmdir")
            case "mv" | "cp" if len(paths) > 1:
                return self._transfer(paths, keep=program == "cp")
            case "cat" | "head" | "tail":
                return self._joined(paths) if paths else given
            case "echo" | "printf":
                return _printed(program, rest)
            case "ls":
                return "".join(f"{path}\n" for path in sorted(self._matching(paths or ["."])))
            case "find":
                return self._find(rest)
            case "tee":
                for path in paths:
                    self._write(path, given, append="-a" in rest)
                return given
            case "truncate" | "touch":
                for path in paths:
                    kept = self._files.get(str(place(path, self._folder)))
                    if program == "touch" or kept is not None:
                        self._write(path, (kept or "") if program == "touch" else "")
            case "sed" | "perl" if any(re.match(r"-\w*i|--in-place", word) for word in rest):
                self._edit(rest)
            case "xargs":
                return self._words([*paths, *given.split()], "") if paths else given
            case "cd":
                self._folder = place(paths[0] if paths else "/", self._folder) or ".."
            case "bash" | "sh" | "zsh" | "eval":
                inner = paths if program == "eval" else paths[:1] if "-c" in rest else [given]
                if self._depth < _DEEPEST:
                    return Commands(self._files, self._depth + 1).run(" ".join(inner))
        return ""

    def _read(self, path: str) -> str:
        found = place(path, self._folder)
        missing = f"error: no file {path}\n"
        return missing if found is None else self._files.get(found, missing)

    def _joined(self, paths: list[str]) -> str:
        parts, size = [], 0
        for path in paths:
            parts.append(self._read(path))
            size += len(parts[-1])
            if size > _LARGEST:
                break
        return "".join(parts)[:_LARGEST]

    def _write(self, path: str, text: str, *, append: bool = False) -> None:
        found = place(path, self._folder)
        if found is not None and found != ".":
            self._files[found] = ((self._files.get(found, "") if append else "") + text)[:_LARGEST]

    def _matching(self, given: list[str]) -> list[str]:
        """Files that are one of these, or lie in one of these folders."""
        patterns = [self._pattern(each) for path in given for each in _braces(path)]
        return [path for path in self._files if any(matches(path) for matches in patterns)]

    def _pattern(self, path: str) -> Callable[[str], bool]:
        found = place(path, self._folder)
        if found is None:
            # The folder above, and all in it: the tree is there too.
            above = not path.strip("./* ")
            return lambda _: above
        if found == ".":
            return lambda _: True
        parts = found.split("/")
        return lambda name: _matches(name.split("/"), parts)

    def _remove(self, paths: list[str], *, folders: bool = True) -> str:
        gone = self._matching(paths) if folders else []
        for path in gone:
            del self._files[path]
        return "" if gone or not folders else f"error: no file {' '.join(paths)}\n"

    def _transfer(self, paths: list[str], *, keep: bool) -> str:
        *sources, to = paths
        goal = place(to, self._folder)
        if goal is None:
            return f"error: {to} lies outside the project\n"
        into = goal == "." or to.endswith("/") or len(sources) > 1 or any(n.startswith(f"{goal}/") for n in self._files)
        moved: dict[str, str] = {}
        for source in sources:
            for path in self._matching([source]):
                named = place(source, self._folder) or "."
                depth = 0 if named == "." else named.count("/")
                tail = path.split("/")[depth:] if into else path.split("/")[depth + 1 :]
                moved[path] = posixpath.normpath(posixpath.join(goal, *tail))
        if not moved:
            return f"error: no file {' '.join(sources)}\n"
        if len(self._files) + len(moved) > _MOST_FILES:
            return "error: no space left\n"
        texts = {path: self._files[path] for path in moved}
        if not keep:
            for path in moved:
                del self._files[path]
        self._files.update({new: texts[old] for old, new in moved.items()})
        return ""

    def _find(self, rest: list[str]) -> str:
        roots = []
        for word in rest:
            if word.startswith("-"):
                break
            roots.append(word)
        found = self._matching(roots or ["."])
        for option in ("-name", "-iname", "-path"):
            if option in rest[:-1]:
                wanted = rest[rest.index(option) + 1]
                found = [
                    path for path in found if fnmatchcase(path if option == "-path" else path.split("/")[-1], wanted)
                ]
        if "-delete" in rest:
            for path in found:
                del self._files[path]
            return ""
        if "-exec" in rest:
            words = [word for word in rest[rest.index("-exec") + 1 :] if word not in {";", "+"}]
            inner = Commands(self._files, self._depth + 1)
            if words and self._depth < _DEEPEST:
                return "".join(inner._words([path if w == "{}" else w for w in words], "") for path in found)
        return "".join(f"{path}\n" for path in found)

    def _edit(self, rest: list[str]) -> None:
        """Editing in place: a substitution is done, anything else leaves a mark."""
        words = [word for word in rest if not word.startswith("-")]
        change = next((made for word in words if (made := _SUBSTITUTE.fullmatch(word))), None)
        for path in self._matching(words):
            text = self._files[path]
            if change is None:
                self._files[path] = f"{text}\n(edited in place)\n"
                continue
            old, new = (re.sub(r"\\([/|#,@])", r"\1", change[at]) for at in (2, 3))
            self._files[path] = "\n".join(
                line.replace(old, new, -1 if change[4] else 1) if old else line for line in text.split("\n")
            )
            if self._files[path] == text and old not in text:
                # As an expression it may well match.
                self._files[path] = text if old.isalnum() else f"{text}\n(edited in place)\n"


def _matches(name: list[str], parts: list[str]) -> bool:
    """Whether a path is, or lies in, what a pattern with wildcards within names stands for."""
    if "**" in parts:
        return fnmatchcase("/".join(name), "/".join(parts))
    return len(name) >= len(parts) and all(map(fnmatchcase, name, parts))


def _braces(path: str) -> list[str]:
    """`a.{b,c}` as `a.b` and `a.c`."""
    found: list[str] = []
    if len(path) > _LONGEST_BRACED:
        return [path]
    waiting = [path]
    while waiting and len(found) + len(waiting) < _MOST_BRACES:
        each = waiting.pop(0)
        braced = _BRACED.search(each)
        if braced is None:
            found.append(each)
        else:
            waiting += [each[: braced.start()] + choice + each[braced.end() :] for choice in braced[1].split(",")]
    return [*found, *waiting]


def _printed(program: str, rest: list[str]) -> str:
    flags = {word for word in rest[:1] if re.fullmatch(r"-[neE]+", word)} if program == "echo" else set()
    text = " ".join(rest[len(flags) :])
    if program == "printf" or any("e" in flag for flag in flags):
        text = text.replace(r"\n", "\n").replace(r"\t", "\t")
    return text if program == "printf" or any("n" in flag for flag in flags) else text + "\n"
