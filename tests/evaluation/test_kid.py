"""The kernel distance: unbiased by enumeration, its standard error by repetition."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from chapters_lib.evaluation.kid import kernel_distance, permuted, polynomial_kernel


def brute_force(a: Tensor, b: Tensor) -> float:
    """The three means, pair by pair."""

    def k(x: Tensor, y: Tensor) -> float:
        return (float(x @ y) / len(x) + 1) ** 3

    def within(x: Tensor) -> float:
        pairs = list(itertools.permutations(range(len(x)), 2))
        return sum(k(x[i], x[j]) for i, j in pairs) / len(pairs)

    across = sum(k(x, y) for x in a for y in b) / (len(a) * len(b))
    return within(a) + within(b) - 2 * across


def normal(count: int, width: int, seed: int) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(count, width, generator=draw, dtype=torch.float64)


def test_kernel() -> None:
    a = torch.tensor([[1.0, 2.0], [0.0, 0.0]])
    b = torch.tensor([[3.0, -1.0]])
    assert polynomial_kernel(a, b).flatten().tolist() == [(1 / 2 + 1) ** 3, 1.0]


@pytest.mark.parametrize(("n", "m"), [(2, 2), (7, 4), (5, 9)])
def test_is_the_three_means(n: int, m: int) -> None:
    a, b = normal(n, 3, 0), normal(m, 3, 1) + 0.5
    assert kernel_distance(a, b).value == pytest.approx(brute_force(a, b), rel=1e-10)
    assert kernel_distance(b, a) == pytest.approx(kernel_distance(a, b), rel=1e-10)


def test_long_sets_are_cut_into_parts() -> None:
    """More than a thousand rows: the same as the whole matrices at once."""
    a, b = normal(1203, 4, 2), 1.5 * normal(1100, 4, 3)
    n, m = len(a), len(b)
    own = [polynomial_kernel(x, x) for x in (a, b)]
    expected = (
        (own[0].sum() - own[0].trace()) / (n * (n - 1))
        + (own[1].sum() - own[1].trace()) / (m * (m - 1))
        - 2 * polynomial_kernel(a, b).mean()
    )
    assert kernel_distance(a, b).value == pytest.approx(float(expected), rel=1e-9)


def test_unbiased_by_enumeration() -> None:
    """Over all samples of three from one population and two from another, the mean is the populations' own value."""
    p, q = normal(4, 2, 4), normal(3, 2, 5) + 0.3
    draws = [
        kernel_distance(p[list(i)], q[list(j)]).value
        for i in itertools.product(range(4), repeat=3)
        for j in itertools.product(range(3), repeat=2)
    ]
    exact = (
        polynomial_kernel(p, p).mean()
        + polynomial_kernel(q, q).mean()
        - 2 * polynomial_kernel(p, q).mean()
    )
    assert sum(draws) / len(draws) == pytest.approx(float(exact), rel=1e-9)
    assert min(draws) < 0 < float(exact)  # what a distance cannot be, an unbiased estimate can


@pytest.mark.parametrize("shift", [0.3, 1.0])
def test_standard_error(shift: float) -> None:
    """The stated error is, on average, that of repeated draws; it never says much less."""
    found = [
        kernel_distance(normal(80, 5, 2 * i), normal(60, 5, 2 * i + 1) + shift) for i in range(300)
    ]
    values = torch.tensor([f.value for f in found], dtype=torch.float64)
    stated = torch.tensor([f.sem for f in found], dtype=torch.float64).square().mean().sqrt()
    assert 0.85 < float(stated / values.std()) < 1.3


def test_one_image_is_too_few() -> None:
    with pytest.raises(ValueError, match="not 1 and 5"):
        kernel_distance(normal(1, 3, 0), normal(5, 3, 1))


def test_random_splits_read_as_far_as_two_sets_of_one_distribution_and_not_of_two():
    """Over many pairs the share is uniform where p = q, and least where the sets differ."""
    draw = torch.Generator().manual_seed(3)
    one = torch.randn(40, 60, 4, generator=draw)
    shares = torch.tensor([permuted(x[:30], x[30:], times=99) for x in one])
    assert 0.3 < shares.mean() < 0.7 and shares.min() < 0.2 and shares.max() > 0.8
    assert permuted(one[0], one[1] + 1.5, times=99) == 0.01
    assert permuted(torch.ones(4, 2), torch.ones(3, 2), times=9) == 1  # as far apart counts too


def test_the_share_of_splits_is_counted_with_the_distance_itself() -> None:
    a, b = normal(7, 3, 8), normal(5, 3, 9) + 0.2
    draw, both = torch.Generator().manual_seed(2), torch.cat([a, b])
    far = 0
    for _ in range(60):
        split = both[torch.randperm(12, generator=draw)]
        far += kernel_distance(split[:7], split[7:]).value > kernel_distance(a, b).value
    assert permuted(a, b, times=60, seed=2) == pytest.approx((1 + far) / 61)
    assert 1 < far < 59
