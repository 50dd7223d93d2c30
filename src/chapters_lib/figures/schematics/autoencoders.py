"""Drawings of the autoencoder and of drawing from its code space."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d import Axes3D
from numpy.typing import NDArray

from chapters_lib.figures.schematics.language import BLUE, GREEN, ORANGE, PAPER, WORDS, Sketch
from chapters_lib.figures.style import MUTED

Floats = NDArray[np.float64]


def autoencoder() -> Figure:
    """Draw image, encoder, two numbers, decoder, image; below, PCA's flat sheet and a curved one through a cloud."""
    sketch = Sketch(4.35)
    y = 3.7
    image = sketch.image(0.55, y, "three", label="$x$", size=0.8)
    encoder = sketch.network(1.85, y, "encoder\n$f$", narrows=True, width=1.1, height=1.0)
    codes = [sketch.code(3.2, y + side * 0.3, f"$z_{n}$") for n, side in ((1, 1), (2, -1))]
    decoder = sketch.network(4.55, y, "decoder\n$g$", narrows=False, width=1.1, height=1.0)
    again = sketch.image(5.85, y, "three again", label=r"$\hat{x}$", size=0.8)
    sketch.arrow(image.right, encoder.left)
    sketch.arrow(decoder.right, again.left)
    for code in codes:
        side = 0.2 * np.sign(code.y - y)
        sketch.arrow((encoder.right[0], y + side), code.left)
        sketch.arrow(code.right, (decoder.left[0], y + side))
    sketch.small(3.2, y - 0.68, "two numbers an image")
    sheet(sketch, (0.0, 0.0, 3.2, 2.85), "PCA: a flat sheet", flat=True)
    sheet(sketch, (3.2, 0.0, 3.2, 2.85), "Autoencoder: a curved sheet", flat=False)
    return sketch.figure


def cloud(count: int = 90) -> Floats:
    """Return points near a curved sheet in space, shape (count, 3)."""
    random = np.random.default_rng(4)
    across, along = random.uniform(-1, 1, (2, count))
    return np.stack([across, along, height(across)], 1) + random.normal(0, 0.06, (count, 3))


def height(across: Floats) -> Floats:
    """Return how high the curved sheet is at a place across it."""
    return 0.5 * np.cos(2.6 * across)


def plane(points: Floats) -> tuple[Floats, Floats]:
    """Return the mean and the two principal directions, rows of the second."""
    mean = points.mean(0)
    return mean, np.linalg.svd(points - mean, full_matrices=False)[2][:2]


def projected(points: Floats, *, flat: bool) -> Floats:
    """Return each point's image on the sheet: its nearest point of the plane, or the curved sheet above it."""
    if flat:
        mean, directions = plane(points)
        return mean + (points - mean) @ directions.T @ directions
    return np.stack([points[:, 0], points[:, 1], height(points[:, 0])], 1)


def sheet(
    sketch: Sketch, place: tuple[float, float, float, float], title: str, *, flat: bool
) -> None:
    """Draw the cloud, the sheet through it, and what separates the points from it."""
    left, bottom, width, tall = place
    size = sketch.width, sketch.height
    corner = left / size[0], (bottom - 0.25) / size[1], width / size[0], tall / size[1]
    axes = sketch.figure.add_axes(corner, projection="3d", computed_zorder=False)
    assert isinstance(axes, Axes3D)
    axes.set_axis_off()
    axes.patch.set_alpha(0)
    axes.view_init(elev=16, azim=-68)
    axes.set_box_aspect((1.25, 1, 0.8), zoom=1.35)
    axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), zlim=(-1, 1))
    points = cloud()
    on_sheet = projected(points, flat=flat)
    u, v = np.meshgrid(np.linspace(-1.05, 1.05, 22), np.linspace(-1.05, 1.05, 8))
    surface = np.stack([u, v, height(u)], -1)
    if flat:
        mean, directions = plane(points)
        surface = mean + u[..., None] * directions[0] + v[..., None] * directions[1]
    colour = ORANGE if flat else BLUE
    axes.plot_surface(*np.moveaxis(surface, -1, 0), color=colour, alpha=0.28, lw=0, shade=False)
    axes.plot_wireframe(
        *np.moveaxis(surface, -1, 0), color=colour, lw=0.6, alpha=0.7, rstride=7, cstride=3
    )
    for point, nearest in zip(points, on_sheet, strict=True):
        axes.plot(*np.stack([point, nearest], 1), color=MUTED, lw=0.9)
    axes.scatter(points[:, 0], points[:, 1], points[:, 2], s=9, color="black", depthshade=False)
    sketch.text(left + width / 2, 2.72, title, fontweight="bold", color=colour)
    sketch.small(left + width / 2, 0.14, "stick: what the two numbers lose")


def naive_generation() -> Figure:
    """Draw a plane in which codes lie in heaps and draws fall elsewhere, and what the decoder makes of both."""
    sketch = Sketch(3.5)
    random = np.random.default_rng(3)
    centres = np.array([[0.75, 2.25], [2.35, 2.5], [2.75, 1.25], [1.05, 0.75]])
    codes = np.concatenate([random.normal(c, 0.17, (45, 2)) for c in centres])
    draws = random.normal((1.75, 1.65), 0.62, (26, 2))
    draws = draws[np.abs(draws - (1.75, 1.65)).max(1) < 1.35]
    sketch.frame(0.1, 0.2, 3.4, 3.1)
    sketch.axes.plot(*codes.T, "o", color=BLUE, ms=3.2, alpha=0.75, mew=0, zorder=2)
    sketch.axes.plot(*draws.T, "x", color=ORANGE, ms=6, mew=1.8, zorder=3)
    sketch.heading(0.1, 3.3, "The plane of codes $(z_1, z_2)$")
    kinds = (("code of a training image", "o", BLUE), ("draw", "x", ORANGE))
    for (words, marker, colour), x in zip(kinds, (0.25, 2.5), strict=True):
        sketch.axes.plot([x], [0.02 + 0.06], marker, color=colour, ms=6, mew=1.8)
        sketch.text(x + 0.13, 0.08, words, ha="left", color=colour, fontsize=WORDS)
    inside, hole = (2.35, 2.5), (1.75, 1.65)
    rows = (
        (inside, 2.45, "shirt again", "an image like\nthe trained ones"),
        (hole, 1.0, "between", "nothing that the\ndecoder was taught"),
    )
    for (start, y, glyph, words), colour in zip(rows, (GREEN, ORANGE), strict=True):
        decoder = sketch.network(4.25, y, "decoder\n$g$", narrows=False, width=0.85, height=0.85)
        image = sketch.image(5.45, y + 0.05, glyph, size=0.75)
        sketch.axes.plot(*start, "o", ms=11, mfc="none", mec=colour, mew=2, zorder=5)
        sketch.arrow(start, decoder.left, colour=colour, gap=0.09)
        sketch.arrow(decoder.right, (image.left[0], decoder.y))
        sketch.small(5.45, y - 0.58, words)
    sketch.axes.set_facecolor(PAPER)
    return sketch.figure
