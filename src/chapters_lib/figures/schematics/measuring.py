"""Drawings of the Fréchet distance and of the plan of the comparison."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from chapters_lib.figures.schematics.language import BLUE, ORANGE, SMALL, SYMBOLS, Sketch
from chapters_lib.figures.style import MUTED

TURN = 25  # degrees that the clouds of features are turned by
MODELS = (  # height on the sheet, name, what teaches it
    (3.05, "VAE", "taught by a bound on the likelihood"),
    (1.9, "VAE + flow", "the same bound, its prior learned"),
    (0.75, "GAN", "taught by a discriminator"),
)


def evaluation() -> Figure:
    """Draw real images and samples as two clouds of features, and the two terms of the distance between them."""
    sketch = Sketch(4.0)
    for y, glyph, name, colour in (
        (3.4, "three", "real images", BLUE),
        (2.1, "drawn", "samples", ORANGE),
    ):
        for step in (0.12, 0.06, 0.0):
            sketch.image(0.5 + step, y + step, glyph, size=0.55)
        sketch.text(0.6, y - 0.43, name, color=colour)
        network = sketch.network(1.75, y, "Inception", narrows=True, width=0.95, frozen=True)
        sketch.arrow((0.92, y), network.left)
        sketch.arrow(network.right, (2.95, y), colour=colour)
    sketch.text(1.75, 2.75, "same network,\nfrozen", color=MUTED, fontsize=SMALL)
    sketch.frame(3.05, 1.62, 6.3, 3.9, "space of features")
    clouds(sketch, (4.05, 2.95), (5.35, 2.65))
    terms(sketch)
    return sketch.figure


def clouds(sketch: Sketch, first: tuple[float, float], second: tuple[float, float]) -> None:
    """Draw two clouds with their means and the ellipses of their covariances."""
    random = np.random.default_rng(5)
    looks = (
        (first, (0.36, 0.17), BLUE, "1", (-0.5, 0.68)),
        (second, (0.17, 0.4), ORANGE, "2", (0.45, 0.85)),
    )
    for centre, spread, colour, index, (right, up) in looks:
        turn = np.deg2rad(TURN)
        turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        points = random.normal(size=(80, 2)).clip(-2.2, 2.2) * spread @ turned.T + centre
        sketch.axes.plot(*points.T, "o", color=colour, ms=2.4, mew=0, alpha=0.6, zorder=1)
        ellipse(sketch, centre, spread, colour)
        sketch.axes.plot(*centre, "o", color=colour, ms=7, mec="white", mew=1.2, zorder=5)
        words = f"$m_{index},\\ \\Sigma_{index}$"
        sketch.text(centre[0] + right, centre[1] + up, words, color=colour, fontsize=SYMBOLS)


def ellipse(
    sketch: Sketch, centre: tuple[float, float], spread: tuple[float, float], colour: str
) -> None:
    """Draw the ellipse of two standard deviations."""
    width, height = 4 * spread[0], 4 * spread[1]
    sketch.axes.add_patch(Ellipse(centre, width, height, angle=TURN, fill=False, ec=colour, lw=2))


def terms(sketch: Sketch) -> None:
    """Draw what each of the two terms sees: how far the means are apart, and how the ellipses differ."""
    y = 0.95
    sketch.text(0.55, y, "FD  =", fontsize=SYMBOLS)
    a, b = (1.3, y + 0.2), (2.3, y - 0.2)
    sketch.line([a[0], b[0]], [a[1], b[1]], lw=2.4, color=MUTED)
    for point, colour in ((a, BLUE), (b, ORANGE)):
        sketch.axes.plot(*point, "o", color=colour, ms=8, zorder=4)
    sketch.text(1.8, 0.46, r"$\|m_1-m_2\|^2$", fontsize=SYMBOLS - 1)
    sketch.small(1.8, 0.16, "the means are apart")
    sketch.text(2.8, y, "+", fontsize=SYMBOLS + 3)
    ellipse(sketch, (4.6, y + 0.12), (0.25, 0.12), BLUE)
    ellipse(sketch, (4.6, y + 0.12), (0.1, 0.22), ORANGE)
    words = r"$\mathrm{tr}(\Sigma_1+\Sigma_2-2\,(\Sigma_1^{1/2}\,\Sigma_2\,\Sigma_1^{1/2})^{1/2})$"
    sketch.text(4.6, 0.46, words, fontsize=SYMBOLS - 1)
    sketch.small(4.6, 0.16, "the clouds differ in size, shape or tilt")


def comparison() -> Figure:
    """Draw the plan: the same images for three models of alike size, the same measures for their samples."""
    sketch = Sketch(4.0)
    for x, words in (
        (0.1, "Same images"),
        (1.65, "Three models, alike in size"),
        (4.75, "Same measures"),
    ):
        sketch.heading(x, 3.82, words)
    for step in (0.16, 0.08, 0.0):
        sketch.image(0.5 + step, 1.95 + step, "three", size=0.7)
    sketch.small(0.6, 1.36, "training and\nvalidation part")
    for y, name, taught in MODELS:
        sketch.text(1.65, y + 0.38, name, ha="left", fontweight="bold", color=BLUE)
        sketch.small(1.65, y - 0.44, taught, ha="left")
        end = generator(sketch, y, name)
        sketch.arrow((1.08, 2.0), (1.6, 2.0 + (y - 2.0) * 0.6), colour=MUTED)
        sketch.arrow(end, (4.68, 2.0 + (y - 2.0) * 0.5), colour=MUTED)
    sketch.frame(4.72, 0.75, 6.32, 3.25)
    measures = (
        "distance of\nfeatures",
        "precision\nand recall",
        "images between\ntwo codes",
        "nearest training\nimages",
    )
    for row, words in enumerate(measures):
        sketch.text(4.82, 2.93 - 0.6 * row, words, ha="left")
    sketch.small(4.82, 0.45, "likelihood: the two\nVAEs alone", ha="left")
    return sketch.figure


def generator(sketch: Sketch, y: float, name: str) -> tuple[float, float]:
    """Draw how a model draws an image: noise, for the flow its map, and a network; return the network's right end."""
    flow = "flow" in name
    network = sketch.network(
        4.02, y, "$G$" if name == "GAN" else "dec.", narrows=False, width=0.7, height=0.68
    )
    code = (
        sketch.code(3.25, y, "$z$", radius=0.2)
        if flow
        else sketch.noise(3.25, y, "$z$", radius=0.2)
    )
    sketch.arrow(code.right, network.left)
    if flow:
        noise = sketch.noise(1.95, y, "$u$", radius=0.2)
        step = sketch.box(2.6, y, "$T$", width=0.42)
        sketch.arrow(noise.right, step.left)
        sketch.arrow(step.right, code.left)
    return network.right
