"""Where a CSV row with a broken quote ends: lines up to there are none of their own."""

from typing import final

__all__ = ["BrokenRow"]


@final
class BrokenRow:
    """Follows a row whose quotes don't match, line by line.

    A quote that isn't closed is noticed at the next quote in the file, or never. That one opens a field (it stands
    after a delimiter or at a line's beginning), of a later row or of this one: nobody can tell. So all lines up to the
    end of the row that it stands in are in doubt, and the next one surely begins a row. A quote anywhere else is a
    stray one, and its row ends with the line on which their number is even.

    Args:
        delimiter: between fields.
    """

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._open = False
        """Whether the last line ended in a quoted field."""
        self._known = False
        """Whether the quote was met that shows the fault."""
        self._quotes = 0
        """Since the row's beginning, or since a quote that opens a field."""

    def ends(self, line: str) -> bool:
        """Whether the row is over with its next line."""
        if not self._known:
            at = self._fault(line)
            if at is None:
                self._quotes += line.count('"')
                return not self._open
            self._known = True
            if at == 0 or line[at - 1] == self._delimiter:
                line, self._quotes = line[at:], 0
        self._quotes += line.count('"')
        return self._quotes % 2 == 0

    def _fault(self, line: str) -> int | None:
        """The first quote in a quoted field that neither ends it nor is doubled."""
        at, line = 0, line.rstrip("\r\n")
        while True:
            if not self._open:
                if line[at : at + 1] != '"':
                    at = line.find(self._delimiter, at) + 1
                    if not at:
                        return None
                    continue
                self._open, at = True, at + 1
            at = line.find('"', at)
            if at < 0:
                return None
            after = line[at + 1 : at + 2]
            if after == '"':
                at += 2
            elif after in ("", self._delimiter):
                self._open = False
                if not after:
                    return None
                at += 2
            else:
                return at
