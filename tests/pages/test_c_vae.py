"""The page of the conditional VAE: figures, tables and claims from the records."""

from __future__ import annotations

import pytest
from matplotlib import pyplot as plt

from chapters_lib.pages import c_vae, c_vae_codes, c_vae_images, run


@pytest.mark.parametrize(
    "draw",
    [
        lambda: c_vae_codes.maps(("VAE", "C-VAE"), (c_vae_codes.LOW,)),
        lambda: c_vae_codes.maps(("decoder only",), (c_vae_codes.LOW, c_vae_codes.HIGH)),
        c_vae_codes.by_class,
    ],
)
def test_two_panels_say_what_they_show(draw):
    figure = draw()
    assert len({ax.get_title() for ax in figure.axes} - {""}) == 2
    plt.close(figure)


@pytest.mark.parametrize(("make", "rows"), [(c_vae_images.bound, 9), (c_vae_codes.readings, 14)])
def test_a_table_has_a_column_for_each_model(make, rows):
    text = make().data
    assert text.count("* - ") == rows
    assert all(text.count(f"  - {label}\n") == 1 for label in c_vae_images.NAMES)


def test_points_of_a_class_keep_company_above_chance_and_no_more_than_all():
    shares = c_vae_codes.company("C-VAE", c_vae_codes.LOW, c_vae_codes.NEAR)
    assert shares.shape == (10,) and shares.min() > 0.1 and shares.max() <= 1


@pytest.mark.parametrize(
    ("numbers", "name", "metric", "value"),
    [
        (c_vae_images.numbers, c_vae.CVAE, "test_kl", 1e6),
        (c_vae_images.numbers, "vae-fashion-mnist", "test_negative_iwae", 0.0),
        (c_vae_codes.numbers, c_vae.CVAE, "class_means_nats", 2.0),
        (c_vae_codes.numbers, "vae-fashion-mnist", "probe_test_accuracy", 0.1),
    ],
)
def test_a_record_that_contradicts_the_text_stops_the_build(
    monkeypatch, numbers, name, metric, value
):
    monkeypatch.setitem(run(name).metrics, metric, value)
    with pytest.raises(AssertionError, match="the record contradicts"):
        numbers()


def test_a_gap_that_grows_with_the_distance_stops_the_build():
    with pytest.raises(AssertionError, match="ten times the gap"):
        c_vae.gap_ratio({10: 15.0, 100: 150.0})
