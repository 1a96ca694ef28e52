"""Which holdtrue this is."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["installed_version"]


def installed_version() -> str:
    """The installed package's version; `unknown` where it isn't installed."""
    try:
        return version("holdtrue")
    except PackageNotFoundError:
        return "unknown"
