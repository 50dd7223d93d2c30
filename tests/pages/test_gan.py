"""The page on the GAN: its tables and figures come from the records, and a false claim stops it."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from chapters_lib import figures
from chapters_lib.pages import gan as page


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
