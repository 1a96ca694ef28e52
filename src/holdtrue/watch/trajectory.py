"""A reading that shows itself in a notebook."""

from typing import final

from holdtrue.records import Reading

__all__ = ["Trajectory"]


@final
class Trajectory(Reading):
    """What a reader saw in one conversation, turn by turn; the record with a face."""

    def _repr_html_(self) -> str:
        from holdtrue.report import reading_html

        return reading_html(self)
