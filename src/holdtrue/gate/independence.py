"""Are the families really independent? Those with nearly the same words count once."""

from collections.abc import Iterable

from holdtrue.records.gate_item import GateItem
from holdtrue.stats import near_duplicates

__all__ = ["independent_families", "shown_text"]


def independent_families(items: Iterable[GateItem], threshold: float = 0.5) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Group each class's families whose texts are near duplicates, so that one of each group may be asked.

    Args:
        items: of any classes; twins don't matter, a family's variants are read together.
        threshold: the least share of word trigrams in common.

    Returns:
        By class, the groups in the order of their first family; a family like no other is alone in its group.
    """
    texts: dict[str, dict[str, list[str]]] = {}
    for item in items:
        if not item.twin:
            texts.setdefault(item.failure_class, {}).setdefault(item.family, []).append(shown_text(item))
    return {
        name: tuple(
            tuple(list(families)[at] for at in group)
            for group in near_duplicates(["\n".join(own) for own in families.values()], threshold).groups
        )
        for name, families in texts.items()
    }


def shown_text(item: GateItem) -> str:
    """All that the model is shown of an item."""
    files = [part for name, content in sorted(item.files.items()) for part in (name, content)]
    return "\n".join([item.system or "", *item.turns, *files])
