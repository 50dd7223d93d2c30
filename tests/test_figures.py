"""Figures: what lies where, not how it looks."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from chapters_lib import figures
from chapters_lib.training import History

RNG = np.random.default_rng(0)
CLASSES = tuple("0123456789")


@pytest.fixture(autouse=True)
def style() -> Iterator[None]:
    with mpl.rc_context():
        figures.use_style()
        yield
    plt.close("all")


@pytest.fixture
def history() -> History:
    return History(
        {"seed": seed, "epoch": epoch, "train_mse": 1 / epoch + seed, "test_mse": 2 / epoch + seed}
        for seed in (0, 1)
        for epoch in (1, 2, 3)
    )


def draw(figure: Figure) -> Figure:
    """Render as the book does; a figure that cannot be drawn fails here."""
    for kind in ("svg", "pdf"):
        figure.savefig(io.BytesIO(), format=kind)
    assert figure.get_size_inches()[0] <= 7
    return figure


def test_importing_draws_nothing() -> None:
    code = "from chapters_lib import figures; import matplotlib.pyplot as plt; print(plt.get_fignums())"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert found.stdout.strip() == "[]"


def test_the_style_says_nothing_on_stderr() -> None:
    code = (
        "import matplotlib; matplotlib.use('agg')\n"
        "from chapters_lib import figures; figures.use_style()\n"
        "figures.bars({'a': 1.0}, title='t', xlabel='$z_1$').savefig('/dev/null', format='svg')"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert found.stderr == ""


def test_ten_classes_have_ten_colours() -> None:
    assert len(set(figures.CLASS_COLOURS)) == 10


@pytest.mark.parametrize("channels", [1, 3])
def test_tile_puts_every_image_in_its_place(channels: int) -> None:
    images = RNG.integers(0, 256, (5, channels, 4, 6), dtype=np.uint8)
    canvas = figures.tile(images, columns=3, gap=2)
    assert canvas.shape[:2] == (2 * 4 + 2, 3 * 6 + 2 * 2)
    canvas = canvas if channels == 3 else canvas[..., None]
    for index, image in enumerate(images):
        row, column = divmod(index, 3)
        part = canvas[row * 6 : row * 6 + 4, column * 8 : column * 8 + 6]
        np.testing.assert_allclose(part, image.transpose(1, 2, 0) / 255)
    assert (canvas[4:6] == 1).all() and (canvas[6:, 16:] == 1).all()  # gaps and empty places


def test_tile_clips_floats_and_takes_images_without_a_channel() -> None:
    canvas = figures.tile(np.array([[[-1.0, 0.5], [2.0, 1.0]]]), columns=1)
    np.testing.assert_array_equal(canvas, [[0, 0.5], [1, 1]])


@pytest.mark.parametrize("channels", [1, 3])
def test_rows_are_labelled_at_their_middle(channels: int) -> None:
    rows = {
        "original": RNG.random((4, channels, 28, 28)),
        "decoded": RNG.random((4, channels, 28, 28)),
    }
    figure = draw(figures.image_rows(rows, titles="abcd"))
    (ax,) = figure.axes
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["original", "decoded"]
    np.testing.assert_allclose(ax.get_yticks(), [13.5, 43.5])
    np.testing.assert_allclose(ax.get_xticks(), [13.5, 43.5, 73.5, 103.5])


def test_rows_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="different lengths"):
        figures.image_rows({"a": np.zeros((2, 1, 4, 4)), "b": np.zeros((3, 1, 4, 4))})


def test_an_image_grid_is_drawn() -> None:
    figure = draw(figures.image_grid(RNG.random((20, 1, 28, 28)), title="samples"))
    assert figure.axes[0].images[0].get_array().shape == (58, 298)


def test_learning_curves_show_each_seed_and_their_mean(history: History) -> None:
    figure = draw(
        figures.learning_curves(
            history, {"train": "train_mse", "test": "test_mse"}, marks={"PCA": 0.7}, log=True
        )
    )
    (ax,) = figure.axes
    labelled = {line.get_label(): line.get_ydata() for line in ax.lines}
    np.testing.assert_allclose(labelled["train"], [1.5, 1.0, 1 / 3 + 0.5])
    assert len(ax.lines) == 2 * (2 + 1) + 1  # two seeds and a mean each, and the mark
    assert [text.get_text() for text in ax.texts] == ["PCA"]


def test_more_series_than_colours_are_refused() -> None:
    values = {str(i): [1.0, 2.0] for i in range(6)}
    pairs = {label: [[0.0, 1.0]] for label in values}
    history = History([{"epoch": 1, **{label: 1.0 for label in values}}])
    for refuse in (
        lambda: figures.lines([0, 1], values),
        lambda: figures.functions([0, 1], values),
        lambda: figures.points(pairs),
        lambda: figures.learning_curves(history, {label: label for label in values}),
    ):
        with pytest.raises(ValueError, match="6 series, but 5 colours"):
            refuse()


@pytest.mark.parametrize("columns", [2, 3])
def test_the_words_on_an_axis_keep_off_the_panel_before(columns: int) -> None:
    figure, axes = figures.panels(columns)
    for ax in axes:
        ax.plot([0, 1], [-1.0, 0.0])
        ax.set_ylabel("probability of real")
    figure.canvas.draw()
    labels = (ax.yaxis.label.get_window_extent() for ax in axes[1:])
    gaps = [
        72 * (label.x0 - before.get_window_extent().x1) / figure.dpi
        for before, label in zip(axes, labels, strict=False)
    ]
    assert min(gaps) > 10  # points


def test_points_can_be_told_apart_without_colour() -> None:
    pairs = {label: [[0.0, 1.0]] for label in "ab"}
    outlines = [
        len(
            {
                len(drawn.get_paths()[0].vertices)
                for drawn in figures.points(**look).axes[0].collections
            }
        )
        for look in ({"groups": pairs}, {"groups": pairs, "shapes": True})
    ]
    assert outlines == [1, 2]


def test_learning_curves_of_one_training_have_one_line_each(history: History) -> None:
    single = History(
        {k: v for k, v in row.items() if k != "seed"} for row in history.where("seed", 0)
    )
    (ax,) = figures.learning_curves(single, {"train": "train_mse"}).axes
    assert len(ax.lines) == 1


def test_seeds_of_different_length_are_averaged_where_both_are() -> None:
    rows = [{"seed": 0.0, "epoch": e, "loss": 1.0} for e in (1, 2, 3)] + [
        {"seed": 1.0, "epoch": 1, "loss": 3.0}
    ]
    (ax,) = figures.learning_curves(History(rows), {"loss": "loss"}).axes
    np.testing.assert_array_equal(ax.lines[-1].get_ydata(), [2.0])


def test_lines_carry_error_bars() -> None:
    figure = draw(figures.lines([1, 2], {"a": [3, 4], "b": [5, 6]}, {"a": [0.1, 0.2]}, xlabel="x"))
    assert [h.has_yerr for h in figure.axes[0].containers] == [True, False]


def test_colours_alike_in_grey_have_other_strokes() -> None:
    """The second and the third colour print as one grey."""
    drawn = figures.functions([0, 1], {"a": [0, 1], "b": [1, 1], "c": [2, 1]})
    _, second, third = drawn.axes[0].get_lines()
    assert second.get_linestyle() != third.get_linestyle()


def test_functions_are_curves_dashed_or_filled_as_asked() -> None:
    x = np.linspace(0, 1, 50)
    series = {"a": x, "b": x**2, "c": x**3}
    figure = draw(figures.functions(x, series, dashed=["b"], filled=["a"], xlabel="x", title="t"))
    (ax,) = figure.axes
    assert [line.get_linestyle() for line in ax.lines] == ["-", "--", "--"]
    assert np.array_equal(ax.lines[2].get_ydata(), x**3)
    assert len(ax.collections) == 1  # one area, that of a
    assert ax.collections[0].get_paths()[0].contains_point((0.9, 0.5))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(series)
    assert (ax.get_xlabel(), ax.get_title(loc="left")) == ("x", "t")


def test_points_lie_where_they_are_and_many_are_rasterised() -> None:
    many, few = RNG.normal(size=(500, 2)), RNG.normal(size=(3, 2))
    marks = [[0.0, 0.0], [1.0, 1.0]]
    figure = draw(figures.points({"many": many, "few": few}, marks=marks, square=True))
    (ax,) = figure.axes
    offsets = [np.asarray(cloud.get_offsets()) for cloud in ax.collections]
    for found, expected in zip(offsets, (many, few, marks), strict=True):
        assert np.array_equal(found, expected)
    assert [cloud.get_rasterized() for cloud in ax.collections] == [True, False, False]
    assert ax.get_aspect() == 1 and len(ax.get_xticks()) == 0
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["many", "few"]
    plain = figures.points({"few": few}, legend=False, xlabel="x", ylabel="y")
    assert plain.axes[0].get_legend() is None and plain.axes[0].get_ylabel() == "y"


def test_dots_show_the_spread_of_each_and_need_no_zero() -> None:
    values = {"first": (0.026, 0.0001), "second": (0.027, 0.0003)}
    (ax,) = draw(figures.dots(values, highlight="second")).axes
    bars = [bar.get_segments()[0] for bar in ax.collections]
    assert np.allclose([np.ptp(bar[:, 0]) for bar in bars], [0.0002, 0.0006])
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["first", "second"]
    assert 0.025 < ax.get_xlim()[0] < ax.get_xlim()[1] < 0.028
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_bars_run_from_the_top_and_say_their_values() -> None:
    values = {"first": 0.5, "second": 0.25}
    figure = draw(figures.bars(values, form="{:.2f}"))
    (ax,) = figure.axes
    assert [text.get_text() for text in ax.texts] == ["0.50", "0.25"]
    assert ax.yaxis_inverted() and ax.get_xlim()[0] == 0


def test_a_code_plane_colours_points_by_class_and_is_rasterised() -> None:
    codes, labels = RNG.normal(size=(100, 2)), RNG.integers(0, 10, 100)
    figure = draw(figures.code_plane(codes, labels, CLASSES, extent=(-1, 1, -2, 2)))
    (ax,) = figure.axes
    (points,) = (c for c in ax.collections if isinstance(c, PathCollection))
    assert points.get_rasterized() and len(points.get_offsets()) == 100
    drawn = dict(
        zip(
            map(tuple, np.asarray(points.get_offsets())),
            map(tuple, points.get_facecolors()[:, :3]),
            strict=True,
        )
    )
    for code, label in zip(codes, labels, strict=True):
        assert drawn[tuple(code)] == pytest.approx(mpl.colors.to_rgb(figures.CLASS_COLOURS[label]))
    assert ax.get_xlim() == (-1, 1) and ax.get_ylim() == (-2, 2)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(CLASSES)


def test_a_legend_below_belongs_to_the_figure() -> None:
    figure, axes = figures.panels(2)
    figures.class_legend(CLASSES, ax=axes[0], columns=5, below=True)
    assert len(figure.legends) == 1 and axes[0].get_legend() is None
    draw(figure)


def test_plane_codes_go_row_by_row_from_the_top_left() -> None:
    codes = figures.plane_codes((0, 3, 0, 2), rows=2, columns=3)
    np.testing.assert_allclose(
        codes, [[0.5, 1.5], [1.5, 1.5], [2.5, 1.5], [0.5, 0.5], [1.5, 0.5], [2.5, 0.5]]
    )


def test_decoded_images_lie_where_their_codes_do() -> None:
    extent = (-1.0, 3.0, -2.0, 2.0)
    codes = figures.plane_codes(extent, rows=4, columns=4)
    images = np.where(codes[:, :1] + codes[:, 1:] > 0, 1.0, 0.0).reshape(-1, 1, 1, 1)
    figure = draw(figures.decoded_plane(images, 4, extent))
    (picture,) = figure.axes[0].images
    assert picture.get_extent() == list(extent)
    shown = np.asarray(picture.get_array())
    assert shown[0, -1] == 1 and shown[-1, 0] == 0  # top right against bottom left


def test_the_central_extent_leaves_outliers_outside() -> None:
    codes = np.concatenate([RNG.uniform(-1, 1, (10_000, 2)), [[50.0, -50.0]]])
    left, right, bottom, top = figures.central_extent(codes, share=0.98, margin=0)
    assert (left, right, bottom, top) == pytest.approx((-0.98, 0.98, -0.98, 0.98), abs=0.02)


# the plane's density


def test_density_plane_shows_the_top_left_first() -> None:
    """As `plane_codes` numbers the cells; thin parts are lifted by a square root."""
    extent = [-2.0, 2.0, -1.0, 1.0]
    codes = figures.plane_codes(extent, 4, 8)
    density = (codes[:, 1] > 0).reshape(4, 8) * 0.25
    figure = draw(figures.density_plane(density, extent))
    (picture,) = figure.axes[0].images
    assert picture.get_extent() == extent and picture.origin == "upper"
    assert np.asarray(picture.get_array())[:2].tolist() == [[0.5] * 8] * 2
    assert not np.asarray(picture.get_array())[2:].any()


def test_a_network_is_drawn_in_its_shapes() -> None:
    """One box a shape, as tall as the feature map, wider for more channels; every shape is written below."""
    figure = figures.network([(1, 28, 28), (64, 14, 14), (128, 7, 7), (6272,)], ["a", "b", "c"])
    boxes = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    heights, widths = [b.get_height() for b in boxes], [b.get_width() for b in boxes]
    assert heights[:3] == pytest.approx([1, 0.5, 0.25])
    assert widths == sorted(widths) and len(set(widths)) == 4
    written = {text.get_text() for text in figure.axes[0].texts}
    assert {"28×28×1", "14×14×64", "7×7×128", "6,272", "a", "b", "c"} <= written
    with pytest.raises(ValueError, match="arrows"):
        figures.network([(1, 28, 28), (64, 14, 14)], [])
