"""Arrays in, matplotlib Figure out: one look for every figure of the book; knows no model.

Each function draws into `ax` if one is given (see `panels`), else into a figure of its own, and returns the figure. In
a notebook the cell shows it once: end the line with a semicolon.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import NormalDist
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from chapters_lib.training import History

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
            "xtick.labelsize": 8,
            "ytick.labelsize": 8,
            "legend.fontsize": 8.5,
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
    return figure, list(axes.flat)


def _on(ax: Axes | None, width: float, height: float) -> Axes:
    return panels(width=width, height=height)[1][0] if ax is None else ax


def _figure(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


# --- images --------------------------------------------------------------------------------------


def tile(images: ArrayLike, columns: int, gap: int = 2, paper: float = 1.0) -> NDArray[np.float64]:
    """Lay images out in rows of `columns`, `gap` pixels of `paper` between them.

    Parameters
    ----------
    images
        uint8 or floats in [0, 1], shape (N, C, H, W) with C of 1 or 3, or (N, H, W).

    Returns
    -------
    canvas
        floats in [0, 1], shape (rows·(H + gap) − gap, columns·(W + gap) − gap), with a last axis of 3 for colour.
    """
    array = np.asarray(images)
    array = array / 255 if array.dtype == np.uint8 else np.clip(array, 0, 1).astype(np.float64)
    if array.ndim == 3:
        array = array[:, None]
    count, channels, height, width = array.shape
    rows = -(-count // columns)
    canvas = np.full(
        (rows * (height + gap) - gap, columns * (width + gap) - gap, channels), paper, float
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
    ax = _on(ax, width, width * canvas.shape[0] / canvas.shape[1] + (0.3 if title else 0.05))
    ax.imshow(canvas, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_axis_off()
    ax.set_title(title)
    return _figure(ax)


def image_rows(
    rows: Mapping[str, ArrayLike],
    titles: Sequence[str] = (),
    *,
    width: float = WIDTH,
    ax: Axes | None = None,
) -> Figure:
    """Show one labelled row of images a key: originals above their reconstructions, say.

    Parameters
    ----------
    rows
        images by label, as `tile` takes them; all rows hold equally many.
    titles
        what to write above the columns.
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
    ax = _on(ax, width, inches + (0.35 if titles else 0.1))
    ax.imshow(canvas, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_yticks([step * (i + 0.5) - 1.5 for i in range(len(stacks))], list(rows))
    ax.set_xticks([(size + 2) * (i + 0.5) - 1.5 for i in range(len(titles))], list(titles))
    ax.tick_params(length=0, top=False, bottom=False, labeltop=True, labelbottom=False, pad=3)
    ax.spines[:].set_visible(False)
    return _figure(ax)


def _below(stack: NDArray[Any]) -> list[tuple[int, int]]:
    """Return the padding that puts two pixels of paper below a tiled row."""
    colour = stack.ndim == 4 and stack.shape[1] == 3
    return [(0, 2), (0, 0)] + [(0, 0)] * colour


# --- curves --------------------------------------------------------------------------------------


def learning_curves(
    history: History,
    curves: Mapping[str, str],
    *,
    by: str = "seed",
    marks: Mapping[str, float] | None = None,
    x: str = "epoch",
    ylabel: str = "mean squared error per pixel",
    title: str = "",
    log: bool = False,
    legend: bool = True,
    ax: Axes | None = None,
) -> Figure:
    """Draw columns of a history over its epochs: thin a line for each seed, thick their mean.

    Parameters
    ----------
    curves
        column by label: ``{"train": "train_mse", "test": "test_mse"}``.
    by
        the column that tells trainings apart; a history without it is one training.
    marks
        levels to compare with, by label: dotted horizontal lines.
    log
        whether the vertical axis is logarithmic.
    """
    ax = _on(ax, 4.6, 2.9)
    parts = list(_trainings(history, by))
    for (label, column), colour in zip(curves.items(), SERIES_COLOURS, strict=False):
        lines = [(part.column(x), part.column(column)) for part in parts]
        if len(lines) > 1:
            for epochs, values in lines:
                ax.plot(epochs, values, color=colour, linewidth=0.6, alpha=0.45)
        length = min(len(values) for _, values in lines)
        mean = np.mean([values[:length] for _, values in lines], axis=0)
        ax.plot(lines[0][0][:length], mean, color=colour, label=label)
    reference_lines(marks or {}, ax=ax)
    if log:
        ax.set_yscale("log")
    ax.grid(axis="y")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel=x, ylabel=ylabel, title=title)
    if legend:
        ax.legend()
    return _figure(ax)


def _trainings(history: History, by: str) -> Iterator[History]:
    if by not in history.names:
        yield history
        return
    for value in dict.fromkeys(history.column(by)):
        yield history.where(by, value)


def reference_lines(marks: Mapping[str, float], *, ax: Axes) -> Figure:
    """Draw dotted horizontal lines, each labelled at its right end, just above it."""
    for label, level in marks.items():
        ax.axhline(level, color=MUTED, linestyle=(0, (1, 1.5)), linewidth=1.2)
        ax.annotate(
            label,
            (1, level),
            xycoords=("axes fraction", "data"),
            xytext=(0, 2),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=8,
            color=MUTED,
        )
    return _figure(ax)


def lines(
    x: ArrayLike,
    series: Mapping[str, ArrayLike],
    errors: Mapping[str, ArrayLike] | None = None,
    *,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw values over x with markers, one colour a label; `errors` (by the same labels) as error bars."""
    ax = _on(ax, 4.6, 2.9)
    for (label, values), colour, marker in zip(
        series.items(), SERIES_COLOURS, "os^Dv", strict=False
    ):
        ax.errorbar(
            np.asarray(x),
            np.asarray(values),
            yerr=None if errors is None or label not in errors else np.asarray(errors[label]),
            color=colour,
            marker=marker,
            markersize=4.5,
            capsize=2.5,
            label=label,
        )
    ax.grid(axis="y")
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.legend()
    return _figure(ax)


def bars(
    values: Mapping[str, float],
    errors: Mapping[str, float] | None = None,
    *,
    xlabel: str = "",
    title: str = "",
    form: str = "{:.3g}",
    highlight: Sequence[str] = (),
    limit: float | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw horizontal bars from the top down, each with its value in figures; `errors` as error bars.

    Parameters
    ----------
    form
        how a value is written beside its bar.
    highlight
        labels whose bars stand out; without any, all have the first colour.
    limit
        right end of the axis.
    """
    ax = _on(ax, 4.6, 0.32 * len(values) + 0.7)
    labels, lengths = list(values), np.array(list(values.values()), dtype=float)
    spread = np.nan_to_num([(errors or {}).get(label, 0.0) for label in labels])
    colours = [
        SERIES_COLOURS[0] if label in highlight or not highlight else "#a9bccb" for label in labels
    ]
    ax.barh(labels, lengths, color=colours, height=0.66)
    known = spread > 0
    ax.errorbar(
        lengths[known],
        np.flatnonzero(known),
        xerr=spread[known],
        linestyle="",
        color=INK,
        linewidth=1,
        capsize=2,
    )
    for row, (length, error) in enumerate(zip(lengths, spread, strict=True)):
        ax.annotate(
            form.format(length),
            (length + error, row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    ax.invert_yaxis()
    ax.set_xlim(0, limit if limit is not None else float((lengths + spread).max()) * 1.18)
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel=xlabel, title=title)
    return _figure(ax)


# --- planes of codes -----------------------------------------------------------------------------


def code_plane(
    codes: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[str],
    *,
    extent: Sequence[float] | None = None,
    names: Sequence[str] = ("$z_1$", "$z_2$"),
    title: str = "",
    legend: bool = True,
    size: float = 3.0,
    ax: Axes | None = None,
) -> Figure:
    """Draw two-dimensional codes as points coloured by class, in random order so that no class covers the others.

    Parameters
    ----------
    codes
        shape (N, 2).
    labels
        integers, shape (N,), that number `classes`.
    extent
        (left, right, bottom, top) of the part of the plane to show; all codes if None.
    legend
        whether to name the classes, to the right of the plane.
    size
        area of a point, in square points.
    """
    ax = _on(ax, 5.4, 4.0)
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
    ax.set(xlabel=names[0], ylabel=names[1], title=title)
    if legend:
        class_legend(classes, ax=ax)
    return _figure(ax)


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
        _figure(ax).legend(loc="outside lower center", **settings)
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
    names: Sequence[str] = ("$z_1$", "$z_2$"),
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Show the images decoded from `plane_codes` where their codes lie in the plane."""
    ax = _on(ax, 4.2, 4.2)
    ax.imshow(
        tile(images, columns, gap=0),
        cmap="gray",
        vmin=0,
        vmax=1,
        extent=(extent[0], extent[1], extent[2], extent[3]),
        aspect="auto",
        interpolation="nearest",
    )
    ax.set(xlabel=names[0], ylabel=names[1], title=title)
    return _figure(ax)


def central_extent(codes: ArrayLike, share: float = 0.99, margin: float = 0.05) -> list[float]:
    """Return (left, right, bottom, top) around the central `share` of each unit, `margin` of its width wider."""
    tail = (1 - share) / 2
    low, high = np.quantile(np.asarray(codes), [tail, 1 - tail], axis=0)
    pad = margin * (high - low)
    return [float(v) for pair in zip(low - pad, high + pad, strict=True) for v in pair]


# --- naive generation ----------------------------------------------------------------------------


def normal_circles(
    shares: Sequence[float] = (0.5, 0.99), *, colour: str = INK, ax: Axes | None = None
) -> Figure:
    """Draw the circles around the origin that hold these shares of draws from N(0, I) in the plane.

    Inside radius r lies the mass 1 − exp(−r²/2).
    """
    ax = _on(ax, 4.0, 4.0)
    for share in shares:
        radius = float(np.sqrt(-2 * np.log1p(-share)))
        ax.add_patch(plt.Circle((0, 0), radius, fill=False, color="white", linewidth=3.0))
        ax.add_patch(plt.Circle((0, 0), radius, fill=False, color=colour, linewidth=1.3))
    return _figure(ax)


def box_outline(corners: ArrayLike, *, colour: str = INK, ax: Axes | None = None) -> Figure:
    """Draw a dashed box in the plane between two opposite `corners`, shape (2, 2)."""
    ax = _on(ax, 4.0, 4.0)
    (left, bottom), (right, top) = np.asarray(corners)
    ax.plot(
        [left, right, right, left, left],
        [bottom, bottom, top, top, bottom],
        color=colour,
        linewidth=1.1,
        linestyle=(0, (4, 3)),
    )
    return _figure(ax)


def cell_grid(
    shares: ArrayLike,
    *,
    title: str = "",
    most: float = 4.0,
    bar: bool = True,
    ax: Axes | None = None,
) -> Figure:
    """Show how full the cells of equal probability under N(0, I) are: 1 is as full as normal codes would fill them.

    Parameters
    ----------
    shares
        of the codes in each cell, shape (cells, cells), the first unit along the first axis; cells without any code
        are drawn in orange.
    most
        ratio at which the colour scale ends.
    bar
        whether to draw the colour scale.
    """
    ax = _on(ax, 4.0, 3.6)
    ratio = np.asarray(shares).T * np.asarray(shares).size  # rows of a picture are the second unit
    colours = mpl.colormaps["Blues"].with_extremes(bad="#f0a030")
    picture = ax.imshow(
        np.ma.masked_equal(ratio, 0),
        cmap=colours,
        vmin=0,
        vmax=most,
        origin="lower",
        extent=(0, 1, 0, 1),
        interpolation="nearest",
    )
    marks = np.array([-2, -1, 0, 1, 2])
    places = [NormalDist().cdf(mark) for mark in marks]
    ax.set_xticks(places, [f"{mark:d}" for mark in marks])
    ax.set_yticks(places, [f"{mark:d}" for mark in marks])
    ax.set(xlabel="$z_1$", ylabel="$z_2$", title=title)
    if bar:
        _figure(ax).colorbar(picture, ax=ax, label="codes, relative to N(0, I)", extend="max")
    return _figure(ax)
