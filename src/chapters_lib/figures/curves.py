"""Learning curves, lines and bars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from chapters_lib.figures.style import INK, MUTED, SERIES_COLOURS, on, whole
from chapters_lib.training import History

T = TypeVar("T")
MARKERS = "os^Dv"
# In grey the second and third colour are alike: the third's curves are broken.
STROKES = dict(zip(SERIES_COLOURS, ("-", "-", (0, (7, 1.5)), "-", "-"), strict=True))


def _coloured(series: Mapping[str, T]) -> list[tuple[tuple[str, T], str]]:
    """Return each series with a colour of its own; ValueError where there are fewer colours."""
    if len(series) > len(SERIES_COLOURS):
        raise ValueError(
            f"{len(series)} series, but {len(SERIES_COLOURS)} colours to tell them apart"
        )
    return list(zip(series.items(), SERIES_COLOURS, strict=False))


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

    `curves`: column by label: ``{"train": "train_mse", "test": "test_mse"}``.
    `by`: the column that tells trainings apart; a history without it is one training.
    `marks`: levels to compare with, by label: dotted horizontal lines.
    `log`: whether the vertical axis is logarithmic.
    """
    ax = on(ax, 4.6, 2.9)
    parts = list(_trainings(history, by))
    for (label, column), colour in _coloured(curves):
        lines = [(part.column(x), part.column(column)) for part in parts]
        if len(lines) > 1:
            for epochs, values in lines:
                ax.plot(epochs, values, color=colour, linewidth=0.6, alpha=0.45)
        length = min(len(values) for _, values in lines)
        mean = np.mean([values[:length] for _, values in lines], axis=0)
        ax.plot(lines[0][0][:length], mean, color=colour, linestyle=STROKES[colour], label=label)
    reference_lines(marks or {}, ax=ax)
    if log:
        ax.set_yscale("log")
    ax.grid(axis="y")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel=x, ylabel=ylabel, title=title)
    if legend:
        ax.legend()
    return whole(ax)


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
            fontsize=9,
            color=MUTED,
        )
    return whole(ax)


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
    ax = on(ax, 4.6, 2.9)
    for (label, values), colour, marker in (
        (*pair, marker) for pair, marker in zip(_coloured(series), MARKERS, strict=False)
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
    if np.issubdtype(np.asarray(x).dtype, np.integer):
        ax.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    ax.grid(axis="y")
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.legend()
    return whole(ax)


def functions(
    x: ArrayLike,
    series: Mapping[str, ArrayLike],
    *,
    dashed: Sequence[str] = (),
    filled: Sequence[str] = (),
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw functions of x as smooth curves, one colour a label.

    `dashed`: labels whose curves are drawn dashed, above the others: what is known exactly, say.
    `filled`: labels whose curves stand on a pale area down to zero: densities, say.
    """
    ax = on(ax, 4.6, 2.9)
    x = np.asarray(x)
    for (label, values), colour in _coloured(series):
        y = np.asarray(values)
        if label in filled:
            ax.fill_between(x, y, color=colour, alpha=0.18, linewidth=0)
        if label in dashed:
            ax.plot(x, y, color=INK, linestyle=(0, (4, 3)), linewidth=1.2, label=label, zorder=3)
        else:
            ax.plot(x, y, color=colour, linestyle=STROKES[colour], label=label)
    ax.grid(axis="y")
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.legend()
    return whole(ax)


def points(
    groups: Mapping[str, ArrayLike],
    *,
    marks: ArrayLike | None = None,
    size: float = 3.0,
    square: bool = False,
    shapes: bool = False,
    legend: bool = True,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw points of the plane, shape (N, 2) each, one colour a label; `marks` as crosses over them.

    `size`: area of a point, in square points.
    `square`: whether one unit is as long upwards as to the right, in axes without ticks.
    `shapes`: whether each label has a shape of its own, too.
    """
    ax = on(ax, 4.6, 2.9)
    markers = MARKERS if shapes else "o" * len(MARKERS)
    for ((label, values), colour), marker in zip(_coloured(groups), markers, strict=False):
        pairs = np.asarray(values)
        settings: dict[str, Any] = {"alpha": 0.5, "rasterized": True} if len(pairs) > 200 else {}
        ax.scatter(
            *(pairs[:, 0], pairs[:, 1]),
            s=size,
            c=colour,
            marker=marker,
            linewidths=0,
            label=label,
            **settings,
        )
    if marks is not None:
        crosses = np.asarray(marks)
        ax.scatter(crosses[:, 0], crosses[:, 1], s=30, c=INK, marker="x", linewidths=1.0)
    if square:
        ax.set_aspect("equal")
        ax.set(xticks=[], yticks=[])
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if legend:
        ax.legend()
    return whole(ax)


def bars(
    values: Mapping[str, float],
    *,
    xlabel: str = "",
    title: str = "",
    form: str = "{:.3g}",
    ax: Axes | None = None,
) -> Figure:
    """Draw horizontal bars from the top down, each with its value beside it, written as `form` says."""
    ax = on(ax, 4.6, 0.32 * len(values) + 0.7)
    ax.barh(list(values), list(values.values()), color=SERIES_COLOURS[0], height=0.66)
    said = [form.format(length) for length in values.values()]
    for row, (length, text) in enumerate(zip(values.values(), said, strict=True)):
        ax.annotate(
            text,
            (length, row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    ax.invert_yaxis()
    ax.set_xlim(0, max(values.values()) * (1 + 0.045 * max(map(len, said))))
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel=xlabel, title=title)
    return whole(ax)


def dots(
    values: Mapping[str, tuple[float, float]],
    *,
    highlight: str = "",
    xlabel: str = "",
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw a dot a row from the top down, a diamond for `highlight`, with its bar: the axis need not hold 0."""
    ax = on(ax, 4.6, 0.32 * len(values) + 0.7)
    for row, (label, (value, bar)) in enumerate(values.items()):
        colour, shape = (SERIES_COLOURS[0], "D") if label == highlight else ("#7d95a8", "o")
        ax.errorbar(value, row, xerr=bar, fmt=shape, color=colour, ecolor=INK, capsize=2)
    ax.set_yticks(range(len(values)), list(values))
    ax.invert_yaxis()
    ax.margins(x=0.08, y=0.12)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel=xlabel, title=title)
    return whole(ax)


def ranges(
    values: Mapping[str, tuple[float, float, float]],
    *,
    mark: float | None = None,
    xlabel: str = "",
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw from the top down a point for each label and the range around it: (lowest, middle, highest).

    `mark`: a value that an upright line shows.
    """
    ax = on(ax, 5.6, 0.28 * len(values) + 0.7)
    low, middle, high = np.array(list(values.values()), dtype=float).T
    rows = np.arange(len(values))
    ax.hlines(rows, low, high, color="#a9bccb", linewidth=4)
    ax.plot(middle, rows, "o", color=SERIES_COLOURS[0], markersize=5)
    if mark is not None:
        ax.axvline(mark, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    ax.set_yticks(rows, list(values))
    ax.invert_yaxis()
    ax.set_xlim(0, float(high.max()) * 1.08)
    ax.grid(axis="x")
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel=xlabel, title=title)
    return whole(ax)
