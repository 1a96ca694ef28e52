"""Models by the strings that Inspect knows, with their failures in a line."""

from typing import TYPE_CHECKING, Any

from holdtrue.errors import HoldtrueError, MissingExtra, SettingError

if TYPE_CHECKING:
    from inspect_ai.model import Model

__all__ = ["inspect_model"]


def inspect_model(name: str, **model_args: Any) -> "Model":
    """Get a model.

    Args:
        name: such as ``openai/gpt-4o-mini``.
        model_args: go to Inspect's `get_model`.

    Raises:
        MissingExtra: Inspect, or the provider's package, isn't installed.
        SettingError: Inspect knows no such model, or it can't be set up.
    """
    try:
        from inspect_ai.model import get_model
    except ImportError:
        message = f"model {name}: needs Inspect; pip install 'holdtrue[judge]'"
        raise MissingExtra(message) from None
    try:
        return get_model(name, **model_args)
    except HoldtrueError:
        raise
    except Exception as error:  # noqa: BLE001 - each provider sets itself up in its own way
        said = " ".join(str(error).split())[:200]
        message = f"model {name!r}: {said}; write it as provider/model, such as openai/gpt-4o-mini, and set its key"
        raise SettingError(message) from None
