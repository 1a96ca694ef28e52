"""Commands whose first word may be left out."""

from typing import Any

from typer.core import TyperGroup

__all__ = ["RunByDefault"]


class RunByDefault(TyperGroup):
    """`stress MODEL` is `stress run MODEL`; the other commands of a group stand beside it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # typer keeps its context's class to itself
        """Put `run` before words that begin with no command."""
        if args and args[0] not in (*self.commands, "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)
