"""The gallery: ten images a row, from recorded runs alone."""

import pytest
import torch
from matplotlib import pyplot as plt

from chapters_lib.errors import ChaptersError
from chapters_lib.pages import gallery
from chapters_lib.recording import runs


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


def test_rows_that_differ_are_named_on_both_sides(monkeypatch, tmp_path):
    def labels(rows):
        monkeypatch.setattr(gallery, "rows", rows)
        figure = gallery.draw()
        found = [[tick.get_text() for tick in ax.get_yticklabels()] for ax in figure.axes[:2]]
        plt.close(figure)
        return found

    whole = gallery.rows
    left, right = labels(whole)
    assert left[:2] == ["real", "autoencoder"] and right == []

    def shorter(dataset):
        return dict(list(whole(dataset).items())[: 3 if dataset == "mnist" else None])

    left, right = labels(shorter)
    assert len(left) > 3 and right == list(shorter("mnist"))


def test_it_is_a_png_whatever_its_name(tmp_path):
    gallery.write(tmp_path / "gallery.txt")
    assert (tmp_path / "gallery.txt").read_bytes().startswith(b"\x89PNG")


def test_without_any_run_one_line_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAPTERS_RUNS", str(tmp_path))
    with pytest.raises(ChaptersError, match="train one first"):
        gallery.draw()
