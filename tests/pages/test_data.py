"""The page on the data: pictures a class a column, and numbers that the record bears."""

import pytest
from matplotlib import pyplot as plt

from chapters_lib.pages import data as page
from chapters_lib.recording.runs import Metric


@pytest.mark.parametrize(
    ("draw", "rows"), [(page.digits, 2), (lambda: page.first_images("mnist"), 4)]
)
def test_images_stand_a_class_a_column(draw, rows):
    figure = draw()
    (image,) = figure.axes[0].images
    height, width = image.get_array().shape[:2]
    plt.close(figure)
    assert (height, width) == (30 * rows - 2, 30 * 10 - 2)


def test_crops_are_named_by_where_they_come_from():
    figure = page.rendered_and_real()
    labels = [tick.get_text().strip() for tick in figure.axes[0].get_yticklabels()]
    plt.close(figure)
    assert labels == ["rendered", "", "real", ""]


def test_between_needs_a_gap_on_both_sides_that_chance_does_not_explain():
    def at(mean: float) -> Metric:
        return Metric(mean, 0.1, (mean,))

    assert page.between(at(0), at(1), at(2)).holds
    assert not page.between(at(0), at(0.2), at(2)).holds
    assert not page.between(at(0), at(1), at(1.2)).holds
