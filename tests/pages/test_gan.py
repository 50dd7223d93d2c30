"""The page on the GAN: its tables and figures come from the records, and a false claim stops it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from chapters_lib import figures
from chapters_lib.pages import gan as page
from chapters_lib.pages import gan_curves as curves
from chapters_lib.recording.runs import Run


def test_tables_have_a_row_a_model() -> None:
    assert page.table_asked().data.count("\n* - ") == 1 + len(page.MARKS)
    assert page.table_board().data.count("\n* - ") > len(page.BEFORE)


def test_slopes_have_words_on_their_axes() -> None:
    figures.use_style()
    figure = page.slopes()
    assert isinstance(figure, Figure)
    assert all(ax.get_xlabel() for ax in figure.axes)


def test_a_ring_that_was_not_cured_stops_the_page() -> None:
    stages = {
        name: {"found": found, "d_loss": loss}
        for name, found, loss in (("healthy", 8, 1.3), ("collapsed", 2, 1.386), ("cured", 2, 1.3))
    }
    with pytest.raises(AssertionError, match="cure"):
        page.digits_ring(stages)


def test_curves_have_words_on_their_axes() -> None:
    figures.use_style()
    first, *_ = curves.curves().axes
    assert (first.get_xlabel(), first.get_ylabel()) == ("epoch", "nats")
    (ax,) = curves.loss_and_distance().axes
    assert ax.get_xlabel() and ax.get_ylabel() and ax.get_yscale() == "log"


@pytest.mark.parametrize(
    ("name", "key", "value", "claim"),
    [
        (curves.COLLAPSE, "fid_judge", 1.0, "its samples are far worse"),
        (curves.COLLAPSE, "class_entropy", 1.0, "and less even"),
        (curves.MINMAX, "fake_probability", 0.0, "in evaluation mode D gives samples more"),
    ],
)
def test_a_record_that_contradicts_the_curves_stops_the_page(
    monkeypatch: pytest.MonkeyPatch, name: str, key: str, value: float, claim: str
) -> None:
    whole = curves.run

    def changed(asked: str) -> Run:
        found = whole(asked)
        return replace(found, metrics=found.metrics | {key: value}) if asked == name else found

    curves.numbers()  # the record itself agrees
    monkeypatch.setattr(curves, "run", changed)
    with pytest.raises(AssertionError, match=claim):
        curves.numbers()
