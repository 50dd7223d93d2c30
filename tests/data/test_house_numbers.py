"""Rendered house numbers: each crop by its index alone; kept, and made again where what was kept is damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from chapters_lib import data
from chapters_lib.data import house_numbers
from tests.conftest import Folders


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small splits of small blocks."""
    monkeypatch.setattr(house_numbers, "COUNTS", {"train": 90, "test": 40})
    monkeypatch.setattr(house_numbers, "_BLOCK", 30)


def test_images_and_labels(few: None) -> None:
    images, labels = house_numbers.render("train")
    assert images.shape == (90, 3, 32, 32) and images.dtype == torch.uint8
    assert labels.dtype == torch.int64 and labels.shape == (90,)
    assert labels.unique().tolist() == list(range(10))
    spread = images.float().std((2, 3)).mean(1)
    assert float(spread.min()) > 1  # no crop is empty
    x = images.double() / 255
    assert 0.3 < float(x.mean()) < 0.65 and 0.1 < float(x.std()) < 0.35
    grey = x.mean(1, keepdim=True)
    assert float((x - grey).abs().mean()) > 0.01  # colours


def test_by_seed_split_and_index(few: None, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, labels = house_numbers.render("train")
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    again, _ = house_numbers.render("train", 35)
    assert torch.equal(again, whole[:35])
    atlas = house_numbers._atlas()
    block, of_block = house_numbers._block("train", 60, 30, atlas)
    assert torch.equal(block, whole[60:]) and torch.equal(of_block, labels[60:])
    assert not torch.equal(house_numbers.render("test", 35)[0], whole[:35])
    monkeypatch.setattr(house_numbers, "SEED", 1)
    assert not torch.equal(house_numbers.render("train", 35)[0], whole[:35])


def test_no_two_crops_are_alike(few: None) -> None:
    both = torch.cat([house_numbers.render(split)[0] for split in ("train", "test")])
    assert len({image.numpy().tobytes() for image in both}) == len(both)


def test_the_digit_is_what_the_label_says() -> None:
    """The mean mask of the crops of each label is most like that digit's mean glyph over the typefaces."""
    atlas = house_numbers._atlas()
    labels, masks = house_numbers._number(house_numbers._Draws("train", 0, 1000), atlas)
    seen = torch.stack([masks[labels == digit].mean(0)[0, :, 16:48] for digit in range(10)])
    near = atlas[0].mean(0)[:10, 9:55, 9:55]  # as much of a glyph's square as a crop shows
    glyphs = F.interpolate(near[:, None], (64, 64), mode="bilinear")[:, 0, :, 16:48]
    both = [(x.flatten(1) - x.mean(0).flatten()) for x in (seen, glyphs)]
    likeness = F.normalize(both[0], dim=1) @ F.normalize(both[1], dim=1).T
    assert likeness.argmax(1).tolist() == list(range(10))


def test_typefaces_are_there() -> None:
    paths = house_numbers.typefaces()
    assert len(paths) == len(set(paths)) == len(house_numbers.TYPEFACES) >= 20
    assert all(path.is_file() for path in paths)
    masks, widths = house_numbers._atlas()
    assert masks.shape == (len(paths), 11, 64, 64) and float(masks.amax((2, 3)).min()) > 0.3
    border = torch.ones(64, 64, dtype=torch.bool)
    border[1:-1, 1:-1] = False
    assert float(masks[..., border].max()) < 0.05  # no glyph is cut off
    assert float(widths.min()) > 0.3 and float(widths.max()) < 1.2


def test_kept_and_read_again(few: None, folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    first = data.load("house-numbers", "test")
    assert len(first) == 40 and first.classes == tuple("0123456789")
    (kept,) = folders.cache.glob("house-numbers-*-test.npz")
    render = house_numbers.render

    def never(*args: object) -> None:
        raise AssertionError("rendered although kept")

    monkeypatch.setattr(house_numbers, "render", never)
    assert data.load("house-numbers", "test").sha256 == first.sha256
    monkeypatch.setattr(house_numbers, "render", render)
    for damage in (b"", b"PK\x03\x04half", kept.read_bytes()[:-200]):
        kept.write_bytes(damage)
        assert data.load("house-numbers", "test").sha256 == first.sha256
    np.savez(kept, images=first.images[:3].numpy(), labels=first.labels[:3].numpy())
    assert len(data.load("house-numbers", "test")) == 40
    assert [path.name for path in folders.cache.iterdir()] == [kept.name]


def test_a_folder_that_cannot_be_written(few: None, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    images, _ = house_numbers.load(tmp_path / "file" / "below", "test")
    assert len(images) == 40


def test_channels() -> None:
    assert [data.channels(name) for name in ("mnist", "house-numbers", "svhn")] == [1, 3, 3]
