"""The page of the conditional VAE: figures, tables and claims from the records."""

from __future__ import annotations

import pytest
from matplotlib import pyplot as plt

from chapters_lib import pages
from chapters_lib.pages import c_vae, c_vae_codes, c_vae_images
from chapters_lib.recording.runs import Metric, Run


@pytest.fixture
def glued(monkeypatch):
    found = {}
    monkeypatch.setattr(pages, "glue", lambda name, value, **_: found.update({name: value}))
    return found


def test_two_maps_say_what_they_show():
    figure = c_vae_codes.maps(("VAE", "C-VAE"), (c_vae_codes.LOW,))
    assert len({ax.get_title() for ax in figure.axes} - {""}) == 2
    plt.close(figure)


@pytest.mark.parametrize(("make", "rows"), [(c_vae_images.bound, 9), (c_vae_codes.readings, 15)])
def test_a_table_has_a_column_for_each_model(make, rows):
    text = make().data
    assert text.count("* - ") == rows
    assert all(text.count(f"  - {label}\n") == 1 for label in c_vae_images.NAMES)


def test_own_codes_other_codes_and_draws_are_three_rows():
    assert c_vae_images.hits().data.count("* - ") == 4


def test_points_of_a_class_keep_company_above_chance_and_no_more_than_all():
    share = c_vae_codes.company("C-VAE", c_vae_codes.LOW, c_vae_codes.NEAR)
    assert 0.1 < share <= 1


def test_every_claim_of_the_page_holds(glued):
    c_vae_images.numbers()
    c_vae_codes.numbers()
    marks = {name: mark for name, mark in glued.items() if name.startswith("claim-")}
    assert marks == dict.fromkeys(marks, "")


@pytest.mark.parametrize(
    ("numbers", "name", "metric", "claim"),
    [
        (c_vae_images.numbers, c_vae.CVAE, "test_kl", "claim-cvae-kl"),
        (c_vae_codes.numbers, c_vae.CVAE, "class_means_nats", "claim-cvae-z"),
    ],
)
def test_a_record_that_contradicts_the_text_marks_the_sentence(
    monkeypatch, glued, numbers, name, metric, claim
):
    real = Run.metric
    monkeypatch.setattr(
        Run,
        "metric",
        lambda self, key: (
            Metric(1e4, 1.0, (9e3, 1e4, 1.1e4))
            if (self.name, key) == (name, metric)
            else real(self, key)
        ),
    )
    numbers()
    assert "otherwise" in glued[claim]
