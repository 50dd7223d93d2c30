"""Networks as rows of boxes, drawn from the shapes that their layers return."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from chapters_lib.figures.style import INK, MUTED, SERIES_COLOURS, WIDTH, on, whole


def network(
    shapes: Sequence[tuple[int, ...]],
    between: Sequence[str],
    *,
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw a row of boxes: as tall as a feature map, wider the more channels it has.

    `shapes`: (C, H, W) of feature maps, (F,) of vectors, from the input to the output; read them
    off the modules.
    `between`: what to write above the arrow from each to the next, one fewer than `shapes`.
    """
    if len(between) != len(shapes) - 1:
        raise ValueError(f"{len(between)} arrows between {len(shapes)} shapes")
    ax = on(ax, WIDTH, 1.75)
    sides = [shape[-1] if len(shape) == 3 else 4 for shape in shapes]
    tallest = max(sides)
    for place, (shape, side) in enumerate(zip(shapes, sides, strict=True)):
        width, height = 0.05 + 0.045 * math.log2(1 + shape[0]), side / tallest
        plane = len(shape) == 3
        ax.add_patch(
            Rectangle(
                (place - width / 2, -height / 2),
                width,
                height,
                facecolor=SERIES_COLOURS[0] if plane else SERIES_COLOURS[1],
                alpha=0.8,
                edgecolor=INK,
                linewidth=0.8,
            )
        )
        name = f"{shape[1]}×{shape[2]}×{shape[0]}" if plane else f"{shape[0]:,}"
        ax.annotate(name, (place, -0.6), ha="center", va="top", fontsize=9)
        if place < len(between):
            ax.annotate(
                "",
                (place + 0.7, 0),
                (place + 0.3, 0),
                arrowprops={"arrowstyle": "->", "color": MUTED, "linewidth": 0.9},
            )
            ax.annotate(
                between[place],
                (place + 0.5, 0.56),
                ha="center",
                va="bottom",
                fontsize=8.5,
                color=MUTED,
            )
    ax.set(xlim=(-0.5, len(shapes) - 0.5), ylim=(-0.85, 0.95), title=title)
    ax.set_axis_off()
    return whole(ax)
