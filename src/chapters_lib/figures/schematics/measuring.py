"""Drawings of the Fréchet distance and of the plan of the comparison."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from chapters_lib.figures.schematics.language import BLUE, MUTED, ORANGE, SYMBOLS, Sketch


def evaluation() -> Figure:
    """Draw real images and samples as two clouds of features, and the two terms of the distance between them."""
    sketch = Sketch(3.9)
    for y, glyph, name, colour in (
        (3.2, "three", "real images", BLUE),
        (1.9, "drawn", "samples", ORANGE),
    ):
        for step in (0.12, 0.06, 0.0):
            image = sketch.image(0.55 + step, y + step, glyph, size=0.55)
        sketch.text(0.6, y - 0.45, name, color=colour)
        network = sketch.network(1.75, y, "Inception", narrows=True, width=1.0, frozen=True)
        sketch.arrow((image.right[0] + 0.12, y), network.left)
        sketch.arrow(network.right, (2.75, 2.55 + (y - 2.55) * 0.5))
    clouds(sketch, (3.5, 2.95), (4.6, 2.25))
    sketch.small(4.1, 1.45, "features: a mean $m$ and\na covariance $\\Sigma$ each")
    terms(sketch)
    return sketch.figure


def clouds(sketch: Sketch, first: tuple[float, float], second: tuple[float, float]) -> None:
    """Draw two clouds with their means and the ellipses of their covariances."""
    random = np.random.default_rng(5)
    looks = ((first, (0.26, 0.14), 25, BLUE, "$m_1$"), (second, (0.16, 0.3), 25, ORANGE, "$m_2$"))
    for centre, spread, angle, colour, name in looks:
        turn = np.deg2rad(angle)
        turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        points = random.normal(size=(70, 2)) * spread @ turned.T + centre
        sketch.axes.plot(*points.T, "o", color=colour, ms=2.4, mew=0, alpha=0.6, zorder=1)
        ellipse(sketch, centre, spread, angle, colour)
        sketch.axes.plot(*centre, "o", color=colour, ms=6, zorder=5)
        sketch.text(centre[0], centre[1] + 0.2, name, color=colour, fontsize=SYMBOLS)


def ellipse(
    sketch: Sketch,
    centre: tuple[float, float],
    spread: tuple[float, float],
    angle: float,
    colour: str,
) -> None:
    """Draw the ellipse of two standard deviations."""
    width, height = 4 * spread[0], 4 * spread[1]
    sketch.axes.add_patch(Ellipse(centre, width, height, angle=angle, fill=False, ec=colour, lw=2))


def terms(sketch: Sketch) -> None:
    """Draw what each of the two terms sees: how far the means are apart, and how the ellipses differ."""
    y = 0.75
    sketch.text(0.75, y, "FD  =", fontsize=SYMBOLS)
    a, b = (1.5, y - 0.2), (2.3, y + 0.25)
    for point, colour in ((a, BLUE), (b, ORANGE)):
        sketch.axes.plot(*point, "o", color=colour, ms=8, zorder=4)
    sketch.line([a[0], b[0]], [a[1], b[1]], lw=2, color=MUTED)
    sketch.text(1.95, 0.2, r"$\|m_1-m_2\|^2$", fontsize=SYMBOLS - 1)
    sketch.text(3.0, y, "+", fontsize=SYMBOLS + 3)
    ellipse(sketch, (4.6, y + 0.1), (0.2, 0.09), 25, BLUE)
    ellipse(sketch, (4.6, y + 0.1), (0.1, 0.2), 25, ORANGE)
    words = r"$\mathrm{tr}(\Sigma_1+\Sigma_2-2\,(\Sigma_1^{1/2}\,\Sigma_2\,\Sigma_1^{1/2})^{1/2})$"
    sketch.text(4.6, 0.2, words, fontsize=SYMBOLS - 1)


def comparison() -> Figure:
    """Draw the plan: the same images for three models of alike size, the same measures for their samples."""
    sketch = Sketch(3.8)
    sketch.heading(0.1, 3.62, "Same images")
    for step in (0.16, 0.08, 0.0):
        sketch.image(0.6 + step, 1.95 + step, "three", size=0.7)
    sketch.small(0.68, 1.35, "training and\nvalidation part")
    sketch.heading(1.75, 3.62, "Three models, one training plan")
    for y, name in ((2.95, "VAE"), (1.8, "VAE + flow"), (0.65, "GAN")):
        sketch.text(2.55, y + 0.45, name, fontweight="bold")
        code = sketch.noise(2.2, y - 0.05, "$u$" if "flow" in name else "$z$", radius=0.19)
        network = sketch.network(
            3.6,
            y - 0.05,
            "$G$" if name == "GAN" else "decoder",
            narrows=False,
            width=0.85,
            height=0.65,
        )
        sketch.arrow(code.right, network.left)
        if "flow" in name:
            sketch.text(2.8, y + 0.12, "$T$")
        sketch.arrow((1.15, 1.95), (1.95, y - 0.05), colour=MUTED)
        sketch.arrow(network.right, (4.65, 1.8 + (y - 1.8) * 0.4), colour=MUTED)
    sketch.heading(4.8, 3.62, "Same measures")
    measures = ("Fréchet distance", "precision, recall", "between two codes", "nearest images")
    for row, words in enumerate(measures):
        sketch.text(4.75, 2.55 - 0.42 * row, words, ha="left")
    sketch.text(4.75, 0.8, "likelihood\n(not of the GAN)", ha="left", color=MUTED)
    return sketch.figure
