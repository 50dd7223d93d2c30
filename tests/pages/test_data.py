"""The page on the data: pictures a class a column, and numbers that the record bears."""

from dataclasses import replace

import pytest
from matplotlib import pyplot as plt

from chapters_lib.pages import data as page
from chapters_lib.pages import run


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


def test_a_record_that_contradicts_the_text_is_found(monkeypatch):
    worse = {"real_accuracy": 0.6, "halves_kid_inception768": 1.0}
    for key, value in worse.items():
        record = run("house-numbers-beside-svhn")
        changed = replace(record, metrics=record.metrics | {key: value})
        monkeypatch.setattr(page, "run", lambda name, found=changed: found)
        changed.metrics["test_accuracy"] = 0.99
        with pytest.raises(AssertionError, match="contradicts"):
            page.numbers()


def test_typefaces_are_counted_and_named():
    text = page.typefaces().data
    assert text.startswith("The 21 typefaces") and text.count(",") == 20 and ".ttf" not in text
