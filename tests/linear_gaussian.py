"""A VAE whose log p(x) is known: x = Wz + b + noise, W with orthogonal columns, all in float64."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from chapters_lib.models.vae import VAE, StandardNormal

PIXELS, LATENT = 4, 2


class Likelihood(nn.Module):
    """p(x|z) = N(Wz + b, s²I), images of one row; a condition is added to the mean."""

    def __init__(self) -> None:
        super().__init__()
        directions = torch.tensor([[1.0, 1, 1, 1], [1, -1, 1, -1]], dtype=torch.float64)
        lengths = torch.tensor([0.5, 0.3], dtype=torch.float64)
        self.weight = nn.Parameter((directions * lengths[:, None]).T.contiguous())
        self.bias = nn.Parameter(torch.tensor([0.1, -0.2, 0.4, 0.0], dtype=torch.float64))
        self.log_scale = nn.Parameter(torch.tensor(0.7, dtype=torch.float64).log())

    def forward(self, z: Tensor, *condition: Tensor) -> Distribution:
        loc = z @ self.weight.T + self.bias
        for y in condition:
            loc = loc + y
        return Independent(Normal(loc.unflatten(-1, (1, 1, PIXELS)), self.log_scale.exp()), 3)


class Posterior(nn.Module):
    """q(z|x): the true posterior, which is diagonal here, moved by `shift` and stretched by `stretch`."""

    def __init__(self, likelihood: Likelihood, shift: float = 0.0, stretch: float = 1.0):
        super().__init__()
        with torch.no_grad():
            precision = likelihood.log_scale.mul(-2).exp()
            variance = 1 / (1 + precision * likelihood.weight.square().sum(0))
            gain = variance[:, None] * precision * likelihood.weight.T
        self.gain = nn.Parameter(gain)
        self.offset = nn.Parameter(shift - gain @ likelihood.bias.detach())
        self.log_scale = nn.Parameter(variance.sqrt().mul(stretch).log())
        self.calls = 0

    def forward(self, x: Tensor, *condition: Tensor) -> Distribution:
        self.calls += 1
        flat = x.flatten(1)
        for y in condition:
            flat = flat - y
        loc = flat @ self.gain.T + self.offset
        return Independent(Normal(loc, self.log_scale.exp().expand_as(loc)), 1)


def model(shift: float = 0.0, stretch: float = 1.0) -> VAE:
    """Return the model with its true posterior, or one that is off."""
    likelihood = Likelihood()
    return VAE(Posterior(likelihood, shift, stretch), likelihood, StandardNormal(LATENT).double())


def draw_images(count: int, seed: int = 0) -> Tensor:
    """Draw images from the model, shape (count, 1, 1, 4)."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(count, LATENT, dtype=torch.float64, generator=generator)
    noise = torch.randn(count, 1, 1, PIXELS, dtype=torch.float64, generator=generator)
    with torch.no_grad():
        p = Likelihood()(z)
        return p.mean + p.stddev * noise


@torch.no_grad()
def log_evidence(x: Tensor) -> Tensor:
    """Return log p(x) = log N(x; b, WWᵀ + s²I), shape (n,)."""
    likelihood = Likelihood()
    variance = likelihood.log_scale.mul(2).exp()
    covariance = likelihood.weight @ likelihood.weight.T + variance * torch.eye(PIXELS).double()
    return MultivariateNormal(likelihood.bias, covariance).log_prob(x.flatten(1))
