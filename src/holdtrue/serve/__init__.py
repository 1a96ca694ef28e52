"""An OpenAI-compatible server that holds a persona and shows its drift."""

from importlib.util import find_spec

from holdtrue.errors import MissingExtra

__all__ = ["require"]

_NEEDS = ("alembic", "fastapi", "httpx", "prometheus_client", "sqlalchemy", "uvicorn")


def require() -> None:
    """Find out whether the server's parts are installed.

    Raises:
        MissingExtra: they aren't.
    """
    missing = [name for name in _NEEDS if find_spec(name) is None]
    if missing:
        message = f"the server needs {', '.join(missing)}; install them with: pip install 'holdtrue[serve]'"
        raise MissingExtra(message)
