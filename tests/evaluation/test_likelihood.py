"""The importance-weighted bound: what it equals where that is known, and how it treats a batch."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import (
    Categorical,
    Independent,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
)

from chapters_lib.evaluation import likelihood
from chapters_lib.evaluation.likelihood import (
    active_units,
    bits_per_dimension,
    by_samples,
    effective_samples,
    elbo_terms,
    encode,
    log_weights,
    negative_iwae,
    negative_log_mean,
)
from chapters_lib.models.realnvp import RealNVP
from chapters_lib.models.vae import VAE, fully_connected
from chapters_lib.objectives.elbo import elbo
from tests import linear_gaussian

OFF = {"shift": 0.4, "stretch": 1.5}


def network(seed: int = 0, **settings: object) -> VAE:
    torch.manual_seed(seed)
    return fully_connected(**({"hidden": (16,), "latent": 3} | settings)).eval()


def images(count: int, seed: int = 0) -> Tensor:
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def same_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every image is given the same noise, whatever its place in the batch."""

    def sample(q, count: int, generator: torch.Generator) -> Tensor:
        noise = torch.randn(count, 1, q.mean.shape[-1], generator=generator)
        return q.mean + q.stddev * noise

    monkeypatch.setattr(likelihood, "sample", sample)


# the mean of weights


def test_equal_weights_return_their_value() -> None:
    """log K is taken off: K equal weights are as good as one of them."""
    for k in (1, 2, 5000):
        log_w = torch.tensor([-3.0, 0.0, 700.0]).expand(k, -1)
        torch.testing.assert_close(
            negative_log_mean(log_w), torch.tensor([3.0, 0.0, -700.0]).double(), rtol=0, atol=1e-9
        )


def test_weights_are_averaged() -> None:
    w = torch.rand(40, 6, generator=torch.Generator().manual_seed(0)).double()
    torch.testing.assert_close(negative_log_mean(w.log()), -w.mean(0).log())


@pytest.mark.parametrize("size", [-1e5, -800.0, 800.0, 1e5])
def test_weights_beyond_the_range_of_numbers(size: float) -> None:
    """exp of these is 0 or infinite: the logarithm is never left."""
    found = negative_log_mean(torch.tensor([[size], [size - 5000]]))
    assert float(found) == pytest.approx(math.log(2) - size, rel=1e-12)
    assert found.dtype == torch.float64


def test_unlikely_images_have_a_finite_bound() -> None:
    model = network()
    with torch.no_grad():
        model.decoder.net[-1].bias.fill_(-60)
    found = negative_iwae(model, torch.ones(3, 1, 28, 28), num_samples=20)
    assert bool(found.isfinite().all()) and float(found.min()) > 40_000


# the bound


def test_one_sample_gives_the_elbo() -> None:
    """Image by image with the same noise, and to the same mean with noise of its own."""
    x, model = linear_gaussian.draw_images(2), linear_gaussian.model(**OFF)
    found = negative_iwae(model, x, num_samples=1, seed=3)
    q = model.encoder(x)
    z = q.mean + q.stddev * torch.randn(1, 2, 2, generator=torch.Generator().manual_seed(3))
    ratio = model.decoder(z).log_prob(x) + model.prior().log_prob(z) - q.log_prob(z)
    torch.testing.assert_close(found, -ratio[0])

    torch.manual_seed(0)
    many = x.repeat(20_000, 1, 1, 1)
    terms = elbo(model, many)
    one = negative_iwae(model, many, num_samples=1, batch_size=2000).view(-1, 2)
    drawn = (terms.kl - terms.log_likelihood).view(-1, 2)
    error = ((one.var(0) + drawn.var(0)) / len(one)).sqrt()
    assert bool(((one.mean(0) - drawn.mean(0)).abs() < 5 * error).all())


def test_more_samples_are_not_worse_on_average() -> None:
    """And none is better than the truth, in the mean over images: each K within 4 standard errors."""
    x, model = linear_gaussian.draw_images(500), linear_gaussian.model(**OFF)
    truth = -linear_gaussian.log_evidence(x)
    previous = torch.full_like(truth, math.inf)
    for k in (1, 4, 16, 64, 2000):
        excess = negative_iwae(model, x, num_samples=k) - truth
        error = float(excess.std()) / len(x) ** 0.5
        assert float(excess.mean()) > -4 * error
        assert float(excess.mean()) < float(previous.mean())
        previous = excess
    assert float(previous.mean()) < 5e-3


@pytest.mark.parametrize("at_once", [1, 7, 64, 10_000])
def test_parts_make_the_whole(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many codes are decoded in one call, K weights come out, of K draws."""
    x, model = images(5), network()
    monkeypatch.setattr(likelihood, "DECODED_AT_ONCE", at_once)
    found = log_weights(model, x, num_samples=9, generator=torch.Generator().manual_seed(1))
    assert found.shape == (9, 5) and len(found[:, 0].unique()) == 9
    monkeypatch.setattr(likelihood, "DECODED_AT_ONCE", 10_000)
    whole = log_weights(model, x, num_samples=9, generator=torch.Generator().manual_seed(1))
    if at_once > 15:  # torch.randn draws blocks of 16 in another order
        torch.testing.assert_close(found, whole, rtol=1e-5, atol=1e-3)


def test_permuting_the_batch_permutes_the_bounds(same_noise: None) -> None:
    x, model = images(23), network()
    order = torch.randperm(23, generator=torch.Generator().manual_seed(2))
    for found in (
        lambda x: negative_iwae(model, x, num_samples=11),
        lambda x: torch.stack(elbo_terms(model, x, draws=3)).T,
    ):
        plain = found(x)
        torch.testing.assert_close(found(x[order]), plain[order], rtol=1e-5, atol=1e-3)
        assert not torch.allclose(found(x[order]), plain, rtol=1e-5, atol=1e-3)


def test_the_batchs_size_does_not_matter(same_noise: None) -> None:
    """A batch of 23, with a smaller one at the end, beside the images one at a time."""
    x, model = images(23), network()
    alone = torch.cat([negative_iwae(model, x[i : i + 1], num_samples=6) for i in range(8)])
    first = negative_iwae(model, x, num_samples=6, batch_size=8)
    assert first.shape == (23,)
    torch.testing.assert_close(first[:8], alone, rtol=1e-5, atol=1e-3)


def test_seeds() -> None:
    x, model = images(4), network()
    state = torch.get_rng_state()
    first = negative_iwae(model, x, num_samples=5)
    assert torch.equal(negative_iwae(model, x, num_samples=5), first)
    assert not torch.equal(negative_iwae(model, x, num_samples=5, seed=1), first)
    assert torch.equal(torch.get_rng_state(), state)
    for measured in (first, *elbo_terms(model, x), *encode(model, x)):
        assert not measured.requires_grad


def test_images_are_encoded_once() -> None:
    """Once a batch, though 5,000 codes are drawn and decoded in many calls."""
    model = linear_gaussian.model()
    negative_iwae(model, linear_gaussian.draw_images(7), num_samples=5000)
    assert model.encoder.calls == 1
    negative_iwae(model, linear_gaussian.draw_images(7), num_samples=5000, batch_size=3)
    assert model.encoder.calls == 4


# the bound's two terms


def test_draws_are_averaged() -> None:
    """With many draws the terms are their expectations; with d of them the variance is a d-th."""
    x = linear_gaussian.draw_images(1)
    model, many = linear_gaussian.model(**OFF), x.expand(1000, -1, -1, -1)
    one, few = (elbo_terms(model, many, draws=d).log_likelihood for d in (1, 10))
    assert one.shape == few.shape == (1000,)
    assert float(one.var() / few.var()) == pytest.approx(10, rel=0.3)
    q, p = model.encoder(x), model.decoder
    spread = (p.weight.square() @ q.variance[0] / p.log_scale.mul(2).exp()).sum() / 2
    expected = (p(q.mean).log_prob(x) - spread).detach()  # E‖x − Wz‖² in closed form
    assert abs(float(few.mean() - expected)) < 4 * float(few.std()) / 1000**0.5
    kl = elbo_terms(model, x).kl
    torch.testing.assert_close(kl, elbo(model, x).kl.detach())


class Lumps(nn.Module):
    """A prior whose divergence has no closed form."""

    def forward(self) -> MixtureSameFamily:
        parts = Independent(Normal(torch.tensor([[-1.0] * 3, [1.0] * 3]), torch.ones(2, 3)), 1)
        return MixtureSameFamily(Categorical(torch.tensor([0.5, 0.5])), parts)


def test_another_prior() -> None:
    """The divergence is then averaged over the draws too."""
    model = network()
    model.prior = Lumps()
    terms = elbo_terms(model, images(6), draws=4)
    assert terms.log_likelihood.shape == terms.kl.shape == (6,)
    few, many = (elbo_terms(model, images(6), draws=d, seed=1).kl for d in (2000, 2001))
    torch.testing.assert_close(few, many, rtol=0.1, atol=0.05)
    bound = negative_iwae(model, images(6), num_samples=2000)
    assert bool((bound < terms.kl - terms.log_likelihood + 1).all())


def test_more_images_than_a_part() -> None:
    model = network()
    terms = elbo_terms(model, images(1203), draws=2)
    assert terms.log_likelihood.shape == terms.kl.shape == (1203,)
    loc, scale = encode(model, images(1203))
    q = model.encoder(images(1203)[1200:])
    torch.testing.assert_close(loc[1200:], q.mean)
    torch.testing.assert_close(scale[1200:], q.stddev)
    torch.testing.assert_close(terms.kl[1200:], elbo(model, images(1203)[1200:]).kl.detach())


# conditional models


@pytest.mark.parametrize("encoder_sees_class", [True, False])
def test_conditional_models(encoder_sees_class: bool, same_noise: None) -> None:
    """Each image goes with its own class, through every part of the batch."""
    model = network(classes=10, encoder_sees_class=encoder_sees_class)
    x, y = images(1).expand(12, -1, -1, -1), torch.eye(10)[torch.arange(12) % 10]
    bounds = negative_iwae(model, x, y, num_samples=5, batch_size=12)
    terms = torch.stack(elbo_terms(model, x, y, draws=2))
    assert bounds.shape == (12,) and terms.shape == (2, 12)
    torch.testing.assert_close(bounds[:2], bounds[10:])  # classes 0 and 1 again
    assert len(bounds.unique()) == 10 and len(terms[0].unique()) == 10
    assert len(terms[1].unique()) == (10 if encoder_sees_class else 1)
    alone = negative_iwae(model, x[:1], y[3:4], num_samples=5)
    torch.testing.assert_close(bounds[3:4], alone, rtol=1e-5, atol=1e-3)
    loc, _ = encode(model, x, y)
    assert len(loc.unique(dim=0)) == (10 if encoder_sees_class else 1)


def test_classes_of_another_number_are_refused() -> None:
    model = network(classes=10)
    with pytest.raises(Exception, match=r"(?s)shorter|longer|dimension|shape|type"):
        negative_iwae(model, images(6), torch.eye(10)[:5], num_samples=2)


# latent units


def test_active_units() -> None:
    """Those whose mean's variance over the data exceeds 0.01, and no others."""
    base = torch.randn(5000, 4, generator=torch.Generator().manual_seed(0))
    base = (base - base.mean(0)) / base.std(0)
    loc = base * torch.tensor([1.0, 0.11, 0.09, 0.0]) + torch.tensor([0.0, 5.0, 5.0, 5.0])
    assert active_units(loc) == 2
    assert active_units(torch.zeros(10, 3)) == 0


# fewer draws, effective draws, bits


def test_fewer_draws_from_the_same_weights() -> None:
    """All draws give the bound itself, one the mean of the logs; groups in between are averaged."""
    log_w = 3 * torch.randn(12, 5, generator=torch.Generator().manual_seed(0))
    found = by_samples(log_w, (1, 3, 12))
    torch.testing.assert_close(found[12], negative_log_mean(log_w))
    torch.testing.assert_close(found[1], -log_w.double().mean(0))
    groups = torch.stack([negative_log_mean(part) for part in log_w.split(3)])
    torch.testing.assert_close(found[3], groups.mean(0))
    assert bool((found[1] > found[3]).all()) and bool((found[3] > found[12]).all())
    with pytest.raises(ValueError, match="no whole groups of 5"):
        by_samples(log_w, (5,))


def test_effective_samples() -> None:
    equal = torch.full((40, 1), -900.0)
    one = torch.tensor([[0.0]] + [[-500.0]] * 39)
    half = torch.tensor([[3.0]] * 20 + [[-500.0]] * 20)
    found = effective_samples(torch.cat([equal, one, half], 1))
    torch.testing.assert_close(found, torch.tensor([40.0, 1.0, 20.0]).double())


def test_bits_per_dimension() -> None:
    """256 levels, all alike, take eight bits each."""
    assert bits_per_dimension(3072 * math.log(256), 3072) == pytest.approx(8)
    assert bits_per_dimension(math.log(2), 1) == pytest.approx(1)


# a flow as prior


def test_a_flow_that_is_the_identity_changes_nothing() -> None:
    """Weight by weight; and the bound's KL, now estimated, is the closed form within its error."""
    plain, model, x = network(), network(), images(4)
    model.prior = RealNVP(3, 4, (8,))
    first, second = (negative_iwae(m, x, num_samples=30) for m in (plain, model))
    torch.testing.assert_close(first, second, rtol=0, atol=1e-3)
    many = x.repeat(2000, 1, 1, 1)
    closed, estimated = (elbo(m, many) for m in (plain, model))
    apart = (estimated.kl - closed.kl).view(2000, 4).detach()
    assert bool((apart.mean(0).abs() < 5 * apart.std(0) / 2000**0.5).all())
    assert float(apart.std()) > 0.01
    torch.manual_seed(5)
    one = elbo(plain, x).log_likelihood
    torch.manual_seed(5)
    torch.testing.assert_close(elbo(model, x).log_likelihood, one)


def affine_flow() -> tuple[RealNVP, Tensor, Tensor]:
    """Return a flow whose codes are Lu + m, with L and m: linear networks that shift and stretch by constants."""
    flow = RealNVP(2, 2).double()
    for coupling, (stretch, slope, shift) in zip(
        flow.couplings, ((0.4, 0.5, 0.3), (-0.3, 0.7, -0.2)), strict=True
    ):
        coupling.net = nn.Linear(1, 2).double()
        with torch.no_grad():
            coupling.net.weight.copy_(torch.tensor([[0.0], [slope]]))
            coupling.net.bias.copy_(torch.tensor([math.atanh(stretch), shift]))
    with torch.no_grad():
        mean = flow.to_code(torch.zeros(2).double())
        matrix = (flow.to_code(torch.eye(2).double()) - mean).T
    return flow, matrix, mean


def test_a_linear_flow_whose_evidence_is_known() -> None:
    """z = Lu + m, so x = N(b + Wm, W L (W L)ᵀ + s²I): the bound rises to it and not beyond."""
    model = linear_gaussian.model(stretch=1.5)
    model.prior, matrix, mean = affine_flow()
    z = torch.randn(6, 2, generator=torch.Generator().manual_seed(0)).double()
    exact = MultivariateNormal(mean, matrix @ matrix.T).log_prob(z)
    torch.testing.assert_close(model.prior().log_prob(z).detach(), exact, rtol=0, atol=1e-8)

    p = model.decoder
    with torch.no_grad():
        both = p.weight @ matrix
        covariance = both @ both.T + p.log_scale.mul(2).exp() * torch.eye(4).double()
        truth = MultivariateNormal(p.bias + p.weight @ mean, covariance)
        x = truth.sample((400,)).view(400, 1, 1, 4)
    previous = math.inf
    for k in (1, 10, 2000):
        excess = negative_iwae(model, x, num_samples=k) + truth.log_prob(x.flatten(1))
        assert float(excess.mean()) > -4 * float(excess.std()) / len(x) ** 0.5
        assert float(excess.mean()) < previous
        previous = float(excess.mean())
    assert previous < 5e-3
