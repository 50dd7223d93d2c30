"""The page on naive generation: its figures, its tables, and claims that a changed record contradicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

from chapters_lib import pages
from chapters_lib.pages import naive_generation as page
from chapters_lib.pages import run
from chapters_lib.recording.runs import Run


@pytest.fixture(autouse=True)
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, float | str]]:
    """What a page gives to the text."""
    found: dict[str, float | str] = {}
    monkeypatch.setattr(pages, "glue", lambda name, value, display: found.update({name: value}))
    with plt.rc_context():  # `numbers` sets the book's look
        yield found
    plt.close("all")


@pytest.mark.parametrize("draw", [lambda: page.where("mnist"), page.cells])
def test_planes_have_labelled_axes(draw: Callable[[], Figure]) -> None:
    _, second, *_ = draw().axes
    assert (second.get_xlabel(), second.get_ylabel()) == ("$z_1$", "$z_2$")


def test_samples_are_shown_by_where_they_come_from() -> None:
    (axes,) = page.samples("mnist").axes
    rows = [tick.get_text() for tick in axes.get_yticklabels()]
    assert rows == ["A: N(0, I)", "A: box", "B: N(0, I)"]


def test_the_scoreboard_has_a_row_a_draw() -> None:
    lines = page.table_scores("mnist").data.splitlines()
    assert [line for line in lines if line.startswith("* - ")][1:] == [
        f"* - {title}" for title, _, _ in page.DRAWS.values()
    ]
    assert sum(" ± " in line for line in lines) == 3 * 6 + 1  # none of real images; the caption


def test_the_text_reads_as_the_record_does(given: dict[str, float | str]) -> None:
    page.numbers()
    assert given["naive-batch"] == str(run("ae-mnist").config["batch_size"])
    assert given["naive-mnist-fitted-fid"] == run("ae-mnist")["fitted_normal_fid_judge"]


@pytest.mark.parametrize(
    ("name", "key", "claim"),
    [
        ("ae-normalized-fashion-mnist", "class_entropy", "b-even"),
        ("ae-normalized-fashion-mnist", "dense_recognisable", "thin"),
        ("ae-fashion-mnist", "standard_normal_fid_judge", "b-nearer"),
    ],
)
def test_a_number_that_falls_to_nought_marks_the_sentence(
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, float | str],
    name: str,
    key: str,
    claim: str,
) -> None:
    page.numbers()
    assert {given[mark] for mark in given if mark.startswith("claim-")} == {""}

    def changed(asked: str) -> Run:
        record = run(asked)
        nought = {"mean": 0.0, "sem": 0.0, "values": [0.0] * record.trainings}
        return replace(record, metrics=record.metrics | {key: nought}) if asked == name else record

    monkeypatch.setattr(page, "run", changed)
    page.numbers()
    assert str(given[f"claim-naive-{claim}"]).startswith("[The record says otherwise")
