"""The autoencoder's page: its figures, its tables, and claims that a changed record contradicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

from chapters_lib import pages
from chapters_lib.pages import autoencoder as page
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


@pytest.mark.parametrize("draw", [page.loss, page.pca_planes, page.classes, page.code_size])
def test_figures_have_labelled_axes(draw: Callable[[], Figure]) -> None:
    assert all(ax.get_xlabel() for ax in draw().axes)


def test_ten_images_are_named() -> None:
    (axes,) = page.ten("ae-mnist").axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["original", "decoded", "PCA"]
    assert len(axes.get_xticklabels()) == 10


def test_the_study_names_what_was_recorded() -> None:
    found = page.candidates("ae-mnist")
    assert len(found) == 6 and list(found.values()) == sorted(found.values())
    assert page.chosen("ae-mnist") == "512-512-256, batch 64, sines, noise"


def test_tables_have_both_data_sets_in_every_row() -> None:
    for made, rows in ((page.table_networks(), 13), (page.table_results(), 9)):
        lines = made.data.splitlines()
        assert sum(line.startswith("* - ") for line in lines) == rows
        assert sum(line.startswith("  - ") for line in lines) == 2 * rows


def test_the_numbers_are_those_of_the_record(given: dict[str, float | str]) -> None:
    page.numbers()
    assert given["ae-fashion-test"] == run("ae-fashion-mnist")["test_mse"]
    assert given["ae-size-hidden"] == "784-256-128"


@pytest.mark.parametrize(
    ("name", "key", "value", "claim"),
    [
        ("ae-mnist", "pca2_test_mse", 0.04, "mnist: about half of PCA"),
        ("ae-mnist", "parameters", 1e5, "a million parameters"),
        ("ae-code-size-fashion-mnist", "test_mse_8", 0.001, "the third unit is worth more"),
    ],
)
def test_a_changed_record_is_contradicted(
    monkeypatch: pytest.MonkeyPatch, name: str, key: str, value: float, claim: str
) -> None:
    def changed(asked: str) -> Run:
        record = run(asked)
        return replace(record, metrics=record.metrics | {key: value}) if asked == name else record

    monkeypatch.setattr(page, "run", changed)
    with pytest.raises(AssertionError, match=claim):
        page.numbers()


def test_a_flat_decoder_below_pca_is_contradicted(given: dict[str, float | str]) -> None:
    page.digits_theorem(curved=0.02, flat=0.05)
    assert given["ae-flat"] == 0.05
    with pytest.raises(AssertionError, match="theorem"):
        page.digits_theorem(curved=0.02, flat=0.03)
