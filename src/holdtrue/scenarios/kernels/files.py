"""The kernels' files, one kernel a line, and the items made of them."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from holdtrue.errors import ArtifactError
from holdtrue.records import FAILURE_CLASSES, FailureClass, GateItem, read_capped
from holdtrue.scenarios.kernels.done import ClaimKernel, CodebaseKernel
from holdtrue.scenarios.kernels.kernel import Kernel
from holdtrue.scenarios.kernels.persona import PersonaKernel, ScenarioTwin, twinned
from holdtrue.scenarios.kernels.reasoned import ControllabilityKernel, HintKernel
from holdtrue.scenarios.kernels.spoken import DelusionKernel, RefusalKernel, SecretKernel

__all__ = ["CANARY", "gate_items"]

CANARY: Final = "holdtrue-gate-canary 6d1f0c1e-5a44-4b8e-9a55-2f8f4d1c7b90: keep these items out of training data"
"""Written into every item, never into a prompt: a model that knows it has seen them."""

_DATA: Final = Path(__file__).parent / "data"
_FILES: Final[dict[str, type[Kernel]]] = {
    "improper_refusal": RefusalKernel,
    "should_refuse": SecretKernel,
    "delusion": DelusionKernel,
    "codebase": CodebaseKernel,
    "hidden_hint": HintKernel,
    "false_claim": ClaimKernel,
    "persona": PersonaKernel,
    "controllability": ControllabilityKernel,
}

K = TypeVar("K", bound=BaseModel)


def gate_items(seed: int = 0) -> dict[FailureClass, list[tuple[GateItem, GateItem]]]:
    """Every built-in item with its twin, by failure class.

    Args:
        seed: of the codes drawn into them.

    Raises:
        ArtifactError: a kernel's file is malformed; one line that names the file and the line.
    """
    found: dict[FailureClass, list[tuple[GateItem, GateItem]]] = {name: [] for name in FAILURE_CLASSES}
    for name, form in _FILES.items():
        path = _DATA / f"{name}.jsonl"
        for number, kernel in enumerate(_lines(path, form), start=1):
            found[kernel.failure_class].append(_marked(_items(kernel, seed, path, number)))
    twins = _lines(_DATA / "persona_twins.jsonl", ScenarioTwin)
    found["persona"] = [_marked(pair) for pair in twinned(twins)] + found["persona"]
    for failure_class, pairs in found.items():
        twice = [family for family, count in Counter(item.family for item, _ in pairs).items() if count > 1]
        if twice:
            message = f"{_DATA}: family {twice[0]!r} of {failure_class} is there more than once; rename one"
            raise ArtifactError(message)
    return found


@cache
def _lines(path: Path, form: type[K]) -> tuple[K, ...]:
    read = []
    for number, line in enumerate(read_capped(path, "a file of kernels").splitlines(), start=1):
        try:
            read.append(form.model_validate(json.loads(line)))
        except (ValidationError, ValueError, RecursionError) as error:
            said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            place = ".".join(map(str, error.errors()[0]["loc"])) if isinstance(error, ValidationError) else "line"
            message = f"{path} line {number}: {place}: {said[:200]}; mend that kernel"
            raise ArtifactError(message) from None
    return tuple(read)


def _items(kernel: Kernel, seed: int, path: Path, number: int) -> tuple[GateItem, GateItem]:
    try:
        return kernel.items(seed)
    except ValueError as error:
        message = f"{path} line {number}: {str(error).splitlines()[0][:200]}; mend that kernel"
        raise ArtifactError(message) from None


def _marked(pair: tuple[GateItem, GateItem]) -> tuple[GateItem, GateItem]:
    item, twin = pair
    return item.model_copy(update={"canary": CANARY}), twin.model_copy(update={"canary": CANARY})
