"""One look for every figure: sizes, colours, fonts."""

from __future__ import annotations

from typing import Any, cast

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH = 6.8  # inches: the text's width in print
# Ten colours by Petroff (2021, arXiv:2107.02270), chosen to be told apart with each kind of colour blindness.
CLASS_COLOURS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
SERIES_COLOURS = ("#14507f", "#d1730f", "#4c9a6a", "#8f3f97", "#717581")
INK = "#22303c"
MUTED = "#66727d"


def use_style() -> None:
    """Set the book's look; in a notebook, keep figures as vectors (SVG for the site, PDF for print)."""
    mpl.rcParams.update(
        {
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "figure.dpi": 110,
            "savefig.dpi": 220,
            "figure.constrained_layout.use": True,
            "font.family": "DejaVu Sans",
            "font.size": 9,
            "axes.titlesize": 9.5,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.labelsize": 9,
            "xtick.labelsize": 9,
            "ytick.labelsize": 9,
            "legend.fontsize": 9,
            "legend.frameon": False,
            "text.color": INK,
            "axes.labelcolor": INK,
            "axes.titlecolor": INK,
            "axes.edgecolor": MUTED,
            "xtick.color": MUTED,
            "ytick.color": MUTED,
            "xtick.labelcolor": INK,
            "ytick.labelcolor": INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "axes.grid": False,
            "grid.color": "#dfe4e8",
            "grid.linewidth": 0.7,
            "axes.prop_cycle": plt.cycler(color=SERIES_COLOURS),
            "lines.linewidth": 1.6,
            "image.cmap": "gray",
            "svg.hashsalt": "learning-to-generate",
        }
    )
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    set_matplotlib_formats("svg", "pdf")


def panels(
    columns: int = 1, rows: int = 1, *, width: float = WIDTH, height: float = 2.6, **settings: Any
) -> tuple[Figure, list[Axes]]:
    """Return a figure and its axes, row by row; `height` is of one row, in inches; `settings` go to `subplots`."""
    figure, axes = plt.subplots(
        rows, columns, figsize=(width, height * rows), squeeze=False, **settings
    )
    if columns <= 3 and (layout := figure.get_layout_engine()) is not None:
        layout.set(wspace=0.06)  # the words on an axis keep off the panel before
    return figure, list(axes.flat)


def on(ax: Axes | None, width: float, height: float) -> Axes:
    """Return `ax`, or the axes of a new figure of this size in inches if there is none."""
    return panels(width=width, height=height)[1][0] if ax is None else ax


def whole(ax: Axes) -> Figure:
    """Return the figure that holds `ax`."""
    return cast(Figure, ax.get_figure(root=True))
