"""The mean squared error, by hand and as a Gaussian likelihood."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal

from chapters_lib.objectives.reconstruction import mean_squared_error


def test_by_hand() -> None:
    x = torch.tensor([[0.0, 1.0], [0.5, 0.5]], dtype=torch.float64)
    x_hat = torch.tensor([[0.0, 0.0], [0.5, 0.1]], dtype=torch.float64)
    assert float(mean_squared_error(x, x_hat)) == pytest.approx((0 + 1 + 0 + 0.16) / 4)


def test_mean_over_pixels_and_batch() -> None:
    """Neither the number of images nor that of pixels changes the error of a constant difference."""
    for shape in ((3, 1, 4, 4), (50, 1, 2, 2), (1, 3, 7, 5)):
        x = torch.rand(shape)
        assert float(mean_squared_error(x, x + 0.25)) == pytest.approx(0.0625, rel=1e-5)
        assert float(mean_squared_error(x, x)) == 0


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.0])
def test_is_the_gaussian_log_likelihood_up_to_factor_and_constant(sigma: float) -> None:
    """−log N(x; x̂, σ²I) = D/(2σ²)·MSE + D/2·log(2πσ²), a mean over the batch."""
    draw = torch.Generator().manual_seed(0)
    x, x_hat = torch.rand(2, 6, 1, 4, 4, dtype=torch.float64, generator=draw)
    nll = -Normal(x_hat, sigma).log_prob(x).flatten(1).sum(1).mean()
    d = 16
    expected = d / (2 * sigma**2) * mean_squared_error(x, x_hat) + d / 2 * math.log(
        2 * math.pi * sigma**2
    )
    assert float(nll) == pytest.approx(float(expected), rel=1e-12)


def test_gradient() -> None:
    draw = torch.Generator().manual_seed(1)
    x, x_hat = torch.rand(2, 3, 5, dtype=torch.float64, generator=draw)
    x_hat.requires_grad_()
    mean_squared_error(x, x_hat).backward()
    torch.testing.assert_close(x_hat.grad, 2 * (x_hat.detach() - x) / 15)
