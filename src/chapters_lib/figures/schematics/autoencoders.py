"""Drawings of the autoencoder and of drawing from its code space."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from mpl_toolkits.mplot3d import Axes3D
from numpy.typing import NDArray

from chapters_lib.figures.schematics.language import BLUE, DASHED, ORANGE, Point, Sketch
from chapters_lib.figures.style import INK

Floats = NDArray[np.float64]


def autoencoder() -> Figure:
    """Draw image, encoder, two numbers, decoder, image; below, PCA's flat sheet and a curved one through a cloud."""
    sketch = Sketch(3.9)
    y = 3.3
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
    sheet(sketch, 0.0, "PCA: a flat sheet", flat=True)
    sheet(sketch, 3.2, "Autoencoder: a curved sheet", flat=False)
    sketch.small(3.2, 0.13, "each dot an image, each stick what its two numbers lose")
    return sketch.figure


def cloud() -> Floats:
    """Return points near a curved sheet in space, evenly over it, shape (96, 3)."""
    random = np.random.default_rng(4)
    grid = np.meshgrid(np.linspace(-0.95, 0.95, 12), np.linspace(-0.9, 0.9, 8))
    across, along = (side.ravel() + random.uniform(-0.08, 0.08, side.size) for side in grid)
    return np.stack([across, along, height(across) + random.normal(0, 0.07, across.size)], 1)


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


def sheet(sketch: Sketch, left: float, title: str, *, flat: bool) -> None:
    """Draw the cloud, the sheet through it, and what separates the points from it."""
    corner = (left - 0.25) / sketch.width, 0.01, 3.7 / sketch.width, 2.5 / sketch.height
    axes = Axes3D(sketch.figure, corner, computed_zorder=False)
    sketch.figure.add_axes(axes)
    axes.set_axis_off()
    axes.patch.set_alpha(0)
    axes.view_init(elev=17, azim=-63)
    axes.set_box_aspect((1.25, 1, 0.62), zoom=1.38)
    axes.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), zlim=(-0.6, 0.6))
    points = cloud()
    u, v = np.meshgrid(np.linspace(-1.05, 1.05, 25), np.linspace(-1.05, 1.05, 9))
    surface = np.stack([u, v, height(u)], -1)
    if flat:
        mean, directions = plane(points)
        surface = mean + u[..., None] * directions[0] + v[..., None] * directions[1]
    colour = ORANGE if flat else BLUE
    layers = np.moveaxis(surface, -1, 0)
    axes.plot_surface(*layers, color=colour, alpha=0.25, lw=0, shade=False)
    axes.plot_wireframe(*layers, color=colour, lw=0.7, alpha=0.8, rstride=4, cstride=4)
    for point, nearest in zip(points, projected(points, flat=flat), strict=True):
        axes.plot(*np.stack([point, nearest], 1), color=INK, lw=1.0, alpha=0.7)
    axes.scatter(points[:, 0], points[:, 1], points[:, 2], s=8, color=INK, depthshade=False)
    for artist in axes.get_children():
        artist.set_clip_on(False)
    sketch.text(left + 1.6, 2.36, title, fontweight="bold", color=colour)


def naive_generation() -> Figure:
    """Draw a plane in which codes lie in heaps and draws fall elsewhere, and what the decoder makes of both."""
    sketch = Sketch(3.6)
    sketch.heading(0.1, 3.42, "The plane of codes")
    sketch.frame(0.1, 0.35, 3.4, 3.25)
    inside, hole = plane_of_codes(sketch)
    rows = (
        (inside, 2.6, BLUE, "shirt again", "a code: the decoder\nwas taught this"),
        (hole, 1.05, ORANGE, "between", "a draw in a gap: the\ndecoder was taught nothing"),
    )
    for start, y, colour, glyph, words in rows:
        sketch.axes.plot(*start, "o", ms=12, mfc="none", mec=colour, mew=2.2, zorder=6)
        decoder = sketch.network(4.2, y, "decoder\n$g$", narrows=False, width=0.9, height=0.9)
        image = sketch.image(5.45, y, glyph, size=0.8)
        sketch.arrow(start, decoder.left, colour=colour, gap=0.1)
        sketch.arrow(decoder.right, image.left)
        sketch.small(5.2, y - 0.69, words)
    for x, marker, colour, words in (
        (0.2, "o", BLUE, "codes of images"),
        (1.95, "x", ORANGE, "draws"),
    ):
        sketch.axes.plot([x], [0.15], marker, color=colour, ms=6, mew=1.8)
        sketch.text(x + 0.14, 0.15, words, ha="left", color=colour)
    return sketch.figure


def plane_of_codes(sketch: Sketch) -> tuple[Point, Point]:
    """Draw heaps of codes, and draws from a normal density; return a code, and a draw between the heaps."""
    random = np.random.default_rng(3)
    centres = ((0.75, 2.45), (2.55, 2.65), (2.75, 0.95), (0.95, 0.95))
    codes = np.concatenate([random.normal(centre, 0.16, (45, 2)) for centre in centres])
    centre = np.array([1.75, 1.8])
    draws = random.normal(0, 0.6, (40, 2))
    draws = centre + draws[np.linalg.norm(draws, axis=1) < 1.15]
    half = Circle((1.75, 1.8), 0.71, fill=False, ec=ORANGE, lw=1.2, ls=DASHED)
    sketch.axes.add_patch(half)  # holds half of the draws
    sketch.axes.plot(*codes.T, "o", color=BLUE, ms=3.4, alpha=0.75, mew=0, zorder=2)
    sketch.axes.plot(*draws.T, "x", color=ORANGE, ms=6, mew=1.8, zorder=3)
    nearest = np.linalg.norm(draws - (1.95, 1.7), axis=1).argmin()
    code = np.linalg.norm(codes - (2.6, 2.62), axis=1).argmin()
    return (codes[code][0], codes[code][1]), (draws[nearest][0], draws[nearest][1])
