"""The discretised logistic: a distribution over 256 levels; and the convolutional VAE that uses it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from chapters_lib.models.discretised import (
    DiscretisedLogistic,
    DiscretisedLogisticDecoder,
    convolutional,
)
from chapters_lib.models.realnvp import RealNVP
from chapters_lib.models.vae import StandardNormal
from chapters_lib.objectives.elbo import elbo, negative_elbo

LEVELS = torch.arange(256, dtype=torch.float64) / 255
PLACES = [-1.0, 0.0, 0.003, 0.4987, 1.0, 1.7]
LOG_SCALES = [-7.0, -5.0, -2.0, 0.0, 3.0]


class Fixed(nn.Module):
    """A network that returns the same whatever the code."""

    def __init__(self, out: Tensor):
        super().__init__()
        self.out = out

    def forward(self, z: Tensor) -> Tensor:
        return self.out


def one_pixel(loc: float, log_scale: float) -> DiscretisedLogistic:
    """Return the distribution of one pixel, for each of 256 images."""
    shape = (256, 1, 1, 1)
    return DiscretisedLogistic(
        torch.full(shape, loc, dtype=torch.float64),
        torch.full(shape, log_scale, dtype=torch.float64),
    )


def log_masses(loc: float, log_scale: float) -> Tensor:
    return one_pixel(loc, log_scale).log_prob(LEVELS[:, None, None, None])


@pytest.mark.parametrize("loc", PLACES)
@pytest.mark.parametrize("log_scale", LOG_SCALES)
def test_masses_sum_to_one(loc: float, log_scale: float) -> None:
    assert float(log_masses(loc, log_scale).exp().sum()) == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("loc", PLACES)
@pytest.mark.parametrize("log_scale", [-3.0, -1.0, 1.0])
def test_masses_are_differences_of_the_distribution_function(loc: float, log_scale: float) -> None:
    upper = ((LEVELS + 0.5 / 255 - loc) / math.exp(log_scale)).sigmoid()
    lower = ((LEVELS - 0.5 / 255 - loc) / math.exp(log_scale)).sigmoid()
    upper[-1], lower[0] = 1, 0
    torch.testing.assert_close(
        log_masses(loc, log_scale).exp(), upper - lower, rtol=1e-6, atol=1e-14
    )


def test_far_levels_have_finite_scores_and_gradients() -> None:
    """In single precision, where a difference of sigmoids is 0."""
    loc = torch.zeros(1, 3, 2, 2, requires_grad=True)
    log_scale = torch.full((1, 3, 2, 2), -7.0, requires_grad=True)
    score = DiscretisedLogistic(loc, log_scale).log_prob(torch.full((1, 3, 2, 2), 200 / 255))
    assert score.shape == (1,) and bool(score.isfinite()) and float(score.detach()) < -1000
    score.sum().backward()
    for part in (loc, log_scale):
        assert part.grad is not None and bool(part.grad.isfinite().all()) and bool(part.grad.all())


@pytest.mark.parametrize("loc", PLACES)
@pytest.mark.parametrize("log_scale", LOG_SCALES)
def test_mean(loc: float, log_scale: float) -> None:
    """That of the variable cut off at both ends: within a level of the rounded one's."""
    exact = float((log_masses(loc, log_scale).exp() * LEVELS).sum())
    assert float(one_pixel(loc, log_scale).mean[0]) == pytest.approx(exact, abs=0.6 / 255)
    assert 0 <= float(one_pixel(loc, log_scale).mean[0]) <= 1


def test_draws_have_the_masses() -> None:
    torch.manual_seed(0)
    p = DiscretisedLogistic(torch.full((1, 1, 1), 0.1), torch.full((1, 1, 1), -3.0))
    drawn = p.sample((100_000,))
    level = (drawn * 255).round()
    torch.testing.assert_close(level / 255, drawn)
    share = level.flatten().long().bincount(minlength=256) / 100_000
    mass = log_masses(0.1, -3.0).exp()
    error = (mass * (1 - mass) / 100_000).sqrt()
    assert bool(((share - mass).abs() < 5 * error + 1e-6).all())


def test_scores_of_several_codes_an_image() -> None:
    torch.manual_seed(0)
    decoder = DiscretisedLogisticDecoder(nn.Sequential(nn.Linear(2, 24), nn.Unflatten(1, (6, 2, 2))))  # fmt: skip
    z, x = torch.randn(5, 4, 2), (torch.rand(4, 3, 2, 2) * 255).round() / 255
    p = decoder(z)
    assert p.batch_shape == (5, 4) and p.event_shape == (3, 2, 2)
    assert p.log_prob(x).shape == (5, 4) and p.mean.shape == (5, 4, 3, 2, 2)
    torch.testing.assert_close(p.log_prob(x)[3], decoder(z[3]).log_prob(x))
    assert float(p.log_scale.detach().min()) > -7


def test_locations_come_first_and_count_from_mid_grey() -> None:
    """Then what becomes the log-scales: −7 + log(1 + e^(r + 4.5)) of a number r."""
    out = torch.tensor([0.1, -0.3, 2.0, -1.0]).view(1, 4, 1, 1)
    p = DiscretisedLogisticDecoder(Fixed(out))(torch.zeros(1, 2))
    assert p.loc.flatten().tolist() == pytest.approx([0.6, 0.2])
    expected = [-7 + math.log1p(math.exp(r + 4.5)) for r in (2.0, -1.0)]
    assert p.log_scale.flatten().tolist() == pytest.approx(expected)


@pytest.mark.parametrize("couplings", [0, 4])
def test_convolutional_pair(couplings: int) -> None:
    """Shapes, a bound of the size of untrained noise, and a gradient for every weight."""
    torch.manual_seed(0)
    prior = RealNVP(6, couplings, (8,)) if couplings else StandardNormal(6)
    model = convolutional(latent=6, width=8, prior=prior)
    x = (torch.rand(3, 3, 32, 32) * 255).round() / 255
    assert model(x).shape == x.shape
    with torch.no_grad():
        for weight in model.prior.parameters():
            weight += 0.1 * torch.randn_like(weight)
    loss = negative_elbo(elbo(model, x))
    assert 5 < float(loss.detach()) / (3072 * math.log(2)) < 12  # bits a value
    loss.backward()
    assert all(w.grad is not None and bool(w.grad.any()) for w in model.parameters())


def test_an_images_bound_is_its_own() -> None:
    """No statistics of the batch: alone or among others, in training mode too."""
    torch.manual_seed(0)
    model = convolutional(latent=4, width=8, prior=StandardNormal(4)).train()
    x = torch.rand(5, 3, 32, 32)
    torch.testing.assert_close(
        model.encoder(x).mean[:1], model.encoder(x[:1]).mean, rtol=1e-4, atol=1e-5
    )
    z = torch.randn(5, 4)
    torch.testing.assert_close(
        model.decoder(z).loc[:1], model.decoder(z[:1]).loc, rtol=1e-4, atol=1e-5
    )


def test_what_stands_behind_each_convolution() -> None:
    """Normalisation in eight groups, then SiLU; nothing behind the last."""
    model = convolutional(latent=4, width=8, prior=StandardNormal(4))
    norm, down, up = [nn.GroupNorm, nn.SiLU], nn.Conv2d, nn.ConvTranspose2d
    assert [type(part) for part in model.encoder.net] == [
        *(nn.Unflatten, *[down, *norm] * 3, nn.Flatten, nn.Linear)
    ]
    assert [type(part) for part in model.decoder.net] == [
        *(nn.Linear, nn.Unflatten, *norm, *[up, *norm] * 2, up)
    ]
    groups = {part.num_groups for part in model.modules() if isinstance(part, nn.GroupNorm)}
    assert groups == {8}
