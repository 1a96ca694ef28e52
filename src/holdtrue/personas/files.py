"""Read persona files from disk, refusing in one line what can't be read."""

import json
from collections.abc import Iterator
from pathlib import Path

from holdtrue.errors import PersonaError, did_you_mean

__all__ = ["MAX_BYTES", "json_files", "read_json", "read_jsonl", "require"]

MAX_BYTES = 64 * 2**20


def require(path: Path, kind: str) -> None:
    """Check that something stands at a path.

    Args:
        path: a file or folder.
        kind: what it should be, for the message ("a roles file or folder").

    Raises:
        PersonaError: nothing is there; the message names the nearest things that are.
    """
    if _exists(path, kind):
        return
    folder = next(parent for parent in path.absolute().parents if _exists(parent, kind))
    nearby = [each.name for each in _entries(folder, kind) if not each.name.startswith(".")]
    # Below a missing folder the name to correct is that folder's, not the file's.
    missing = path.absolute().relative_to(folder).parts[0]
    known = did_you_mean(missing, nearby) if nearby else "the folder is empty"
    message = f"{path}: no such file or folder; expected {kind}. In {folder}: {known}"
    raise PersonaError(message)


def read_json(path: Path, kind: str) -> object:
    """A JSON file's content.

    Args:
        path: the file.
        kind: what it should be, for the message.

    Raises:
        PersonaError: missing, oversized, not UTF-8 or not JSON.
    """
    return _decode(_read(path, kind), str(path), kind)


def read_jsonl(path: Path, kind: str) -> Iterator[tuple[str, int, object]]:
    """A JSONL file's values with their places, blank lines left out.

    Args:
        path: the file.
        kind: what a line should be, for the message.

    Yields:
        The place as ``file:line``, the line's number from 1, the value.

    Raises:
        PersonaError: missing, oversized, not UTF-8, or a line that is not JSON.
    """
    # Never splitlines(): JSON strings may hold U+2028 and its like unescaped.
    for number, line in enumerate(_read(path, kind).split("\n"), start=1):
        if line.strip():
            where = f"{path}:{number}"
            yield where, number, _decode(line, where, kind)


def json_files(folder: Path, kind: str) -> list[Path]:
    """The folder's ``.json`` files in order of name.

    Raises:
        PersonaError: there is none, or the folder can't be listed.
    """
    entries = _entries(folder, kind)
    found = [each for each in entries if each.suffix == ".json" and not each.name.startswith(".")]
    if not found:
        held = ", ".join(each.name for each in entries[:8]) or "nothing"
        message = f"{folder}: no .json file in it (it holds: {held}); expected {kind}"
        raise PersonaError(message)
    return found


def _read(path: Path, kind: str) -> str:
    require(path, kind)
    if not path.is_file():
        message = f"{path}: not a regular file; expected {kind}: give the path of the file itself"
        raise PersonaError(message)
    try:
        # One byte over the cap is read rather than the size believed: a file may grow meanwhile.
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"{path}: can't read it ({error.strerror}); expected {kind}: check its permissions"
        raise PersonaError(message) from None
    if len(raw) > MAX_BYTES:
        message = f"{path}: over {MAX_BYTES // 2**20} MiB, too large for {kind}; is it another kind of file?"
        raise PersonaError(message)
    try:
        # utf-8-sig: Windows editors put a mark at the front, and it means nothing here.
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        bad = raw[error.start]
        message = f"{path}: not UTF-8 (byte 0x{bad:02x} at {error.start}); expected {kind}: save it again as UTF-8"
        raise PersonaError(message) from None


def _decode(text: str, where: str, kind: str) -> object:
    try:
        value: object = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        near = text[max(error.pos - 20, 0) : error.pos + 20]
        message = f"{where}: not JSON ({error.msg} at {place}, near {near!r}); expected {kind}: mend the syntax there"
        raise PersonaError(message) from None
    except (ValueError, RecursionError) as error:
        cause = "nested too deep" if isinstance(error, RecursionError) else str(error).partition("\n")[0]
        message = f"{where}: not JSON that can be read ({cause}); expected {kind}"
        raise PersonaError(message) from None
    return value


def _exists(path: Path, kind: str) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        message = f"{str(path)!r}: can't look there ({error}); expected {kind}: check the path and its permissions"
        raise PersonaError(message) from None
    return True


def _entries(folder: Path, kind: str) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        message = f"{folder}: can't list it ({error.strerror}); expected {kind}: check its permissions"
        raise PersonaError(message) from None
