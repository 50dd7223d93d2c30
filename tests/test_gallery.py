"""The gallery: ten images a row, from recorded runs alone."""

import pytest
import torch
from matplotlib import pyplot as plt

from chapters_lib import gallery, runs
from chapters_lib.errors import ChaptersError


@pytest.mark.parametrize("dataset", ["mnist", "fashion-mnist"])
def test_rows_hold_ten_images_that_differ(dataset):
    shown = gallery.rows(dataset) | gallery.adversary_rows() | gallery.flow_rows()
    assert list(shown)[:2] == ["real", "autoencoder"]
    for images in shown.values():
        assert images.shape == (gallery.COLUMNS, 1, 28, 28)
        assert images.dtype == torch.uint8
        assert len(images.unique(dim=0)) == gallery.COLUMNS


def test_runs_that_are_not_recorded_are_left_out(monkeypatch):
    missing = {"gan-fc-mnist", "vae-realnvp-mnist"}
    recorded = [name for name in runs.names() if name not in missing]
    monkeypatch.setattr(gallery.runs, "names", lambda: recorded)
    assert "GAN" not in gallery.adversary_rows() and gallery.flow_rows() == {}


def test_every_set_of_rows_is_drawn():
    figure = gallery.draw()
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    plt.close(figure)
    assert titles == ["Fashion-MNIST", "MNIST", "KMNIST", "MNIST, further models"]


def test_without_any_run_one_line_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAPTERS_RUNS", str(tmp_path))
    with pytest.raises(ChaptersError, match="train one first"):
        gallery.draw()
