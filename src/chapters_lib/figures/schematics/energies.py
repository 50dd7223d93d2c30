"""Drawings of the restricted Boltzmann machine and of the flow: models whose density has a formula."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from chapters_lib.figures.schematics.language import BLUE, DASHED, GREEN, ORANGE, SYMBOLS, Sketch
from chapters_lib.figures.style import INK, MUTED


def gb_rbm() -> Figure:
    """Draw the bipartite graph of visible and hidden units, and the Gibbs chain back and forth between them."""
    sketch = Sketch(3.3)
    sketch.heading(0.1, 3.12, "The machine")
    hidden = [sketch.code(0.55 + 0.62 * j, 2.35, f"$h_{j + 1}$") for j in range(3)]
    visible = [sketch.pixel(0.3 + 0.57 * i, 1.05, f"$v_{i + 1}$") for i in range(4)]
    for h in hidden:
        for v in visible:
            sketch.line([h.x, v.x], [h.bottom[1], v.top[1]], color=MUTED, lw=1.1)
    sketch.text(2.3, 1.72, "$W$", fontsize=SYMBOLS)
    sketch.small(1.15, 2.78, "hidden: 0 or 1")
    sketch.small(1.15, 0.62, "visible: grey values")
    sketch.small(1.15, 0.25, "no line within a layer")
    sketch.line([2.65, 2.65], [0.15, 3.2])
    sketch.heading(2.8, 3.12, "The Gibbs chain")
    glyphs = ("three", "three again", "drawn")
    images = [
        sketch.image(3.15 + 1.25 * n, 1.05, glyph, label="$v" + n * "'" + "$", size=0.55)
        for n, glyph in enumerate(glyphs)
    ]
    units = [sketch.code(3.75 + 1.25 * n, 2.35, "$h" + n * "'" + "$") for n in range(2)]
    for n, h in enumerate(units):
        sketch.arrow(images[n].top, (h.x - 0.12, h.y - 0.2), dashed=True, colour=BLUE)
        sketch.arrow((h.x + 0.12, h.y - 0.2), images[n + 1].top, dashed=True, colour=ORANGE)
    sketch.text(6.15, 1.75, "…", fontsize=SYMBOLS + 4)
    sketch.text(3.35, 2.78, "$p(h\\,|\\,v)$", color=BLUE)
    sketch.text(4.65, 2.78, "$p(v\\,|\\,h)$", color=ORANGE)
    sketch.small(3.15, 0.38, "an image")
    sketch.small(5.1, 0.25, "dashed: a random draw")
    return sketch.figure


def realnvp_prior() -> Figure:
    """Draw a coupling layer, and the flow's two ways: from noise to an image, and from an image to noise."""
    sketch = Sketch(3.9)
    sketch.heading(0.1, 3.72, "A coupling layer")
    coupling(sketch)
    sketch.line([2.5, 2.5], [0.15, 3.8])
    sketch.heading(2.65, 3.72, "The flow as prior")
    path(sketch, 2.72, drawing=True)
    path(sketch, 0.9, drawing=False)
    return sketch.figure


def path(sketch: Sketch, y: float, *, drawing: bool) -> None:
    """Draw the way from base space to image, or the way back on which a code is scored."""
    colour = BLUE if drawing else ORANGE
    words = (
        r"Drawing: $u \to z = T(u) \to x$" if drawing else r"Scoring: $x \to z \to u = T^{-1}(z)$"
    )
    sketch.text(2.65, y + 0.68, words, color=colour, ha="left")
    scatter(sketch, 3.05, y, bent=False, dashed=drawing)
    scatter(sketch, 4.3, y, bent=True)
    name = "dec." if drawing else "enc."
    network = sketch.network(5.22, y, name, narrows=False, width=0.55, height=0.7)
    image = sketch.image(6.03, y, "three again" if drawing else "three", size=0.55)
    sketch.text(6.03, y - 0.44, "$x$", fontsize=SYMBOLS)
    sketch.text(3.05, y - 0.56, r"$u$", fontsize=SYMBOLS)
    sketch.text(4.3, y - 0.56, r"$z$", fontsize=SYMBOLS)
    ways = [((3.45, y), (3.92, y)), ((4.66, y), network.left), (network.right, image.left)]
    for number, way in enumerate(ways):
        start, end = way if drawing else way[::-1]
        sketch.arrow(start, end, dashed=not drawing and number == 1, colour=colour)
    sketch.text(3.68, y + 0.2, "$T$" if drawing else "$T^{-1}$", color=colour)


def coupling(sketch: Sketch) -> None:
    """Draw one coupling layer: A is kept and says how B is stretched and shifted."""
    high, low = 2.95, 1.25
    (u_a, z_a), (u_b, z_b) = (
        [
            sketch.code(x, y, f"${name}_{part}$", radius=0.25)
            for x, name in ((0.38, "u"), (2.15, "z"))
        ]
        for y, part in ((high, "A"), (low, "B"))
    )
    sketch.arrow(u_a.right, z_a.left)
    sketch.text(1.25, high + 0.17, "kept")
    network = sketch.network(
        1.25, 2.1, "$s,\\ t$", narrows=False, width=0.7, height=0.55, narrow=0.75
    )
    sketch.arrow((1.25, high), (1.25, network.top[1] - 0.04))
    step = sketch.box(1.25, low, r"$\odot\, e^{s} + t$", width=0.9)
    sketch.arrow(network.bottom, step.top)
    sketch.arrow(u_b.right, step.left)
    sketch.arrow(step.right, z_b.left)
    sketch.text(1.25, low - 0.38, "stretched, shifted")
    sketch.small(1.25, 0.5, "any network will do:\nboth ways use it forwards")


def scatter(sketch: Sketch, x: float, y: float, *, bent: bool, dashed: bool = False) -> None:
    """Draw a cloud of normal points in a circle, dashed where it is noise, or what a bent map makes of it."""
    points = np.random.default_rng(1).normal(0, 0.16, (170, 2))
    points = points[np.linalg.norm(points, axis=1) < 0.34]
    if bent:
        a, b = points.T
        points = np.stack([0.95 * a + 0.12 * np.sin(9 * b), 0.55 * b + 3.2 * a**2 - 0.12], 1)
    else:
        style = DASHED if dashed else "-"
        sketch.axes.add_patch(Circle((x, y), 0.38, fill=False, ec=INK, lw=1.2, ls=style))
    sketch.axes.plot(
        *(points + np.array([x, y])).T, "o", color=GREEN if bent else INK, ms=2.4, mew=0
    )
