"""Precision and recall on sets where both can be counted."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from chapters_lib.evaluation.precision_recall import (
    covered,
    precision_recall,
    radii,
    squared_distances,
)


def cloud(count: int, centre: float, seed: int, width: int = 4) -> Tensor:
    """Points of a cube of side 1 around (centre, 0, …)."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.rand(count, width, generator=draw, dtype=torch.float64) - 0.5
    x[:, 0] += centre
    return x


def test_distances() -> None:
    a, b = cloud(5, 0, 0), cloud(7, 3, 1)
    assert torch.allclose(squared_distances(a, b), torch.cdist(a, b) ** 2, rtol=1e-9)
    far = cloud(50, 0, 2) + 1000  # whose squares are a million times as large as their distances
    assert float(squared_distances(far, far).min()) >= 0


def test_radii_on_a_line() -> None:
    """At 0, 1, 3, 7: the nearest other point, and the second nearest."""
    x = torch.tensor([[0.0], [1.0], [3.0], [7.0]])
    assert radii(x, 1).tolist() == [1, 1, 4, 16]
    assert radii(x, 2).tolist() == [9, 4, 9, 36]
    for neighbours in (0, 4):
        with pytest.raises(ValueError, match=f"no {neighbours} neighbours"):
            radii(x, neighbours)


def test_itself_is_no_neighbour_beyond_the_first_thousand() -> None:
    x = torch.arange(1500, dtype=torch.float64)[:, None]
    assert set(radii(x, 1).tolist()) == {1.0}


def test_covered() -> None:
    centres, squares = torch.tensor([[0.0], [10.0]]), torch.tensor([4.0, 1.0])
    points = torch.tensor([[-2.0], [2.5], [9.0], [11.5]])
    assert covered(points, centres, squares).tolist() == [True, False, True, False]


def test_the_same_set() -> None:
    x = cloud(200, 0, 2)
    assert precision_recall(x, x) == (1.0, 1.0)


def test_far_apart() -> None:
    assert precision_recall(cloud(100, 0, 3), cloud(100, 5, 4)) == (0.0, 0.0)


def test_half_of_the_kinds() -> None:
    """Of two kinds one is drawn, well: precision high, recall the share of that kind."""
    real = torch.cat([cloud(300, 0, 5), cloud(300, 9, 6)])
    found = precision_recall(real, cloud(600, 0, 7))
    assert found.precision > 0.85
    assert 0.4 < found.recall <= 0.5


def test_half_of_the_samples_are_wrong() -> None:
    """Every kind is drawn, and as many images more that are nowhere near a real one."""
    drawn = torch.cat([cloud(300, 0, 8), cloud(300, 9, 9)])
    found = precision_recall(cloud(600, 0, 10), drawn)
    assert 0.4 < found.precision <= 0.5
    assert found.recall > 0.85


def test_roles() -> None:
    """Exchanging the sets exchanges the two numbers."""
    a, b = cloud(150, 0, 11), cloud(120, 0.4, 12)
    ab, ba = precision_recall(a, b), precision_recall(b, a)
    assert (ab.precision, ab.recall) == (ba.recall, ba.precision)
    assert 0 < ab.precision < 1


def test_features_far_from_zero_lose_no_digits() -> None:
    """Their squares, of 10⁶, would round away distances of size 1 in single precision."""
    a, b = (cloud(150, 1000 + 0.4 * seed, seed).float() for seed in (0, 1))
    near = [(x.double() - 1000 * torch.eye(4)[0]) for x in (a, b)]
    assert precision_recall(a, b) == precision_recall(*near)


def test_more_neighbours_cover_more() -> None:
    a, b = cloud(150, 0, 13), cloud(150, 0.5, 14)
    few, many = precision_recall(a, b, 1), precision_recall(a, b, 5)
    assert few.precision < many.precision and few.recall < many.recall
