"""The visual language of the book's schematics: the same shape for the same thing in every chapter.

Images are square, codes round, networks trapezoids, noise dashed, classes a strip of ten cells, losses rounded
boxes. Dark arrows carry values forward; a coloured arrow carries a gradient back and stops at a bar where it is
stopped. One unit is one inch of the figure, so that sizes of words hold as they are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon, Rectangle

from chapters_lib.figures.schematics.glyphs import GLYPHS
from chapters_lib.figures.style import INK, MUTED, SERIES_COLOURS, panels, whole

ACROSS = 6.4  # inches
WORDS, SMALL, SYMBOLS = 11.5, 10.5, 14.0  # points
BLUE, ORANGE, GREEN, PURPLE, GREY = SERIES_COLOURS
PAPER = "#ffffff"
NETWORK, CODE = "#dce8f3", "#fdeedd"  # fills
HALO = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.0}  # behind words on a line
DASHED = (0, (3.0, 2.0))

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """Where a shape lies: its centre and half of its width and height."""

    x: float
    y: float
    half_width: float
    half_height: float

    @property
    def left(self) -> Point:
        """Return the middle of the left side."""
        return self.x - self.half_width, self.y

    @property
    def right(self) -> Point:
        """Return the middle of the right side."""
        return self.x + self.half_width, self.y

    @property
    def top(self) -> Point:
        """Return the middle of the top side."""
        return self.x, self.y + self.half_height

    @property
    def bottom(self) -> Point:
        """Return the middle of the bottom side."""
        return self.x, self.y - self.half_height


class Sketch:
    """A sheet of paper, `ACROSS` inches wide; each method draws one word of the language."""

    def __init__(self, height: float):
        figure, (axes,) = panels(width=ACROSS, height=height)
        figure.set_layout_engine("none")
        axes.set_position((0, 0, 1, 1))
        axes.set(xlim=(0, ACROSS), ylim=(0, height), aspect="equal")
        axes.set_axis_off()
        self.axes: Axes = axes
        self.width, self.height = ACROSS, height

    @property
    def figure(self) -> Figure:
        """Return the whole drawing."""
        return whole(self.axes)

    # words

    def text(self, x: float, y: float, words: str, **settings: Any) -> None:
        """Write words centred at a point."""
        given: dict[str, Any] = {
            "ha": "center",
            "va": "center",
            "fontsize": WORDS,
            "color": INK,
            "zorder": 6,
        }
        self.axes.text(x, y, words, **(given | settings))

    def heading(self, x: float, y: float, words: str, **settings: Any) -> None:
        """Write the name of a part of the drawing, bold, its left end at the point."""
        self.text(x, y, words, **({"ha": "left", "fontweight": "bold"} | settings))

    def small(self, x: float, y: float, words: str, **settings: Any) -> None:
        """Write a remark."""
        self.text(x, y, words, **({"fontsize": SMALL, "color": MUTED} | settings))

    # things

    def image(self, x: float, y: float, glyph: str, *, label: str = "", size: float = 0.6) -> Box:
        """Draw an image, a square with one of the `GLYPHS`, its symbol below; a later one hides an earlier."""
        half = size / 2
        before = len(self.axes.images)
        depth = 3 + before / 100
        # A touch fainter than the last: two of the same bytes would have one id in an SVG.
        pixels = GLYPHS[glyph] * (1 - 0.008 * before)
        self.axes.imshow(
            pixels,
            cmap="gray_r",
            vmin=0,
            vmax=1.15,
            extent=(x - half, x + half, y - half, y + half),
            interpolation="nearest",
            zorder=depth,
            aspect="equal",
        )
        self.axes.set(xlim=(0, self.width), ylim=(0, self.height))
        corner = (x - half, y - half)
        self.axes.add_patch(Rectangle(corner, size, size, fill=False, ec=INK, lw=1.2, zorder=depth))
        if label:
            self.text(x, y - half - 0.16, label, fontsize=SYMBOLS)
        return Box(x, y, half, half)

    def code(
        self,
        x: float,
        y: float,
        symbol: str,
        *,
        radius: float = 0.23,
        fill: str = CODE,
        **text: Any,
    ) -> Box:
        """Draw a code, or another vector of hidden units: a circle around its symbol."""
        self.axes.add_patch(Circle((x, y), radius, fc=fill, ec=INK, lw=1.2, zorder=4))
        self.text(x, y, symbol, **({"fontsize": SYMBOLS} | text))
        return Box(x, y, radius, radius)

    def pixel(self, x: float, y: float, symbol: str) -> Box:
        """Draw one pixel of an image: a small square around its symbol."""
        size = 0.42
        corner = (x - size / 2, y - size / 2)
        self.axes.add_patch(Rectangle(corner, size, size, fc=PAPER, ec=INK, lw=1.2, zorder=4))
        self.text(x, y, symbol, fontsize=SYMBOLS)
        return Box(x, y, size / 2, size / 2)

    def noise(self, x: float, y: float, symbol: str, *, radius: float = 0.23) -> Box:
        """Draw what comes from a random number generator: a dashed circle around its symbol."""
        circle = Circle((x, y), radius, fc=PAPER, ec=INK, lw=1.2, ls=DASHED, zorder=4)
        self.axes.add_patch(circle)
        self.text(x, y, symbol, fontsize=SYMBOLS)
        return Box(x, y, radius, radius)

    def network(
        self,
        x: float,
        y: float,
        name: str,
        *,
        narrows: bool,
        width: float = 0.95,
        height: float = 0.8,
        narrow: float = 0.6,
        frozen: bool = False,
    ) -> Box:
        """Draw a network: a trapezoid whose small side, `narrow` of the large one, is where fewer numbers are.

        `frozen` draws it in grey with a grey rim: no gradient moves it.
        """
        ends = (height, narrow * height) if narrows else (narrow * height, height)
        left, right = (end / 2 for end in ends)
        half = width / 2
        corners = [(x - half, y - left), (x + half, y - right), (x + half, y + right)]
        corners.append((x - half, y + left))
        look: dict[str, Any] = (
            {"fc": "#eceff1", "ec": GREY} if frozen else {"fc": NETWORK, "ec": INK}
        )
        self.axes.add_patch(Polygon(corners, lw=1.2, zorder=3, joinstyle="round", **look))
        self.text(x, y, name, color=MUTED if frozen else INK)
        return Box(x, y, half, height / 2)

    def one_hot(self, x: float, y: float, *, hot: int, cell: float = 0.12) -> Box:
        """Draw a class: a strip of ten cells, one of them filled."""
        for number in range(10):
            corner = (x + (number - 5) * cell, y - cell / 2)
            fill = PURPLE if number == hot else PAPER
            self.axes.add_patch(Rectangle(corner, cell, cell, fc=fill, ec=INK, lw=0.8, zorder=4))
        return Box(x, y, 5 * cell, cell / 2)

    def box(
        self,
        x: float,
        y: float,
        words: str,
        *,
        width: float = 0.8,
        colour: str = INK,
        lw: float = 1.2,
    ) -> Box:
        """Draw a computation without weights: a rounded box around its formula."""
        half = 0.18
        shape = FancyBboxPatch(
            (x - width / 2, y - half),
            width,
            2 * half,
            boxstyle="round,pad=0,rounding_size=0.14",
            fc=PAPER,
            ec=colour,
            lw=lw,
            zorder=4,
        )
        self.axes.add_patch(shape)
        self.text(x, y, words, color=colour)
        return Box(x, y, width / 2, half)

    def loss(self, x: float, y: float, words: str, colour: str, *, width: float = 0.8) -> Box:
        """Draw a loss: a rounded box in the colour of its gradient."""
        return self.box(x, y, words, width=width, colour=colour, lw=1.8)

    # arrows

    def arrow(
        self,
        start: Point,
        end: Point,
        *,
        dashed: bool = False,
        colour: str = INK,
        bend: float = 0.0,
        gap: float = 0.04,
    ) -> None:
        """Draw a value's way forward; dashed if a random draw is made on the way."""
        self.axes.add_patch(
            FancyArrowPatch(
                start,
                end,
                arrowstyle="-|>,head_length=4.5,head_width=2.4",
                connectionstyle=f"arc3,rad={bend}",
                shrinkA=gap * 72,
                shrinkB=gap * 72,
                lw=1.3,
                ls=DASHED if dashed else "-",
                color=colour,
                zorder=2,
            )
        )

    def gradient(
        self, way: Sequence[Point], colour: str, *, stopped: bool = False, head: bool = True
    ) -> None:
        """Draw a gradient's way back through points: an arrow at its end, or a bar where it is stopped.

        Without a `head` it goes on: another way begins where this one ends.
        """
        (x0, y0), (x1, y1) = way[-2:]
        length = float(np.hypot(x1 - x0, y1 - y0))
        along = (x1 - x0) / length, (y1 - y0) / length
        pointed = head and not stopped
        end = (x1 - along[0] * 0.11, y1 - along[1] * 0.11) if pointed else (x1, y1)
        xs, ys = zip(*way[:-1], end, strict=True)
        self.axes.plot(xs, ys, color=colour, lw=2.4, solid_capstyle="butt", zorder=2)
        if stopped:
            bar = (
                [x1 + along[1] * 0.13, x1 - along[1] * 0.13],
                [y1 - along[0] * 0.13, y1 + along[0] * 0.13],
            )
            self.axes.plot(*bar, color=colour, lw=4.0, solid_capstyle="butt", zorder=5)
        elif pointed:
            corners = [(x1, y1)]
            for side in (0.08, -0.08):
                corners.append(
                    (x1 - along[0] * 0.14 - along[1] * side, y1 - along[1] * 0.14 + along[0] * side)
                )
            self.axes.add_patch(Polygon(corners, fc=colour, ec=colour, lw=0.5, zorder=5))

    def line(self, xs: Sequence[float], ys: Sequence[float], **settings: Any) -> None:
        """Draw a thin line."""
        given: dict[str, Any] = {"color": MUTED, "lw": 1.0, "zorder": 1}
        self.axes.plot(xs, ys, **(given | settings))

    def frame(self, left: float, bottom: float, right: float, top: float, label: str = "") -> None:
        """Draw a thin frame around a part, its label in the lower left corner."""
        shape = FancyBboxPatch(
            (left, bottom),
            right - left,
            top - bottom,
            boxstyle="round,pad=0,rounding_size=0.08",
            fill=False,
            ec=MUTED,
            lw=1.0,
            zorder=1,
        )
        self.axes.add_patch(shape)
        if label:
            self.small(left + 0.08, bottom + 0.13, label, ha="left")
