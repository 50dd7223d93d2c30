"""In print, the numbers of a column are given the room of the sign and the digits that they lack."""

from __future__ import annotations

import importlib

import pytest

from tests.book.conftest import ROOT


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    return importlib.import_module("print_tables")


@pytest.mark.parametrize(
    ("column", "room"),
    [
        (["0.01", "19.33 ± 0.73", "7.6", "–", ""], ["1", "", "1", "", ""]),
        (["−4.6 [−6.6, −2.6]", "3.3", "12"], ["1", "−1", "−"]),
        (["100", "1,000", "60,000"], ["60,", "6", ""]),
        (["76 %", "1.813", "100 %"], ["1", "10", ""]),
        (["8.1", "9.2"], ["", ""]),
        (["784-512-2", "12"], ["", ""]),
        (["60 epochs", "5"], ["", ""]),
        (["", "–"], ["", ""]),
    ],
)
def test_decimal_points_stand_below_one_another(tables, column, room) -> None:
    found = tables.pads(column)
    assert [pad.replace(r"\hphantom{", "").replace("}", "") for pad in found] == room
