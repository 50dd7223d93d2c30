"""The judge's augmentation."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from chapters_lib.recipes.judge import shifted


def images(count: int = 400) -> Tensor:
    """Images whose content keeps a border of two pixels free, so that a shift by two loses nothing."""
    x = torch.zeros(count, 2, 12, 9)
    x[:, :, 2:-2, 2:-2] = (
        torch.rand(count, 2, 8, 5, generator=torch.Generator().manual_seed(0)) + 0.1
    )
    return x


def places(x: Tensor) -> tuple[Tensor, Tensor]:
    """The first row and column of each image that are not empty."""
    filled = x.sum(1) > 0
    return filled.any(2).int().argmax(1), filled.any(1).int().argmax(1)


@pytest.mark.parametrize("most", [1, 2])
def test_whole_pixels_and_nothing_lost(most: int) -> None:
    torch.manual_seed(0)
    x = images()
    y = shifted(x, most)
    assert y.shape == x.shape and y.dtype == x.dtype
    rows, columns = places(y)
    for i in range(
        len(x)
    ):  # the content of each image is where its corner says, unchanged, zeros around
        top, left = int(rows[i]), int(columns[i])
        expected = torch.zeros_like(x[i])
        expected[:, top : top + 8, left : left + 5] = x[i, :, 2:-2, 2:-2]
        assert torch.equal(y[i], expected)
    # every shift happens, about equally often, independently in both directions
    choices = 2 * most + 1
    counts = torch.bincount(
        (rows - 2 + most) * choices + columns - 2 + most, minlength=choices**2
    ).double()
    expected_count = len(x) / choices**2
    assert len(counts) == choices**2
    chi_squared = float(((counts - expected_count) ** 2 / expected_count).sum())
    assert chi_squared < choices**2 + 4 * (2 * choices**2) ** 0.5


def test_zeros_move_in() -> None:
    torch.manual_seed(0)
    y = shifted(torch.ones(300, 1, 6, 6), 2)
    kept = y.flatten(1).sum(1)
    assert set(kept.tolist()) == {float((6 - a) * (6 - b)) for a in range(3) for b in range(3)}
    assert set(y.unique().tolist()) == {0.0, 1.0}


def test_no_shift() -> None:
    x = images(5)
    assert torch.equal(shifted(x, 0), x)


def test_repeats_under_its_seed() -> None:
    x = images()
    torch.manual_seed(1)
    first = shifted(x, 2)
    torch.manual_seed(1)
    assert torch.equal(shifted(x, 2), first) and not torch.equal(shifted(x, 2), first)
