"""The real small model through Inspect, with an axis on the disk."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from inspect_ai.model import Model, get_model

from holdtrue.axis import Axis, save_axis
from holdtrue.records import HoldSpec


@pytest.fixture(scope="session")
def axis_folder(held_axis: Axis, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("axis")
    save_axis(held_axis, folder)
    return str(folder)


@pytest.fixture(scope="session")
def held_model(axis_folder: str) -> Iterator[Callable[..., Model]]:
    """Makes models of one loaded network, which stays until the last test is done."""
    made: list[Model] = []

    def make(hold: str | HoldSpec = "gentle", **named) -> Model:
        if isinstance(hold, HoldSpec):
            file = Path(axis_folder) / f"{hold.digest}.json"
            file.write_text(hold.to_json())
            hold = str(file)
        given = {"axis": axis_folder, "hold": hold, "device": "cpu", "dtype": "float32", **named}
        made.append(get_model("holdtrue/smollm2-135m", memoize=False, **given))
        return made[-1]

    make("free")
    yield make
    for model in made:
        model.api.close()
