"""Planes of two-dimensional codes."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from chapters_lib.figures.images import tile
from chapters_lib.figures.style import CLASS_COLOURS, INK, on, whole


def code_plane(
    codes: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[str],
    *,
    extent: Sequence[float] | None = None,
    title: str = "",
    legend: bool = True,
    size: float = 3.0,
    ax: Axes | None = None,
) -> Figure:
    """Draw two-dimensional codes as points coloured by class, in random order so that no class covers the others.

    `codes`: shape (N, 2).
    `labels`: integers, shape (N,), that number `classes`.
    `extent`: (left, right, bottom, top) of the part of the plane to show; all codes if None.
    `legend`: whether to name the classes, to the right of the plane.
    `size`: area of a point, in square points.
    """
    ax = on(ax, 5.4, 4.0)
    codes, labels = np.asarray(codes), np.asarray(labels).astype(int)
    order = np.random.default_rng(0).permutation(len(codes))
    colours = np.array(CLASS_COLOURS)[labels]
    ax.scatter(
        codes[order, 0],
        codes[order, 1],
        s=size,
        c=colours[order],
        alpha=0.75,
        linewidths=0,
        rasterized=True,
    )
    if extent is not None:
        ax.set_xlim(extent[0], extent[1])
        ax.set_ylim(extent[2], extent[3])
    ax.set(xlabel="$z_1$", ylabel="$z_2$", title=title)
    if legend:
        class_legend(classes, ax=ax)
    return whole(ax)


def code_map(
    places: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[str],
    *,
    title: str,
    size: float,
    ax: Axes,
) -> None:
    """Draw points of a map whose axes mean nothing, coloured by class."""
    code_plane(places, labels, classes, title=title, size=size, legend=False, ax=ax)
    ax.set(xlabel="", ylabel="", xticks=[], yticks=[])


def class_legend(
    classes: Sequence[str], *, ax: Axes, columns: int = 1, below: bool = False
) -> None:
    """Name the classes beside their colours: right of the axes, or below the whole figure in `columns`."""
    handles = [
        Line2D([], [], color=colour, marker="o", markersize=5, linestyle="", label=name)
        for name, colour in zip(classes, CLASS_COLOURS, strict=False)
    ]
    settings: dict[str, Any] = {
        "handles": handles,
        "ncols": columns,
        "handletextpad": 0.1,
        "columnspacing": 1.2,
    }
    if below:
        whole(ax).legend(loc="outside lower center", **settings)
    else:
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), borderpad=0.2, **settings)


def plane_codes(extent: Sequence[float], rows: int, columns: int) -> NDArray[np.float64]:
    """Return the centres of the cells of a grid over the plane, row by row from the top left, shape (rows·columns, 2).

    `extent` is (left, right, bottom, top), as in `code_plane`: decode these codes for `decoded_plane`.
    """
    left, right, bottom, top = extent
    across = left + (np.arange(columns) + 0.5) * (right - left) / columns
    down = top - (np.arange(rows) + 0.5) * (top - bottom) / rows
    return np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)


def decoded_plane(
    images: ArrayLike,
    columns: int,
    extent: Sequence[float],
    *,
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Show the images decoded from `plane_codes` where their codes lie in the plane."""
    ax = on(ax, 4.2, 4.2)
    ax.imshow(
        tile(images, columns, gap=0),
        cmap="gray",
        vmin=0,
        vmax=1,
        extent=(extent[0], extent[1], extent[2], extent[3]),
        aspect="auto",
        interpolation="nearest",
    )
    ax.set(xlabel="$z_1$", ylabel="$z_2$", title=title)
    return whole(ax)


def central_extent(codes: ArrayLike, share: float = 0.99, margin: float = 0.05) -> list[float]:
    """Return (left, right, bottom, top) around the central `share` of each unit, `margin` of its width wider."""
    tail = (1 - share) / 2
    low, high = np.quantile(np.asarray(codes), [tail, 1 - tail], axis=0)
    pad = margin * (high - low)
    return [float(v) for pair in zip(low - pad, high + pad, strict=True) for v in pair]


def normal_circles(*, ax: Axes | None = None) -> Figure:
    """Draw the circles around the origin that hold a half and 99 % of draws from N(0, I) in the plane."""
    ax = on(ax, 4.0, 4.0)
    for share in (0.5, 0.99):
        radius = float(np.sqrt(-2 * np.log1p(-share)))  # inside r lies the mass 1 − exp(−r²/2)
        ax.add_patch(plt.Circle((0, 0), radius, fill=False, color="white", linewidth=3.0))
        ax.add_patch(plt.Circle((0, 0), radius, fill=False, color=INK, linewidth=1.3))
    return whole(ax)


def density_plane(density: ArrayLike, extent: Sequence[float], *, ax: Axes | None = None) -> Figure:
    """Shade a density over the plane, darker where there is more of it; points are drawn over it afterwards.

    `density`: shape (rows, columns): its values at `plane_codes`, from the top left.
    `extent`: (left, right, bottom, top), as of `plane_codes`. The shade goes with the square root
    of the density, so that thin parts show.
    """
    ax = on(ax, 4.0, 3.6)
    ax.imshow(
        np.sqrt(np.asarray(density)),
        cmap="Greys",
        vmin=0,
        extent=(extent[0], extent[1], extent[2], extent[3]),
        aspect="auto",
        interpolation="bilinear",
        alpha=0.75,
    )
    ax.set(xlabel="$z_1$", ylabel="$z_2$")
    return whole(ax)


def box_outline(corners: ArrayLike, *, ax: Axes | None = None) -> Figure:
    """Draw a dashed box in the plane between two opposite `corners`, shape (2, 2)."""
    ax = on(ax, 4.0, 4.0)
    (left, bottom), (right, top) = np.asarray(corners)
    ax.plot(
        [left, right, right, left, left],
        [bottom, bottom, top, top, bottom],
        color=INK,
        linewidth=1.1,
        linestyle=(0, (4, 3)),
    )
    return whole(ax)


def cell_grid(shares: ArrayLike, *, title: str = "", ax: Axes | None = None) -> Figure:
    """Show how full the cells of equal probability under N(0, I) are: 1 is as full as normal codes would fill them.

    `shares`: of the codes in each cell, shape (cells, cells), the first unit along the first axis;
    cells without any code are black, and those as full as normal codes would fill them white.
    """
    ax = on(ax, 4.0, 3.6)
    ratio = np.asarray(shares).T * np.asarray(shares).size  # rows of a picture are the second unit
    colours = mpl.colormaps["RdBu"].with_extremes(bad="black")
    ax.imshow(
        np.ma.masked_equal(ratio, 0),
        cmap=colours,
        norm=TwoSlopeNorm(1, vmin=0, vmax=4),
        origin="lower",
        extent=(0, 1, 0, 1),
        interpolation="nearest",
    )
    marks = np.array([-2, -1, 0, 1, 2])
    places = [NormalDist().cdf(mark) for mark in marks]
    signed = [f"{mark:d}".replace("-", "−") for mark in marks]
    ax.set_xticks(places, signed)
    ax.set_yticks(places, signed)
    ax.set(xlabel="$z_1$", ylabel="$z_2$", title=title)
    return whole(ax)
