"""What the data page says of the few real crops."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from chapters_lib.pages import data_crops as page


def test_floors_stand_above_the_models() -> None:
    text = page.table_beginnings().data
    rows = [line[4:] for line in text.splitlines() if line.startswith("* - ")][1:]
    assert [row.startswith("*") for row in rows[:3]] == [True, True, False]
    for title in page.NAMES.values():
        assert sum(row.startswith(title) for row in rows) == 3
    assert "the 500 test crops" in text and "the 300 of the validation part" in text


def test_both_autoencoders_are_drawn() -> None:
    figure = page.curves()
    (ax,) = figure.axes
    assert len(ax.lines) == 2 * 2  # two parts of two models
    for line in ax.lines:
        values = np.asarray(line.get_ydata(), dtype=float)
        assert 4 < values.min() < values.max() < 9
    plt.close(figure)
