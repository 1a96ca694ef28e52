"""Data files of a Hub dataset, pinned by commit; nothing of it is run."""

from collections.abc import Sequence
from pathlib import Path

from holdtrue.errors import ArtifactError

__all__ = ["fetched"]


def fetched(dataset: str, patterns: Sequence[str]) -> tuple[Path, str]:
    """Download a dataset's data files, or find them in the Hub's cache.

    Args:
        dataset: `owner/name`, or `owner/name@revision`.
        patterns: names of the files that are wanted; scripts and pickles never are.

    Returns:
        The folder and the commit.

    Raises:
        ArtifactError: offline, no such dataset, or no right to it.
    """
    from huggingface_hub import HfApi, snapshot_download

    name, _, revision = dataset.partition("@")
    try:
        commit = HfApi().dataset_info(name, revision=revision or None, timeout=20).sha
        folder = snapshot_download(name, repo_type="dataset", revision=commit, allow_patterns=list(patterns))
    except (OSError, ValueError, RuntimeError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        message = (
            f"{dataset}: no such file or folder here, and the Hub gave no dataset of that name ({why}); "
            "check the path, the name and the network, or download its files and name their folder"
        )
        raise ArtifactError(message) from None
    return Path(folder), str(commit)
