"""The page of the variational autoencoder: figures, tables and claims from the records."""

from __future__ import annotations

import pytest
from matplotlib import pyplot as plt

from chapters_lib import pages
from chapters_lib.pages import run, vae_training, vae_two_units, vae_weights


@pytest.fixture
def glued(monkeypatch):
    found = {}
    monkeypatch.setattr(pages, "glue", lambda name, value, **_: found.update({name: value}))
    return found


@pytest.mark.parametrize(
    ("draw", "panels"),
    [
        (lambda: vae_two_units.planes("mnist"), 3),
        (vae_training.tuned_loss, 1),
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
        (lambda: vae_two_units.scoreboard("fashion-mnist"), 7),
        (vae_two_units.gaps, 15),
        (vae_weights.gaps, 4),
        (vae_training.ladder, 6),
        (vae_training.dropout, 4),
        (vae_training.search, 9),
        (vae_training.bounds, 4),
        (vae_weights.measures, 7),
        (vae_weights.scores, 7),
    ],
)
def test_a_table_has_a_row_for_each_model(make, rows):
    assert make().data.count("* - ") == rows


def test_the_chosen_weight_and_no_other_is_bold():
    bold = [line for line in vae_weights.measures().data.splitlines() if line.startswith("* - **")]
    assert bold == [f"* - **{vae_weights.winner():g}**"]


def test_every_claim_of_the_page_holds(glued):
    for part in (vae_two_units, vae_weights, vae_training):
        part.numbers()
    marks = {name: mark for name, mark in glued.items() if name.startswith("claim-")}
    assert marks == dict.fromkeys(marks, "")


@pytest.mark.parametrize(
    ("numbers", "name", "metric", "claim"),
    [
        (vae_two_units.numbers, "vae-2d-mnist", "fid_judge", "claim-vae-b-mnist"),
        (vae_training.numbers, "vae-fc-mnist", "test_negative_elbo", "claim-vae-dropout-nats"),
        (vae_weights.numbers, "vae-fc-mnist-weight-4", "test_kl", "claim-vae-trade"),
    ],
)
def test_a_record_that_contradicts_the_text_marks_the_sentence(
    monkeypatch, glued, name, metric, numbers, claim
):
    changed = type(run(name).metric(metric))
    values = tuple(
        sign * 1e4 + step for step, sign in enumerate([1] * len(run(name).metric(metric).values))
    )
    if claim == "claim-vae-dropout-nats":
        values = tuple(-value for value in values)
    fake = changed(sum(values) / len(values), 1.0, values)
    real = type(run(name)).metric
    monkeypatch.setattr(
        type(run(name)),
        "metric",
        lambda self, key: fake if (self.name, key) == (name, metric) else real(self, key),
    )
    numbers()
    assert "otherwise" in glued[claim]
