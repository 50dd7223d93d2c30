"""What the data page says of the few real crops."""

from __future__ import annotations

import pytest
from matplotlib import pyplot as plt

from chapters_lib.pages import data_crops as page
from chapters_lib.recording import runs
from chapters_lib.recording.runs import Metric


def at(mean: float) -> Metric:
    return Metric(mean, 0.1, (mean,))


def test_a_gap_is_what_two_standard_errors_leave() -> None:
    assert page.gap(at(1), at(2)) == pytest.approx(1 - 0.2 * 2**0.5)
    assert page.gap(at(1), at(1.2)) < 0 < page.gap(at(1), at(1.4))


def test_floors_stand_above_the_models() -> None:
    text = page.table_beginnings().data
    rows = [line[4:] for line in text.splitlines() if line.startswith("* - ")][1:]
    assert [row.startswith("*") for row in rows[:3]] == [True] * 3
    assert rows[0].endswith(", 500") and rows[1].endswith(", 300")
    for title in page.KINDS.values():
        assert sum(row.startswith(title) for row in rows) in (2, 3)
    assert "4,171 real crops" in text and "500 test crops" in text


def test_both_autoencoders_are_drawn() -> None:
    figure = page.curves()
    (ax,) = figure.axes
    assert len(ax.lines) == 4
    for line in ax.lines:
        assert 4 < min(line.get_ydata()) < max(line.get_ydata()) < 9
    plt.close(figure)


def test_a_control_is_shown_once_it_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["gan-svhn-crops"]
    monkeypatch.setattr(runs, "names", lambda: names)
    monkeypatch.setattr(page, "run", lambda name: name)
    assert page.pair("gan") == {page.BEGUN: "gan-svhn-crops"}
    names.append("gan-svhn-crops-from-nothing")
    assert list(page.pair("gan")) == [page.BEGUN, page.ALONE]
