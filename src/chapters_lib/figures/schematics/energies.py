"""Drawings of the restricted Boltzmann machine and of the flow: models whose density has a formula."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from chapters_lib.figures.schematics.language import BLUE, MUTED, ORANGE, SYMBOLS, Sketch


def gb_rbm() -> Figure:
    """Draw the bipartite graph of visible and hidden units, and the Gibbs chain that goes to and fro between them."""
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
        sketch.image(3.15 + 1.25 * n, 1.05, glyph, label=f"$v_{n}$", size=0.55)
        for n, glyph in enumerate(glyphs)
    ]
    units = [sketch.code(3.75 + 1.25 * n, 2.35, f"$h_{n}$") for n in range(2)]
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
    sketch = Sketch(4.0)
    sketch.heading(0.1, 3.82, "A coupling layer")
    coupling(sketch)
    sketch.line([2.75, 2.75], [0.15, 3.85])
    y = 2.75
    sketch.heading(2.9, 3.82, "The flow as prior")
    x = np.array([3.35, 4.8, 6.0])
    scatter(sketch, x[0], y, bent=False)
    scatter(sketch, x[1], y, bent=True)
    sample = sketch.image(x[2], y, "three again", label="$x$", size=0.6)
    sketch.small(x[0], y + 0.62, r"$u\sim\mathcal{N}(0,I)$")
    sketch.small(x[1], y + 0.62, "$z=T(u)$")
    sketch.arrow((3.85, y), (4.25, y))
    sketch.arrow((5.3, y), sample.left)
    sketch.small(4.05, y + 0.2, "$T$", fontsize=SYMBOLS)
    sketch.small(5.5, y + 0.26, "dec.")
    sketch.text(4.6, y - 0.62, "drawing: $u$ to $z$ to $x$", color=BLUE)
    y = 1.25
    scatter(sketch, x[0], y, bent=False)
    scatter(sketch, x[1], y, bent=True)
    image = sketch.image(x[2], y, "three", label="$x$", size=0.6)
    sketch.arrow(image.left, (5.3, y), dashed=True)
    sketch.arrow((4.25, y), (3.85, y))
    sketch.small(4.05, y + 0.2, "$T^{-1}$", fontsize=SYMBOLS)
    sketch.small(5.5, y + 0.26, "enc.")
    sketch.text(4.6, y - 0.62, "scoring: $x$ to $z$ to $u$", color=ORANGE)
    return sketch.figure


def coupling(sketch: Sketch) -> None:
    """Draw one coupling layer: A is kept and says how B is stretched and shifted."""
    kept = [sketch.code(x, 2.9, name, radius=0.25) for x, name in ((0.4, "$u_A$"), (2.3, "$z_A$"))]
    moved = [sketch.code(x, 1.0, name, radius=0.25) for x, name in ((0.4, "$u_B$"), (2.3, "$z_B$"))]
    sketch.arrow(kept[0].right, kept[1].left)
    sketch.small(1.5, 3.1, "kept")
    network = sketch.network(1.2, 2.1, "$s, t$", narrows=False, width=0.7, height=0.6, narrow=0.75)
    sketch.arrow(kept[0].right, network.top)
    step = sketch.loss(1.35, 1.0, r"$\odot\, e^{s} + t$", "#22303c", width=0.95)
    sketch.arrow(network.bottom, step.top)
    sketch.arrow(moved[0].right, step.left)
    sketch.arrow(step.right, moved[1].left)
    sketch.small(1.35, 0.6, "stretched and shifted")


def scatter(sketch: Sketch, x: float, y: float, *, bent: bool) -> None:
    """Draw a cloud of normal points, or what a bent map makes of it."""
    points = np.random.default_rng(1).normal(0, 1, (140, 2)) * (0.17, 0.17)
    if bent:
        a, b = points.T
        points = np.stack([1.35 * a, 0.55 * b + 7.0 * a**2 - 0.22], 1)
    sketch.axes.plot(
        *(points + np.array([x, y])).T, "o", color=BLUE if bent else MUTED, ms=2.2, mew=0
    )
