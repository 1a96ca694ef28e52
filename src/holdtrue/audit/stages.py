"""An audit's folder: the design written first, a file for each finished stage."""

import hashlib
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
        self._made_from = [design.digest]
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

    def stage(self, name: str, work: Callable[[], AuditStage], inputs: str = "") -> AuditStage:
        """A stage's result: from its file if it was finished, else worked out now and written.

        A file is used again only if it was made from the same inputs and the same results of the stages before it.

        Args:
            name: of the stage, and its file.
            work: gives the result; its name, design and seconds are filled in here.
            inputs: what the result rests on besides the design and the earlier stages.
        """
        made_from = hashlib.sha256("\0".join([*self._made_from, inputs]).encode()).hexdigest()
        found = self._stage(name, work, made_from)
        self._made_from.append(found.model_copy(update={"made_from": "", "seconds": 0}).digest)
        return found

    def _stage(self, name: str, work: Callable[[], AuditStage], made_from: str) -> AuditStage:
        path = self._out / "stages" / f"{name}.json"
        if path.exists():
            found = AuditStage.from_json(read_capped(path, "a stage's result"), str(path))
            if found.made_from == made_from:
                return found
        began = time.monotonic()
        made = work()
        seconds = round(time.monotonic() - began, 3)
        told = {"name": name, "design": self._design.digest, "made_from": made_from, "seconds": seconds}
        made = made.model_copy(update=told)
        write_atomic(path, made.to_json() + "\n")
        return made
