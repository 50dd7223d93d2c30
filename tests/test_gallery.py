"""The gallery: ten images a row, from recorded runs alone."""

from pathlib import Path

import pytest
import torch
from matplotlib import pyplot as plt
from PIL import Image

from chapters_lib import gallery
from chapters_lib.errors import ChaptersError
from chapters_lib.recording import runs
from tests.pages.conftest import own_look  # noqa: F401


@pytest.mark.parametrize("panel", gallery.SAMPLES)
def test_rows_hold_ten_images_that_differ(panel):
    shown = gallery.rows(panel)
    real = ["real", "autoencoder"] if panel in gallery.SETS else []
    assert list(shown) == [*real, *gallery.SAMPLES[panel]]
    for images in shown.values():
        assert images.shape == (gallery.COLUMNS, 1, 28, 28)
        assert images.dtype == torch.uint8
        assert len(images.unique(dim=0)) == gallery.COLUMNS


def test_runs_that_are_not_recorded_are_left_out(monkeypatch):
    missing = {"gan-fc-mnist", "vae-realnvp-mnist"}
    recorded = [name for name in runs.names() if name not in missing]
    monkeypatch.setattr(gallery.runs, "names", lambda: recorded)
    assert all(label.startswith("DCGAN") for label in gallery.rows(gallery.FURTHER))


def test_every_set_of_rows_is_drawn():
    figure = gallery.draw()
    titles = [ax.get_title() or ax.get_title("left") for ax in figure.axes]  # by the style
    plt.close(figure)
    assert [title for title in titles if title] == [
        "Fashion-MNIST",
        "MNIST",
        "KMNIST",
        "MNIST, further models",
    ]


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

    def shorter(panel):
        return dict(list(whole(panel).items())[: 3 if panel == "MNIST" else None])

    left, right = labels(shorter)
    assert len(left) > 3 and right == list(shorter("MNIST"))


def test_it_is_a_png_whatever_its_name(tmp_path):
    gallery.write(tmp_path / "gallery.txt")
    assert (tmp_path / "gallery.txt").read_bytes().startswith(b"\x89PNG")


def test_without_any_run_one_line_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAPTERS_RUNS", str(tmp_path))
    with pytest.raises(ChaptersError, match="train one first"):
        gallery.draw()


def test_each_card_of_the_first_page_has_its_strip():
    shown = gallery.strips()
    cards = (Path(__file__).parents[1] / "book" / "_cards.md").read_text(encoding="utf-8")
    assert len(shown) == cards.count("{div} model-card")
    for images in shown.values():
        assert images.shape[1:] == (1, 28, 28)
        assert images.dtype == torch.uint8
        assert len(images) >= gallery.SHOWN


def test_the_poster_is_the_plane_that_its_explorer_begins_with(tmp_path):
    gallery.write_poster(tmp_path)
    plane, image = (Image.open(tmp_path / f"poster-{part}.png") for part in ("plane", "image"))
    assert plane.size == (645, 645) and image.size == (28, 28)
    assert (tmp_path / "poster-plane.png").stat().st_size < 50_000
    low, high = image.getextrema()
    assert high - low > 100
