"""PCA: against NumPy, and as the best linear autoencoder."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from chapters_lib.evaluation.pca import fit_pca


def images(count: int = 60, seed: int = 0) -> Tensor:
    """Return correlated images in float64, shape (count, 1, 3, 4)."""
    draw = torch.Generator().manual_seed(seed)
    mix = torch.randn(12, 12, generator=draw, dtype=torch.float64)
    return (torch.randn(count, 12, generator=draw, dtype=torch.float64) @ mix + 2).reshape(
        -1, 1, 3, 4
    )


def subspace_mse(x: np.ndarray, basis: np.ndarray) -> float:
    """The error of the best affine reconstruction within the span of the rows of `basis`."""
    centred = x - x.mean(0)
    q, _ = np.linalg.qr(basis.T)
    return float(((centred - centred @ q @ q.T) ** 2).mean())


@pytest.mark.parametrize("components", [1, 2, 5, 12])
def test_against_singular_values(components: int) -> None:
    """MSE = Σ_{i>k} s_i² / (N·D), and the directions are the right singular vectors up to sign."""
    x = images()
    flat = x.flatten(1).numpy()
    _, s, vt = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    pca = fit_pca(x, components)
    assert pca.mse(x) == pytest.approx((s[components:] ** 2).sum() / flat.size, rel=1e-9, abs=1e-18)
    cosines = np.abs((pca.components.numpy() * vt[:components]).sum(1))
    np.testing.assert_allclose(cosines, 1, rtol=1e-9)
    np.testing.assert_allclose(pca.components @ pca.components.T, np.eye(components), atol=1e-12)
    np.testing.assert_allclose(pca.mean, flat.mean(0), rtol=1e-12)


@pytest.mark.parametrize("components", [1, 2, 4])
def test_no_subspace_is_better(components: int) -> None:
    x, draw = images(), np.random.default_rng(0)
    flat, pca = x.flatten(1).numpy(), fit_pca(images(), components)
    best = pca.mse(x)
    assert subspace_mse(flat, pca.components.numpy()) == pytest.approx(best, rel=1e-9)
    for _ in range(200):
        assert subspace_mse(flat, draw.normal(size=(components, 12))) > best
        nearby = pca.components.numpy() + 1e-2 * draw.normal(size=(components, 12))
        assert subspace_mse(flat, nearby) > best


def test_no_component_leaves_the_variance() -> None:
    x = images()
    total = float(x.flatten(1).var(0, unbiased=False).mean())
    assert fit_pca(x, 0).mse(x) == pytest.approx(total, rel=1e-12)
    assert fit_pca(x, 3).mse(x, 0) == pytest.approx(total, rel=1e-12)
    assert fit_pca(x, 12).mse(x) == pytest.approx(0, abs=1e-20)


def test_fewer_components_of_one_fit() -> None:
    x, other = images(), images(20, seed=1)
    whole = fit_pca(x, 8)
    for k in (1, 3, 8):
        assert whole.mse(other, k) == pytest.approx(fit_pca(x, k).mse(other), rel=1e-9)
    errors = [whole.mse(x, k) for k in range(9)]
    assert errors == sorted(errors, reverse=True)


def test_encode_and_decode() -> None:
    x = images()
    pca = fit_pca(x, 3)
    z = pca.encode(x)
    assert z.shape == (60, 3) and pca.decode(z).shape == (60, 12)
    assert float((pca.decode(z) - x.flatten(1)).square().mean()) == pytest.approx(
        pca.mse(x), rel=1e-9
    )
    assert z.mean(0).abs().max() < 1e-12
    torch.testing.assert_close(pca.encode(pca.decode(z).reshape(-1, 1, 3, 4)), z)
    covariance = torch.cov(z.T)
    assert (covariance - covariance.diag().diag()).abs().max() < 1e-9  # uncorrelated
    assert covariance.diag().tolist() == sorted(covariance.diag().tolist(), reverse=True)


def test_single_precision_images() -> None:
    x = images().float()
    assert fit_pca(x, 2).mse(x) == pytest.approx(fit_pca(x.double(), 2).mse(x.double()), rel=1e-6)
