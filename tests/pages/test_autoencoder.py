"""The autoencoder's page: its figures, its tables, and claims that a changed record contradicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

from chapters_lib import pages
from chapters_lib.findings.verdicts import OPEN, OTHERWISE
from chapters_lib.pages import autoencoder as page
from chapters_lib.pages import run
from chapters_lib.recording.runs import Run
from chapters_lib.training import History


@pytest.fixture(autouse=True)
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, float | str]]:
    """What a page gives to the text."""
    found: dict[str, float | str] = {}
    monkeypatch.setattr(pages, "glue", lambda name, value, display: found.update({name: value}))
    with plt.rc_context():  # `numbers` sets the book's look
        yield found
    plt.close("all")


@pytest.mark.parametrize("draw", [page.loss, page.classes, page.code_size, page.study])
def test_figures_have_labelled_axes(draw: Callable[[], Figure]) -> None:
    assert all(ax.get_xlabel() for ax in draw().axes)


def test_ten_images_are_named() -> None:
    (axes,) = page.ten("ae-mnist").axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["original", "decoded", "PCA"]
    assert len(axes.get_xticklabels()) == 10


def test_the_study_names_what_was_recorded() -> None:
    found, recorded = page.candidates("ae-mnist")
    errors = [error.mean for error in found.values()]
    assert len(found) == 6 and errors == sorted(errors)
    assert recorded == "512-512-256, batch 64, sines, noise"


def test_tables_have_both_data_sets_in_every_row() -> None:
    for made, rows in ((page.table_networks(), 13), (page.table_results(), 9)):
        lines = made.data.splitlines()
        assert sum(line.startswith("* - ") for line in lines) == rows
        assert sum(line.startswith("  - ") for line in lines) == 2 * rows


def test_the_numbers_are_those_of_the_record(given: dict[str, float | str]) -> None:
    page.numbers()
    assert given["ae-fashion-test"] == run("ae-fashion-mnist")["test_mse"]


@pytest.mark.parametrize(
    ("name", "key", "value", "claim"),
    [
        ("ae-mnist", "pca2_test_mse", 0.03, "mnist-pca"),
        ("ae-mnist", "test_mse", 0.02, "harder"),
        ("ae-code-size-fashion-mnist", "test_mse_3", 0.0221, "third"),
        ("ae-code-size-fashion-mnist", "test_mse_1", 0.0405, "parting"),
    ],
)
def test_a_changed_record_marks_the_sentence(
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, float | str],
    name: str,
    key: str,
    value: float,
    claim: str,
) -> None:
    page.numbers()
    marks = [mark for mark in given if mark.startswith("claim-")]
    assert {given[mark] for mark in marks} == {""}

    def changed(asked: str) -> Run:
        record = run(asked)
        values = [value + 1e-5 * (i % 3 - 1) for i in range(record.trainings)]
        seeds = {"mean": value, "sem": 1e-5, "values": values}
        metric = value if "size" in name else seeds
        return replace(record, metrics=record.metrics | {key: metric}) if asked == name else record

    monkeypatch.setattr(page, "run", changed)
    page.numbers()
    assert str(given[f"claim-ae-{claim}"]).startswith((OTHERWISE, OPEN))


def test_the_pages_own_run(given: dict[str, float | str]) -> None:
    page.digits_theorem(curved=0.02, flat=0.05)
    assert given["ae-flat"] == 0.05
    with pytest.raises(AssertionError, match="theorem"):
        page.digits_theorem(curved=0.02, flat=0.03)
    page.digits_half_deep(0.04, History([{"test_mse": 0.02}]))
    assert str(given["claim-ae-half-deep"]).startswith("[This run says otherwise")
