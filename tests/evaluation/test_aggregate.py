"""The parts of the KL term where they are known: posteriors that coincide, lie apart, or make up the prior."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from chapters_lib.evaluation.aggregate import kl_parts, log_aggregated
from chapters_lib.evaluation.likelihood import elbo_terms, encode
from chapters_lib.models.vae import StandardNormal
from tests import linear_gaussian


def posteriors(count: int, units: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    loc = torch.randn(count, units, generator=generator)
    return loc, 0.1 + torch.rand(count, units, generator=generator)


def test_the_aggregated_posterior_is_a_mixture() -> None:
    loc, scale = posteriors(7)
    z = torch.randn(1203, 3)
    mixture = MixtureSameFamily(
        Categorical(torch.ones(7).double()), Independent(Normal(loc.double(), scale.double()), 1)
    )
    torch.testing.assert_close(log_aggregated(z, loc, scale), mixture.log_prob(z.double()))


def test_narrow_posteriors_lose_no_digits() -> None:
    """Squares of 10⁸ stand in the products whose difference is of size 1."""
    loc, scale = torch.tensor([[100.0], [-100.0]]), torch.full((2, 1), 0.01)
    expected = Normal(0.0, 0.01).log_prob(torch.tensor(0.01)) - math.log(2)
    found = log_aggregated(loc[:1] + torch.tensor(0.01), loc, scale)
    assert float(found) == pytest.approx(float(expected), abs=1e-2)


def test_equal_posteriors_tell_nothing() -> None:
    loc, scale = torch.full((50, 2), 0.7), torch.full((50, 2), 0.5)
    parts = kl_parts(loc, scale, StandardNormal(2)(), draws=200)
    assert parts.mutual_information == pytest.approx(0, abs=1e-5)
    exact = 2 * (0.7**2 + 0.5**2 - 1 - 2 * math.log(0.5)) / 2
    assert parts.marginal_kl == pytest.approx(exact, abs=0.03)


def test_posteriors_far_apart_tell_which_image() -> None:
    loc, scale = 100 * torch.eye(20), torch.full((20, 20), 0.5)
    parts = kl_parts(loc, scale, StandardNormal(20)())
    assert parts.mutual_information == pytest.approx(math.log(20), abs=1e-5)


def test_the_parts_sum_to_the_kl() -> None:
    """On the same draws; and to the closed form within their error."""
    loc, scale = posteriors(200)
    p = StandardNormal(3)()
    parts = kl_parts(loc, scale, p, draws=100)
    total = parts.mutual_information + parts.marginal_kl
    assert total == pytest.approx(parts.prior_cross_entropy - parts.code_entropy, abs=1e-5)
    closed = (loc.square() + scale.square() - 1 - 2 * scale.log()).sum(1).mean() / 2
    assert total == pytest.approx(float(closed), abs=0.05)
    entropy = (0.5 * math.log(2 * math.pi * math.e) + scale.log()).sum(1).mean()
    assert parts.code_entropy == pytest.approx(float(entropy), abs=0.05)
    assert 0 < parts.mutual_information < math.log(200) and parts.marginal_kl > 0


def test_at_the_true_posterior_all_codes_together_are_the_prior() -> None:
    """Linear-Gaussian: no marginal KL, and the mutual information ½ Σ log(1 + λ_j/s²)."""
    x, model = linear_gaussian.draw_images(4000), linear_gaussian.model()
    loc, scale = encode(model, x)
    parts = kl_parts(loc, scale, model.prior(), draws=2)
    likelihood = model.decoder
    with torch.no_grad():
        gain = likelihood.weight.square().sum(0) / likelihood.log_scale.mul(2).exp()
    exact = float((1 + gain).log().sum() / 2)
    # 8,000 terms with a standard deviation of about 1, and 4,000 images instead of all
    assert parts.mutual_information == pytest.approx(exact, abs=0.05)
    assert parts.marginal_kl == pytest.approx(0, abs=0.05)
    off = linear_gaussian.model(shift=0.5)
    worse = kl_parts(*encode(off, x), off.prior(), draws=2)
    assert worse.marginal_kl > parts.marginal_kl + 0.1
    kl = float(elbo_terms(off, x).kl.mean())
    assert worse.mutual_information + worse.marginal_kl == pytest.approx(kl, abs=0.05)


def test_it_disturbs_nothing() -> None:
    state = torch.get_rng_state()
    first = kl_parts(*posteriors(9), StandardNormal(3)())
    assert first == kl_parts(*posteriors(9), StandardNormal(3)())
    assert first != kl_parts(*posteriors(9), StandardNormal(3)(), seed=1)
    assert torch.equal(torch.get_rng_state(), state)
