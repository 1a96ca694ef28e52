"""An audit's folder: the design written first, a file for each finished stage."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, final

from holdtrue.errors import RunError
from holdtrue.records import read_capped, write_atomic
from holdtrue.records.audit import AuditDesign, AuditStage

__all__ = ["StageFolder"]

_DESIGN: Final = "audit.json"


@final
class StageFolder:
    """Keeps what each stage found, so that a killed audit goes on after the last finished one.

    Args:
        out: the audit's folder.
        design: what was asked for.

    Raises:
        RunError: the folder holds an audit of another design.
        StorageError: it can't be written to.
    """

    def __init__(self, out: Path, design: AuditDesign) -> None:
        self._out, self._design = out, design
        path = out / _DESIGN
        if not path.exists():
            write_atomic(path, design.to_json() + "\n")
        elif (found := AuditDesign.from_json(read_capped(path, "an audit's design"), str(path))) != design:
            differ = [name for name in AuditDesign.model_fields if getattr(found, name) != getattr(design, name)]
            message = (
                f"{out}: holds another audit ({', '.join(differ)} differ{'s' if len(differ) == 1 else ''}); "
                "go on with those settings, or choose another --out"
            )
            raise RunError(message)

    def stage(self, name: str, work: Callable[[], AuditStage]) -> AuditStage:
        """A stage's result: from its file if it was finished, else worked out now and written.

        Args:
            name: of the stage, and its file.
            work: gives the result; its name, design and seconds are filled in here.
        """
        path = self._out / "stages" / f"{name}.json"
        if path.exists():
            found = AuditStage.from_json(read_capped(path, "a stage's result"), str(path))
            if found.design == self._design.digest:
                return found
        began = time.monotonic()
        made = work().model_copy(
            update={"name": name, "design": self._design.digest, "seconds": round(time.monotonic() - began, 3)}
        )
        write_atomic(path, made.to_json() + "\n")
        return made
