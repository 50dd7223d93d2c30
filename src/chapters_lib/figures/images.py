"""Images in grids and labelled rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from chapters_lib.figures.style import WIDTH, on, whole


def tile(images: ArrayLike, columns: int, gap: int = 2) -> NDArray[np.float64]:
    """Lay images out in rows of `columns`, `gap` white pixels between them.

    `images`: uint8 or floats in [0, 1], shape (N, C, H, W) with C of 1 or 3, or (N, H, W).
    Returns canvas: floats in [0, 1], shape (rows·(H + gap) − gap, columns·(W + gap) − gap), with a
    last axis of 3 for colour.
    """
    array = np.asarray(images)
    array = array / 255 if array.dtype == np.uint8 else np.clip(array, 0, 1).astype(np.float64)
    if array.ndim == 3:
        array = array[:, None]
    count, channels, height, width = array.shape
    rows = -(-count // columns)
    canvas = np.full(
        (rows * (height + gap) - gap, columns * (width + gap) - gap, channels), 1.0, float
    )
    for index, image in enumerate(array):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        canvas[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    return canvas[..., 0] if channels == 1 else canvas


def image_grid(
    images: ArrayLike,
    columns: int = 10,
    *,
    title: str = "",
    width: float = WIDTH,
    ax: Axes | None = None,
) -> Figure:
    """Show images in rows of `columns`."""
    canvas = tile(images, columns)
    ax = on(ax, width, width * canvas.shape[0] / canvas.shape[1] + (0.3 if title else 0.05))
    ax.imshow(canvas, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_axis_off()
    ax.set_title(title)
    return whole(ax)


def image_rows(
    rows: Mapping[str, ArrayLike],
    titles: Sequence[str] = (),
    *,
    width: float = WIDTH,
    ax: Axes | None = None,
) -> Figure:
    """Show one labelled row of images a key: originals above their reconstructions, say.

    `rows`: images by label, as `tile` takes them; all rows hold equally many.
    `titles`: what to write above the columns.
    """
    stacks = [np.asarray(images) for images in rows.values()]
    columns, size, step = len(stacks[0]), stacks[0].shape[-1], stacks[0].shape[-2] + 2
    if any(len(stack) != columns for stack in stacks):
        raise ValueError(f"rows of different lengths: {[len(stack) for stack in stacks]}")
    canvas = np.concatenate(
        [np.pad(tile(stack, columns), _below(stack), constant_values=1.0) for stack in stacks]
    )[:-2]
    longest = max(len(line) for label in rows for line in label.split("\n"))
    margin = 0.075 * longest + 0.1  # inches that the labels take
    inches = (width - margin) * canvas.shape[0] / canvas.shape[1]
    ax = on(ax, width, inches + (0.35 if titles else 0.1))
    ax.imshow(canvas, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_yticks([step * (i + 0.5) - 1.5 for i in range(len(stacks))], list(rows))
    ax.set_xticks([(size + 2) * (i + 0.5) - 1.5 for i in range(len(titles))], list(titles))
    ax.tick_params(length=0, top=False, bottom=False, labeltop=True, labelbottom=False, pad=3)
    ax.spines[:].set_visible(False)
    return whole(ax)


def _below(stack: NDArray[Any]) -> list[tuple[int, int]]:
    """Return the padding that puts two pixels of paper below a tiled row."""
    colour = stack.ndim == 4 and stack.shape[1] == 3
    return [(0, 2), (0, 0)] + [(0, 0)] * colour
