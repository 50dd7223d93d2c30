"""The few real crops of SVHN, read from a file, and the changes that leave a digit the digit it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from chapters_lib import data
from chapters_lib.data import svhn_crops
from chapters_lib.data.augmentation import augmented, on_levels, recoloured, shifted
from chapters_lib.errors import ChaptersError
from tests.conftest import Folders

COUNTS = {"train": 12, "val": 3, "test": 5}


def write_crops(folders: Folders, counts: dict[str, int] = COUNTS, side: int = 32) -> Path:
    """Write random crops in the form of the file; every fourth of the train part has no official label."""
    path = folders.data / "svhn" / svhn_crops.FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    total, draw = sum(counts.values()), np.random.default_rng(0)
    part = np.repeat(list(counts), list(counts.values()))
    np.savez(
        path,
        images=draw.integers(0, 256, (total, side, side, 3), dtype=np.uint8),
        labels=(np.arange(total) % 10).astype(np.int8),
        label_official=(np.arange(total) % 4 != 0) | (part != "train"),
        part=part,
    )
    return path


def test_parts_are_those_of_the_file(folders: Folders) -> None:
    """Colours come first, and a label that is not official is none."""
    path = write_crops(folders)
    with np.load(path) as kept:
        images, part = kept["images"], kept["part"]
    for split, count in COUNTS.items():
        found = data.load("svhn-crops", split)
        assert len(found) == count and found.images.shape[1:] == (3, 32, 32)
        assert found.images.dtype == torch.uint8 and found.images.is_contiguous()
        assert np.array_equal(found.images.permute(0, 2, 3, 1).numpy(), images[part == split])
    train = data.load("svhn-crops", "train")
    assert (train.labels == data.UNLABELLED).tolist() == [i % 4 == 0 for i in range(12)]
    assert train.labelled().labels.tolist() == [1, 2, 3, 5, 6, 7, 9, 0, 1]
    test = data.load("svhn-crops", "test")
    assert test.labelled() is test and test.labels.dtype == torch.int64
    assert data.channels("svhn-crops") == 3


def test_what_is_held_out_is_the_files_own_part(folders: Folders) -> None:
    write_crops(folders)
    assert data.splits("svhn-crops") == ("train", "val", "test")
    assert data.splits("mnist") == ("train", "test")
    for share in (0.5, 1 / 12):
        training, held = data.training_split("svhn-crops", share)
        assert training.sha256 == data.load("svhn-crops", "train").sha256
        assert held.sha256 == data.load("svhn-crops", "val").sha256
    assert len(data.training_split("svhn-crops")[1]) == 0
    with pytest.raises(ChaptersError, match="unknown split 'val' of digits: use train or test"):
        data.load("digits", "val")
    with pytest.raises(ChaptersError, match="use train, val or test"):
        data.load("svhn-crops", "extra")


def test_without_the_file_there_is_a_way_out(folders: Folders) -> None:
    with pytest.raises(ChaptersError, match=r"svhn_real_crops.*is missing.*CHAPTERS_DATA"):
        data.load("svhn-crops", "train")


def test_a_damaged_or_other_file_is_refused(folders: Folders) -> None:
    write_crops(folders, side=28)
    with pytest.raises(ChaptersError, match="not 32x32x3 bytes"):
        data.load("svhn-crops", "train")
    path = write_crops(folders, {"train": 4, "test": 2})
    with pytest.raises(ChaptersError, match="holds 0 images"):
        data.load("svhn-crops", "val")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ChaptersError, match="is damaged"):
        data.load("svhn-crops", "train")


# changes of training images


def test_pixels_move_together_and_edges_are_repeated() -> None:
    torch.manual_seed(0)
    x = torch.arange(64.0).view(1, 1, 8, 8).expand(200, 3, 8, 8)
    moved = shifted(x, 2, "replicate")
    ways = {tuple(image.flatten().tolist()) for image in moved}
    assert len(ways) == 25 and moved.shape == x.shape
    for image in moved[:20]:
        top = int(image[0, 4, 4]) // 8 - 4
        left = int(image[0, 4, 4]) % 8 - 4
        rows = (torch.arange(8) + top).clamp(0, 7)
        columns = (torch.arange(8) + left).clamp(0, 7)
        assert torch.equal(image[1], x[0, 1][rows][:, columns])
    assert float(shifted(x + 1, 2).min()) == 0  # else zeros move in


def test_colours_change_a_little() -> None:
    """The order of the grey levels stays, and so does the place of everything."""
    torch.manual_seed(0)
    x = torch.rand(50, 3, 8, 8)
    changed = recoloured(x, 0.2)
    assert 0.02 < float((changed - x).abs().mean()) < 0.1
    contrast = changed.std((2, 3)) / x.std((2, 3))
    torch.testing.assert_close(contrast, contrast[:, :1].expand(-1, 3))  # one number an image
    assert 0.8 <= float(contrast.min()) < 0.85 and 1.15 < float(contrast.max()) <= 1.2
    brightness = changed.mean((2, 3)) - x.mean((2, 3))
    assert 0.08 < float(brightness.abs().max()) <= 0.1 + 1e-6


def test_gradients_pass_through_and_nothing_is_asked_of_nothing() -> None:
    x = torch.rand(4, 3, 8, 8, requires_grad=True)
    assert augmented(x, 0, 0.0) is x
    augmented(x, 2, 0.2).sum().backward()
    assert x.grad is not None and float(x.grad.abs().sum()) > 0
    levels = on_levels(torch.tensor([-0.2, 0.5001, 1.3])) * 255
    assert levels.tolist() == [0, 128, 255]
