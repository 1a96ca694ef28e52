"""Where to put labels and dots so that they don't cover each other: pure geometry, in pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

__all__ = ["Label", "Placed", "place_labels", "swarm"]

# Average advance of the interface fonts at 11 px, a little generous.
CHAR_WIDTH, LINE_HEIGHT = 6.8, 13.0
# Right, left, above, below, then the corners: alignment, gaps to the right, pixels down.
_SPOTS: tuple[tuple[str, float, float], ...] = (
    ("left", 1.0, 0.0),
    ("right", -1.0, 0.0),
    ("center", 0.0, -13.0),
    ("center", 0.0, 14.0),
    ("left", 1.0, -10.0),
    ("right", -1.0, -10.0),
    ("left", 1.0, 11.0),
    ("right", -1.0, 11.0),
    ("center", 0.0, -24.0),
    ("center", 0.0, 25.0),
)


@final
@dataclass(frozen=True)
class Label:
    """A text that wants to stand near a point (pixels, y downwards)."""

    text: str
    x: float
    y: float
    gap: float = 7.0
    """Clear space between the point and the text."""


@final
@dataclass(frozen=True)
class Placed:
    """Where it goes: offsets from its point, and the alignment; not shown where there was no room."""

    shown: bool
    align: str
    dx: float
    dy: float


Box = tuple[float, float, float, float]


def place_labels(labels: Sequence[Label], dots: np.ndarray, width: float, height: float) -> list[Placed]:
    """Place labels greedily, first come first served: inside the frame, off each other, over as few dots as may be.

    Args:
        labels: most important first.
        dots: all points drawn, shape (n, 2), in pixels.
        width: of the frame.
        height: of the frame.
    """
    taken: list[Box] = []
    placed = []
    for label in labels:
        best: tuple[float, Placed, Box] | None = None
        for rank, (align, gaps, dy) in enumerate(_SPOTS):
            dx = gaps * label.gap
            box = _box(label, align, dx, dy)
            outside = box[0] < 0 or box[2] > width or box[1] < -4 or box[3] > height + 4
            if outside or any(_overlap(box, other) for other in taken):
                continue
            cost = _covered(box, dots) + 0.15 * rank
            if best is None or cost < best[0]:
                best = (cost, Placed(shown=True, align=align, dx=dx, dy=dy), box)
        if best is None:
            placed.append(Placed(shown=False, align="left", dx=0.0, dy=0.0))
            continue
        placed.append(best[1])
        # The label's own dot is taken too: no other label may hide it.
        taken += [best[2], (label.x - 4, label.y - 4, label.x + 4, label.y + 4)]
    return placed


def _box(label: Label, align: str, dx: float, dy: float) -> Box:
    length = CHAR_WIDTH * len(label.text)
    left = label.x + dx - (0.0 if align == "left" else length if align == "right" else length / 2)
    return left, label.y + dy - LINE_HEIGHT / 2, left + length, label.y + dy + LINE_HEIGHT / 2


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _covered(box: Box, dots: np.ndarray) -> float:
    """How many dots a label would sit on."""
    if len(dots) == 0:
        return 0.0
    x, y = dots[:, 0], dots[:, 1]
    hit = (x > box[0] - 3) & (x < box[2] + 3) & (y > box[1] - 3) & (y < box[3] + 3)
    return float(hit.sum())


def swarm(x: Sequence[float], radius: float, reach: float) -> list[float]:
    """Vertical offsets that keep dots on one line from covering each other: the nearest free place to the line.

    Args:
        x: positions in pixels.
        radius: of a dot.
        reach: the largest offset either way; dots that find no place share the line's edge.
    """
    step = radius * 0.9
    rungs = [0.0] + [sign * step * k for k in range(1, int(reach / step) + 1) for sign in (1, -1)]
    done: list[tuple[float, float]] = []
    offsets = [0.0] * len(x)
    for i in sorted(range(len(x)), key=lambda i: x[i]):
        near = [spot for spot in done if abs(spot[0] - x[i]) < 2 * radius]
        free = (r for r in rungs if all((x[i] - a) ** 2 + (r - b) ** 2 >= (2 * radius) ** 2 for a, b in near))
        offsets[i] = next(free, rungs[-1 - (i % 2)] if len(rungs) > 2 else 0.0)
        done.append((x[i], offsets[i]))
    return offsets
