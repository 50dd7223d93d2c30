"""The sheet's own file of images: whole ones are read, others are named in one line."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from chapters_lib.data.npy import URL, load_images
from chapters_lib.errors import ChaptersError

BYTES = np.random.default_rng(0).integers(0, 256, (5, 784), dtype=np.uint8)
BYTES[0, :2] = 0, 255


def saved(folder: Path, values: np.ndarray) -> Path:
    path = folder / "mnist_train_images.npy"
    np.save(path, values, allow_pickle=values.dtype.kind == "O")
    return path


@pytest.mark.parametrize(
    "values",
    [
        BYTES,
        BYTES.astype(np.int64),
        BYTES.astype(np.float64),
        BYTES.astype(np.float32) / np.float32(255),
        BYTES / 255,
        np.asfortranarray(BYTES),
        BYTES.astype(">f8"),
        BYTES + np.linspace(0, 0.49, 784) * (BYTES < 255),
    ],
    ids=[
        "bytes",
        "int64",
        "0 to 255",
        "float32",
        "0 to 1",
        "columns first",
        "big-endian",
        "rounded",
    ],
)
def test_every_kind_gives_the_same_bytes(values: np.ndarray, tmp_path: Path) -> None:
    images = load_images(saved(tmp_path, values))
    assert images.dtype == torch.uint8 and images.shape == (5, 1, 28, 28)
    assert np.array_equal(images.numpy().reshape(5, 784), BYTES)
    assert images.is_contiguous()


def test_rows_are_images_line_by_line(tmp_path: Path) -> None:
    values = np.zeros((2, 784), np.uint8)
    values[1, 28] = 7  # the second line's first pixel
    images = load_images(str(saved(tmp_path, values)))
    assert images[1, 0, 1, 0] == 7 and int(images.sum()) == 7


def test_dark_bytes_stay_dark(tmp_path: Path) -> None:
    """Whole numbers are never scaled, though they be 0 and 1 alone."""
    images = load_images(saved(tmp_path, BYTES // 128))
    assert int(images.max()) == 1


def archive() -> bytes:
    file = io.BytesIO()
    np.savez(file, images=BYTES)
    return file.getvalue()


def whole() -> bytes:
    file = io.BytesIO()
    np.save(file, BYTES)
    return file.getvalue()


def refused(path: Path) -> str:
    with pytest.raises(ChaptersError) as caught:
        load_images(path)
    line = str(caught.value)
    assert "\n" not in line and str(path) in line and URL in line
    return line


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (BYTES[0], "shape (784,)"),
        (BYTES.reshape(5, 28, 28), "shape (5, 28, 28)"),
        (BYTES[:, :783], "shape (5, 783)"),
        (BYTES[:0], "shape (0, 784)"),
        (BYTES.astype(np.int16) - 1, "values from -1 to 254"),
        (BYTES.astype(np.int16) + 1, "values from 1 to 256"),
        (BYTES / 127.5 - 1, "values from -1 to 1"),
        (np.where(BYTES > 200, np.nan, BYTES / 255), "values from nan to nan"),
        (np.where(BYTES > 200, np.inf, BYTES / 255), "to inf"),
        (BYTES > 100, "type bool"),
        (BYTES.astype("U3"), "type <U3"),
        (BYTES.astype(complex), "type complex128"),
        (BYTES.astype(object), "no whole .npy file"),
    ],
)
def test_other_arrays(values: np.ndarray, says: str, tmp_path: Path) -> None:
    assert says in refused(saved(tmp_path, values))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: b"", "no whole .npy file"),
        (lambda: b"<?xml version='1.0'?><Error/>", "no whole .npy file"),
        (lambda: whole()[:-1], "no whole .npy file"),
        (lambda: whole()[:60], "no whole .npy file"),
        (lambda: whole()[:8] + b"\xff" + whole()[9:], "no whole .npy file"),
        (archive, "an archive of arrays"),
        (lambda: archive()[:200], "no whole .npy file"),
    ],
    ids=["empty", "an error page", "cut", "header cut", "header damaged", "archive", "archive cut"],
)
def test_other_files(make: Callable[[], bytes], says: str, tmp_path: Path) -> None:
    path = tmp_path / "mnist_train_images.npy"
    path.write_bytes(make())
    assert says in refused(path)


def test_no_file(tmp_path: Path) -> None:
    assert "there is no" in refused(tmp_path / "mnist_train_images.npy")
    assert "cannot be read" in refused(tmp_path)  # a folder
