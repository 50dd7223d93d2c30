"""The page of the variational autoencoder: figures, tables and claims from the records."""

from __future__ import annotations

import pytest
from matplotlib import pyplot as plt

from chapters_lib.pages import run, vae, vae_training, vae_two_units, vae_weights


@pytest.mark.parametrize(
    ("draw", "panels"),
    [
        (lambda: vae_two_units.planes("mnist"), 3),
        (vae_training.tuned_loss, 1),
        (vae_weights.curves, 4),
    ],
)
def test_a_figure_says_what_it_shows(draw, panels):
    figure = draw()
    assert len(figure.axes) == panels
    assert all(ax.get_title() or ax.get_ylabel() for ax in figure.axes)
    plt.close(figure)


@pytest.mark.parametrize(
    ("make", "rows"),
    [
        (lambda: vae_two_units.scoreboard("fashion-mnist"), 6),
        (vae_two_units.codes, 10),
        (vae_training.ladder, 6),
        (vae_training.dropout, 4),
        (vae_training.search, 9),
        (vae_training.bounds, 4),
        (vae_weights.measures, 7),
    ],
)
def test_a_table_has_a_row_for_each_model(make, rows):
    assert make().data.count("* - ") == rows


def test_the_chosen_weight_and_no_other_is_bold():
    bold = [line for line in vae_weights.measures().data.splitlines() if line.startswith("* - **")]
    assert bold == [f"* - **{vae_weights.winner():g}**"]


@pytest.mark.parametrize(
    ("numbers", "name", "metric", "value"),
    [
        (vae_two_units.numbers, "vae-2d-mnist", "fid_judge", 1e6),
        (vae_two_units.numbers, "ae-normalized-fashion-mnist", "test_mse", 0.0),
        (vae_weights.numbers, "vae-fc-mnist-weight-4", "test_kl", 1e6),
        (vae_training.numbers, "vae-fc-mnist-no-dropout", "test_negative_elbo", 1e6),
        (vae_training.numbers, "vae-fashion-mnist", "test_negative_iwae", 1e6),
    ],
)
def test_a_record_that_contradicts_the_text_stops_the_build(
    monkeypatch, numbers, name, metric, value
):
    monkeypatch.setitem(run(name).metrics, metric, value)
    with pytest.raises(AssertionError, match="the record contradicts"):
        numbers()


def test_a_bound_above_the_likelihood_stops_the_build():
    with pytest.raises(AssertionError, match="bound is one"):
        vae.linear_gaussian(-2.0, {"the posterior": (-1.0, -1.0)})
