"""The page on the DCGAN: its figures have named axes, its tables their rows, and a false claim stops it."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from chapters_lib import figures
from chapters_lib.pages import dcgan_pretraining as page
from chapters_lib.pages import dcgan_probe as probe
from chapters_lib.recording.runs import Run


@pytest.fixture(autouse=True)
def style() -> None:
    figures.use_style()


def rows(table) -> int:
    return table.data.count("\n* - ")


@pytest.mark.parametrize("draw", [page.training, probe.shares])
def test_curves_have_words_on_their_axes(draw) -> None:
    figure = draw()
    assert isinstance(figure, Figure)
    assert all(ax.get_xlabel() and ax.get_ylabel() for ax in figure.axes)


def test_tables_have_a_row_a_model() -> None:
    assert rows(page.table_scores()) == 1 + 5
    assert rows(probe.table_probe()) == 1 + len(probe.KINDS) + 2
    assert rows(page.table_precision()) == 1 + 2


def test_the_shapes_are_the_sheets() -> None:
    text = page.table_shapes().data
    assert "14×14×64" in text and text.count("D: convolution") == 4


def test_a_comparison_is_said_with_its_margin() -> None:
    words = [probe.against(0.5 + step, 0.5, 0.01) for step in (-0.02, 0.0, 0.02)]
    assert words == ["below", "level with", "above"]


def test_a_record_that_contradicts_the_text_stops_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = page.run

    def worse(name: str) -> Run:
        found = whole(name)
        if name == page.MINMAX:
            changed = found.metrics | {"class_entropy": 0.5}
            return Run(name, found.config, changed, found.provenance, found.folder, found.rows)
        return found

    monkeypatch.setattr(page, "run", worse)
    with pytest.raises(AssertionError, match="their entropy is as wanted"):
        page.numbers()
