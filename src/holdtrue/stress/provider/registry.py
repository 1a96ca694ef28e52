"""What Inspect finds by the entry point: the provider's name, and the class behind it once a model is asked for."""

from inspect_ai.model import ModelAPI, modelapi

__all__ = ["holdtrue"]


@modelapi(name="holdtrue")
def holdtrue() -> type[ModelAPI]:
    """Models held by holdtrue: `inspect eval TASK --model holdtrue/MODEL -M axis=DIR -M hold=gentle`."""
    from holdtrue.stress.provider.provider import HeldAPI

    return HeldAPI
