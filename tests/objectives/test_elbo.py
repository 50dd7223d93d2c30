"""The bound beside what is known: Monte Carlo, torch's divergences, log p(x) in closed form, finite differences."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import (
    Categorical,
    Distribution,
    Independent,
    Laplace,
    MixtureSameFamily,
    Normal,
    kl_divergence,
)

from chapters_lib.evaluation.likelihood import negative_iwae
from chapters_lib.models.vae import VAE, BernoulliImage, StandardNormal, fully_connected
from chapters_lib.objectives.elbo import (
    ElboTerms,
    elbo,
    gaussian_kl,
    kl_to_prior,
    negative_elbo,
    path_elbo,
)
from tests import linear_gaussian

OFF = {"shift": 0.4, "stretch": 1.5}  # an encoder that is wrong in mean and in scale


def normal(count: int = 3, p: int = 4, seed: int = 0) -> Independent:
    """Return q of several images, float64, with scales from 0.2 to 2."""
    draw = torch.Generator().manual_seed(seed)
    loc = torch.randn(count, p, dtype=torch.float64, generator=draw)
    scale = 0.2 + 1.8 * torch.rand(count, p, dtype=torch.float64, generator=draw)
    return Independent(Normal(loc, scale), 1)


def standard(p: int = 4) -> Independent:
    return Independent(Normal(torch.zeros(p).double(), torch.ones(p).double()), 1)


def mixture(p: int = 4) -> MixtureSameFamily:
    """Return a prior of two normal lumps: no closed divergence."""
    loc = torch.stack([torch.full((p,), -1.0), torch.full((p,), 1.5)]).double()
    parts = Independent(Normal(loc, torch.ones_like(loc) * 0.8), 1)
    return MixtureSameFamily(Categorical(torch.tensor([0.3, 0.7]).double()), parts)


def near(values: Tensor, expected: Tensor, errors: float = 5.0) -> bool:
    """Tell whether the mean over the first axis is `expected`, within so many of its standard errors."""
    error = values.std(0) / len(values) ** 0.5
    return bool(((values.mean(0) - expected).abs() < errors * error + 1e-12).all())


# the divergence


def test_gaussian_kl_is_torchs() -> None:
    q = normal()
    torch.testing.assert_close(gaussian_kl(q.mean, q.stddev), kl_divergence(q, standard()))
    assert gaussian_kl(torch.zeros(2, 5), torch.ones(2, 5)).tolist() == [0, 0]
    many = gaussian_kl(torch.zeros(6, 2, 5), torch.full((6, 2, 5), 2.0))
    assert many.shape == (6, 2)


def test_gaussian_kl_is_the_mean_log_ratio() -> None:
    """Within 5 standard errors of 200,000 draws, which are below 0.02 nats."""
    torch.manual_seed(0)
    q = normal()
    z = q.sample((100_000,))
    ratio = q.log_prob(z) - standard().log_prob(z)
    assert near(ratio, gaussian_kl(q.mean, q.stddev))
    assert float(ratio.std(0).max()) / 100_000**0.5 < 0.02


def test_divergence_to_any_normal_prior_is_closed() -> None:
    """Not that to N(0, I) unless the prior is N(0, I)."""
    q, loc = normal(), torch.tensor([0.7, -1.0, 0.0, 2.0]).double()
    other = Independent(Normal(loc, torch.tensor([1.3, 0.5, 1.0, 2.0]).double()), 1)
    for prior in (standard(), other):
        found = kl_to_prior(q, prior, torch.full((3, 4), torch.nan).double())  # z is not looked at
        torch.testing.assert_close(found, kl_divergence(q, prior))


@pytest.mark.parametrize("case", ["mixture prior", "Laplace q"])
def test_estimated_divergence_is_unbiased(case: str) -> None:
    """Beside the same integral on a grid, in one dimension."""
    torch.manual_seed(1)
    loc, scale = torch.tensor([[0.4], [-2.0]]).double(), torch.tensor([[0.6], [0.3]]).double()
    family, prior = (Normal, mixture(1)) if case == "mixture prior" else (Laplace, standard(1))
    q: Distribution = Independent(family(loc, scale), 1)
    line = torch.linspace(-15, 15, 60_001).double()[:, None, None].expand(-1, 2, 1)
    density = q.log_prob(line)
    integrand = density.exp() * (density - prior.log_prob(line))
    exact = torch.trapezoid(integrand, line[:, 0, 0], dim=0)
    draws = kl_to_prior(q, prior, q.sample((20_000,)))
    assert near(draws, exact)
    assert bool((draws.std(0) > 0).all())  # estimated indeed


# the bound


def elbo_draws(model: VAE, x: Tensor, count: int) -> Tensor:
    """Return `count` estimates of each image's bound, shape (count, n)."""
    with torch.no_grad():
        terms = elbo(model, x.repeat(count, 1, 1, 1))
    return (terms.log_likelihood - terms.kl).view(count, -1)


def test_expected_bound_is_log_p_less_the_divergence_to_the_posterior() -> None:
    torch.manual_seed(2)
    x = linear_gaussian.draw_images(5)
    model, right = linear_gaussian.model(**OFF), linear_gaussian.model()
    gap = kl_divergence(model.encoder(x), right.encoder(x)).detach()
    assert bool((gap > 0.3).all())
    values = elbo_draws(model, x, 20_000)
    assert near(values, linear_gaussian.log_evidence(x) - gap)
    assert not near(values, linear_gaussian.log_evidence(x))


def test_bounds_tighten_in_order() -> None:
    """E[ELBO] ≤ E[IWAE_3] ≤ E[IWAE_12] ≤ log p(x), each step by more than 5 standard errors of the difference."""
    torch.manual_seed(3)
    x, repeats = linear_gaussian.draw_images(1), 4000
    model = linear_gaussian.model(**OFF)
    many = x.expand(repeats, -1, -1, -1)
    values = [elbo_draws(model, x, 20_000).flatten()]
    values += [-negative_iwae(model, many, num_samples=k, seed=k) for k in (3, 12)]
    means = [float(v.mean()) for v in values] + [float(linear_gaussian.log_evidence(x))]
    errors = [float(v.std()) / len(v) ** 0.5 for v in values] + [0.0]
    for low, high, e, f in zip(means, means[1:], errors, errors[1:], strict=False):
        assert high - low > 5 * (e**2 + f**2) ** 0.5


def test_at_the_true_posterior_every_weight_is_the_evidence() -> None:
    """log p(x|z) + log p(z) − log q(z|x) = log p(x) at every z; so is every bound, whatever K."""
    x = linear_gaussian.draw_images(6)
    model, exact = linear_gaussian.model(), linear_gaussian.log_evidence(x)
    q = model.encoder(x)
    z = q.sample((50,))
    weights = model.decoder(z).log_prob(x) + model.prior().log_prob(z) - q.log_prob(z)
    torch.testing.assert_close(weights, exact.expand(50, -1), rtol=0, atol=1e-10)
    for k in (1, 7, 300):
        found = negative_iwae(model, x, num_samples=k)
        torch.testing.assert_close(found, -exact, rtol=0, atol=1e-10)


def test_a_condition_reaches_both_halves() -> None:
    """Given y to add, the images x + y are as likely as x without it."""
    x = linear_gaussian.draw_images(4)
    y = torch.randn(4, linear_gaussian.PIXELS).double()
    model = linear_gaussian.model(**OFF)
    torch.manual_seed(4)
    plain = elbo(model, x)
    torch.manual_seed(4)
    moved = elbo(model, x + y.view(4, 1, 1, -1), y)
    torch.testing.assert_close(torch.stack(moved), torch.stack(plain))


# its gradient


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 4))

    def forward(self, x: Tensor) -> Distribution:
        loc, log_var = self.net(x.flatten(1)).chunk(2, 1)
        return Independent(Normal(loc, (log_var / 2).exp()), 1)


class Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 4))

    def forward(self, z: Tensor) -> Distribution:
        return BernoulliImage(self.net(z).unflatten(-1, (1, 2, 2)))


class LearnedMixture(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.loc = nn.Parameter(torch.tensor([[-1.0, 0.5], [1.0, 0.0]]))

    def forward(self) -> Distribution:
        parts = Independent(Normal(self.loc, torch.ones_like(self.loc)), 1)
        return MixtureSameFamily(Categorical(self.loc.new_tensor([0.4, 0.6])), parts)


@pytest.mark.parametrize("prior", ["standard", "mixture"])
@pytest.mark.parametrize("beta", [1.0, 0.3])
def test_gradient_agrees_with_finite_differences(prior: str, beta: float) -> None:
    """Of every number of every parameter, with the same noise on both sides of it: central, step 1e-5."""
    torch.manual_seed(5)
    made = StandardNormal(2) if prior == "standard" else LearnedMixture()
    model = VAE(Encoder(), Decoder(), made).double()
    x = torch.rand(6, 1, 2, 2, dtype=torch.float64)

    def loss() -> Tensor:
        torch.manual_seed(6)
        return negative_elbo(elbo(model, x), beta)

    loss().backward()
    parameters = dict(model.named_parameters())
    assert len(parameters) == (8 if prior == "standard" else 9)
    step = 1e-5
    for name, parameter in parameters.items():
        assert parameter.grad is not None, name
        numbers, slopes = parameter.data.view(-1), torch.empty(parameter.numel()).double()
        for i in range(len(numbers)):
            kept, ends = float(numbers[i]), []
            for end in (kept + step, kept - step):
                numbers[i] = end
                ends.append(float(loss().detach()))
            numbers[i] = kept
            slopes[i] = (ends[0] - ends[1]) / (2 * step)
        torch.testing.assert_close(
            parameter.grad.flatten(),
            slopes,
            rtol=1e-6,
            atol=1e-8,
            msg=lambda m, n=name: f"{n}: {m}",
        )
        assert parameter.grad.abs().max() > 1e-4, name


@pytest.mark.parametrize("estimate", [elbo, path_elbo])
def test_reparameterised_gradient_is_unbiased(estimate: Callable[..., ElboTerms]) -> None:
    """In the encoder's mean, beside the known derivative of the expected bound; so it is in its scale."""
    torch.manual_seed(7)
    x, draws = linear_gaussian.draw_images(1), 400
    model = linear_gaussian.model(**OFF)
    right = linear_gaussian.model()
    kl_divergence(model.encoder(x), right.encoder(x).expand((1,))).sum().backward()
    exact = {name: p.grad.clone() for name, p in model.encoder.named_parameters()}
    found: dict[str, list[Tensor]] = {name: [] for name in exact}
    for _ in range(draws):
        model.zero_grad()
        negative_elbo(estimate(model, x.expand(25, -1, -1, -1))).backward()
        for name, p in model.encoder.named_parameters():
            found[name].append(p.grad.clone())
    for name, expected in exact.items():
        assert near(torch.stack(found[name]), expected), name


def gradients(model: VAE, terms: ElboTerms) -> dict[str, Tensor]:
    model.zero_grad()
    negative_elbo(terms).backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def test_path_gradient_is_the_other_less_the_score() -> None:
    """Same values, same gradients of decoder and prior; the encoder's differ by ∇ log q(z|x) at that z."""
    torch.manual_seed(9)
    model = VAE(Encoder(), Decoder(), LearnedMixture()).double()
    x = torch.rand(6, 1, 2, 2, dtype=torch.float64)
    found = []
    for estimate in (elbo, path_elbo):
        torch.manual_seed(6)
        terms = estimate(model, x)
        found.append((torch.stack(terms).detach(), gradients(model, terms)))
    (values, whole), (same, path) = found
    torch.testing.assert_close(values, same)
    torch.manual_seed(6)
    q = model.encoder(x)
    z = q.rsample().detach()
    model.zero_grad()
    q.log_prob(z).mean().backward()
    assert whole.keys() == path.keys() and len(whole) == 9
    for name, p in model.named_parameters():
        score = p.grad if name.startswith("encoder") else torch.zeros_like(p)
        torch.testing.assert_close(
            whole[name] - path[name], score, msg=lambda m, n=name: f"{n}: {m}"
        )
        assert bool((score != 0).any()) == name.startswith("encoder")


def test_path_gradient_sticks_the_landing() -> None:
    """Where q is the posterior the encoder's gradient is 0 at every z; that of the other estimate is not."""
    torch.manual_seed(10)
    x, model = linear_gaussian.draw_images(1), linear_gaussian.model()
    for _ in range(5):
        of = {e: gradients(model, e(model, x)) for e in (elbo, path_elbo)}
        for name, _ in model.encoder.named_parameters():
            key = f"encoder.{name}"
            assert float(of[path_elbo][key].abs().max()) < 1e-10, name
        assert (
            max(float(of[elbo][f"encoder.{n}"].abs().max()) for n in ("gain", "log_scale")) > 1e-3
        )


def test_weight_of_the_divergence() -> None:
    terms = ElboTerms(torch.tensor([-3.0, -5.0]), torch.tensor([1.0, 4.0]))
    assert float(negative_elbo(terms)) == 6.5
    assert float(negative_elbo(terms, 0.0)) == 4.0
    assert float(negative_elbo(terms, 4.0)) == 14.0


def test_terms_of_a_network() -> None:
    """One number an image, no gradient cut off, and the draw follows torch's generator."""
    torch.manual_seed(8)
    model = fully_connected(hidden=(8,), latent=2)
    x = torch.rand(5, 1, 28, 28)
    torch.manual_seed(0)
    terms = elbo(model, x)
    assert terms.log_likelihood.shape == terms.kl.shape == (5,)
    torch.manual_seed(0)
    again, other = elbo(model, x), elbo(model, x)
    assert torch.equal(terms.log_likelihood, again.log_likelihood)
    assert torch.equal(terms.kl, other.kl)  # closed
    assert not torch.equal(terms.log_likelihood, other.log_likelihood)
    negative_elbo(terms).backward()
    assert all(p.grad is not None for p in model.parameters())
