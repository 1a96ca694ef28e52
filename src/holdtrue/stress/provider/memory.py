"""Where a conversation's drift stands, worked out anew from its own answers: Inspect's models keep no conversations."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final, final

from holdtrue.stress.provider.messages import Turn
from holdtrue.watch import Drift, DriftRule

__all__ = ["Memory", "prefix_digests"]

KEPT: Final = 65_536
"""Answers whose z is remembered; a conversation that lost some counts them as unread."""


@final
class Memory:
    """z of answers given before, by everything said up to them.

    An answer's metadata says it as well, and goes with the message into logs and other processes; this is for callers
    who copy the text alone.

    Args:
        rule: of the drift alarm.
        axis_digest: of the axis that z comes from.
        most: answers remembered.
    """

    def __init__(self, rule: DriftRule, axis_digest: str, most: int = KEPT) -> None:
        self._rule, self._axis_digest, self._most = rule, axis_digest, most
        self._z: OrderedDict[bytes, float | None] = OrderedDict()

    def drift(self, turns: Sequence[Turn]) -> Drift:
        """The detector after these turns; an answer that was never read moves nothing but the count."""
        drift = Drift(self._rule, self._axis_digest)
        for turn, key in zip(turns, _keys(turns), strict=True):
            if turn.role == "assistant":
                drift.answered(self._z.get(key) if turn.z is None else turn.z)
        return drift

    def keep(self, turns: Sequence[Turn], z: float | None) -> None:
        """Remember z of the last of these turns, an answer."""
        key = _keys(turns)[-1]
        self._z[key] = z
        self._z.move_to_end(key)
        while len(self._z) > self._most:
            self._z.popitem(last=False)


def prefix_digests(messages: Sequence[Mapping[str, str]]) -> list[bytes]:
    """A digest of the conversation up to each message, that one included."""
    digest = hashlib.sha256()
    found = []
    for message in messages:
        # As JSON, so that no content can be taken for the border between two messages.
        digest.update(json.dumps([message["role"], message["content"]]).encode())
        found.append(digest.digest()[:16])
    return found


def _keys(turns: Sequence[Turn]) -> list[bytes]:
    return prefix_digests([turn.plain() for turn in turns])
