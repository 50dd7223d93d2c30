"""The Fréchet distance: known cases, properties, a second implementation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from chapters_lib.evaluation.fid import feature_distance, frechet_distance, moments


def gaussian(dimensions: int, seed: int, rank: int | None = None) -> tuple[Tensor, Tensor]:
    """Return a mean and a random covariance of the given rank, float64."""
    draw = torch.Generator().manual_seed(seed)
    factor = torch.randn(dimensions, rank or dimensions, generator=draw, dtype=torch.float64)
    return torch.randn(
        dimensions, generator=draw, dtype=torch.float64
    ), factor @ factor.T / dimensions


def rotation(dimensions: int, seed: int) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(
        torch.randn(dimensions, dimensions, generator=draw, dtype=torch.float64)
    )[0]


def second_implementation(mean_a: Tensor, cov_a: Tensor, mean_b: Tensor, cov_b: Tensor) -> float:
    """tr (C_a C_b)^½ by SciPy's Schur method, as the published implementations have it."""
    root = scipy.linalg.sqrtm(cov_a.numpy() @ cov_b.numpy())
    difference = (mean_a - mean_b).numpy()
    return float(difference @ difference + np.trace(cov_a + cov_b) - 2 * np.trace(root).real)


def test_shifted_means() -> None:
    mean, cov = gaussian(5, 0)
    shift = torch.tensor([3.0, 0, 4, 0, 0], dtype=torch.float64)
    assert frechet_distance(mean, cov, mean, cov) == pytest.approx(0, abs=1e-12)
    assert frechet_distance(mean, cov, mean + shift, cov) == pytest.approx(25, rel=1e-12)


def test_one_dimension() -> None:
    """(m_a − m_b)² + (σ_a − σ_b)²."""
    one = [torch.tensor(v, dtype=torch.float64) for v in ([1.0], [[4.0]], [-2.0], [[25.0]])]
    assert frechet_distance(*one) == pytest.approx(9 + 9, rel=1e-12)


@pytest.mark.parametrize("dimensions", [2, 7, 40])
def test_commuting_covariances(dimensions: int) -> None:
    """With common eigenvectors: Σ (√λ_a − √λ_b)²."""
    draw = torch.Generator().manual_seed(1)
    a, b = torch.rand(2, dimensions, generator=draw, dtype=torch.float64) * 5
    q, mean = rotation(dimensions, 2), torch.zeros(dimensions, dtype=torch.float64)
    found = frechet_distance(mean, q @ a.diag() @ q.T, mean, q @ b.diag() @ q.T)
    assert found == pytest.approx(float((a.sqrt() - b.sqrt()).square().sum()), rel=1e-9)


@pytest.mark.parametrize("dimensions", [1, 3, 20, 64])
def test_against_a_second_implementation(dimensions: int) -> None:
    a, b = gaussian(dimensions, 3), gaussian(dimensions, 4)
    assert frechet_distance(*a, *b) == pytest.approx(second_implementation(*a, *b), rel=1e-9)


def test_singular_covariances() -> None:
    """Fewer samples than features. In perpendicular planes nothing can be shared: both traces are paid in full."""
    mean = torch.zeros(6, dtype=torch.float64)
    a = torch.diag(torch.tensor([1.0, 2, 3, 0, 0, 0], dtype=torch.float64))
    b = torch.diag(torch.tensor([0.0, 0, 0, 4, 5, 0], dtype=torch.float64))
    q = rotation(6, 5)
    assert frechet_distance(mean, q @ a @ q.T, mean, q @ b @ q.T) == pytest.approx(15, rel=1e-7)
    assert frechet_distance(mean, torch.zeros_like(a), mean, a) == pytest.approx(6, rel=1e-12)
    low = gaussian(30, 6, rank=4)
    assert frechet_distance(*low, *low) == pytest.approx(0, abs=1e-6)
    assert np.isfinite(frechet_distance(*low, *gaussian(30, 7, rank=2)))


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), dimensions=st.integers(1, 8))
def test_properties(seed: int, dimensions: int) -> None:
    """Symmetric, not negative, the same after rotating both, its root obeys the triangle inequality."""
    a, b, c = (gaussian(dimensions, seed + i) for i in range(3))
    q = rotation(dimensions, seed)
    ab = frechet_distance(*a, *b)
    assert ab >= 0 and ab == pytest.approx(frechet_distance(*b, *a), rel=1e-8, abs=1e-9)
    turned = [(q @ m, q @ s @ q.T) for m, s in (a, b)]
    assert frechet_distance(*turned[0], *turned[1]) == pytest.approx(ab, rel=1e-7, abs=1e-9)
    ac, bc = frechet_distance(*a, *c), frechet_distance(*b, *c)
    assert ac**0.5 <= ab**0.5 + bc**0.5 + 1e-7


def test_moments() -> None:
    draw = torch.Generator().manual_seed(0)
    features = torch.randn(50, 4, generator=draw) + 100
    mean, cov = moments(features)
    assert mean.dtype == cov.dtype == torch.float64
    np.testing.assert_allclose(mean, features.double().numpy().mean(0), rtol=1e-14)
    np.testing.assert_allclose(cov, np.cov(features.double().numpy().T), rtol=1e-10)
    assert moments(torch.rand(9, 1))[1].shape == (1, 1)


def test_samples_of_known_gaussians() -> None:
    """From n samples the distance is off by a standard error of about 2·‖m_a − m_b‖·σ·√(2/n), and a bias of d/n."""
    n, d = 40_000, 3
    draw = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, n, d, generator=draw, dtype=torch.float64)
    b = 2 * b + torch.tensor([1.0, 2.0, 2.0], dtype=torch.float64)
    exact = 9 + d * (2 - 1) ** 2
    standard_error = (
        2 * 3 * (5 / n) ** 0.5
    )  # each mean along the difference has variance 1/n and 4/n
    assert frechet_distance(*moments(a), *moments(b)) == pytest.approx(
        exact, abs=5 * standard_error
    )


def test_shapes_are_checked() -> None:
    """The annotations' shapes hold at every call."""
    mean, cov = gaussian(3, 0)
    with pytest.raises(ValueError, match=r"mean_b: float64 of shape \(2,\)"):
        frechet_distance(mean, cov, mean[:2], cov)


def test_features_through_their_moments() -> None:
    draw = torch.Generator().manual_seed(2)
    a, b = torch.randn(60, 5, generator=draw), 2 * torch.randn(50, 5, generator=draw) + 1
    expected = second_implementation(*moments(a), *moments(b))
    assert feature_distance(a, b) == pytest.approx(expected, rel=1e-3)
    assert feature_distance(a, a) == pytest.approx(0, abs=1e-6)
    same = torch.randn(20, 60, 5, generator=draw)
    assert min(feature_distance(x, x) for x in same) >= 0  # nor does rounding make it negative


def test_fewer_samples_than_features_agree_with_a_second_implementation() -> None:
    """SciPy's Schur method leaves an imaginary part behind here; the real part of the trace is the same to 1e-3."""
    draw = torch.Generator().manual_seed(3)
    mix = torch.randn(40, 40, generator=draw, dtype=torch.float64) / 40**0.5
    a, b = (torch.randn(25, 40, generator=draw, dtype=torch.float64) @ mix for _ in range(2))
    assert feature_distance(a, b + 1) == pytest.approx(
        second_implementation(*moments(a), *moments(b + 1)), rel=1e-3
    )


def test_bias_of_few_samples() -> None:
    """Two sets from one Gaussian have distance 0; what is measured falls as their number grows."""
    draw = torch.Generator().manual_seed(4)
    found = [feature_distance(*torch.randn(2, n, 20, generator=draw)) for n in (50, 200, 800, 3200)]
    assert all(more < 0.5 * fewer for fewer, more in itertools.pairwise(found))
    assert found[-1] > 0
