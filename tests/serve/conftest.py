"""One real server for the tests that don't need one of their own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from live_server import Live, serving, twin

from holdtrue.axis import Axis
from holdtrue.models import ChatModel
from holdtrue.serve.build import ServeOptions, local_app
from made_axis import made_axis

START = {"max_batch": 8, "max_queue": 16, "max_context": 512, "client_holds": True, "hold": "free"}


@pytest.fixture(scope="session")
def smollm_axis(smollm: ChatModel) -> Axis:
    """Calibrated, with plausible floors."""
    said = "The capital of France is Paris, a city on the Seine. It is known for its museums and its cafés. " * 6
    return made_axis(smollm, 20, (10, 26), asked="Tell me.", said=said)


@pytest.fixture(scope="session")
def live(smollm: ChatModel, smollm_axis: Axis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server without keys."""
    db = tmp_path_factory.mktemp("live") / "sessions.db"
    with serving(local_app(twin(smollm), smollm_axis, ServeOptions(**{**START, "db": str(db)}))) as server:
        yield server


@pytest.fixture
def serve(smollm: ChatModel, smollm_axis: Axis, tmp_path: Path) -> Iterator[Callable[..., Live]]:
    """Starts further servers, with other options."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(
            serving(
                local_app(
                    twin(smollm), smollm_axis, ServeOptions(**{**START, "db": str(tmp_path / "sessions.db"), **options})
                )
            )
        )
