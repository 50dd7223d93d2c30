"""The adversarial losses: their values and slopes by hand, and what their minimum is on known densities."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from chapters_lib.models.gan import Discriminator
from chapters_lib.objectives.adversarial import discriminator_loss, minmax_loss, nonsaturating_loss

LOGITS = (-40.0, -8.0, -1.0, 0.0, 0.5, 8.0, 40.0)
# 32 "images" of each kind over six states: known densities, in whole numbers, q without mass in the last state.
P = torch.tensor([8, 8, 6, 4, 4, 2])
Q = torch.tensor([2, 4, 6, 8, 12, 0])


def sigmoid(a: float) -> float:
    """Return 1/(1 + e^−a), exact in both tails."""
    return 1 / (1 + math.exp(-a)) if a >= 0 else math.exp(a) / (1 + math.exp(a))


def slope(loss: Tensor, logits: Tensor) -> list[float]:
    (found,) = torch.autograd.grad(loss, logits)
    return found.tolist()


def leaf(dtype: torch.dtype) -> Tensor:
    return torch.tensor(LOGITS, dtype=dtype, requires_grad=True)


# slopes and values


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_slopes_by_hand(dtype: torch.dtype) -> None:
    """Relative to their size, so that 4e-18 at a logit of 40 must not have been rounded to 0."""
    n, zero = len(LOGITS), torch.zeros(3, dtype=dtype)
    near = {"rel": 1e-6 if dtype is torch.float32 else 1e-8, "abs": 0.0}
    a = leaf(dtype)
    by_hand = [-sigmoid(-v) / n for v in LOGITS]  # (D − 1)/n
    assert slope(discriminator_loss(a, zero), a) == pytest.approx(by_hand, **near)
    assert slope(nonsaturating_loss(a), a) == pytest.approx(by_hand, **near)
    by_hand = [sigmoid(v) / n for v in LOGITS]  # D/n
    assert slope(discriminator_loss(zero, a), a) == pytest.approx(by_hand, **near)
    assert slope(minmax_loss(a), a) == pytest.approx([-v for v in by_hand], **near)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_slopes_under_one_sided_smoothing(dtype: torch.dtype) -> None:
    """D − (1 − s) for real images; nothing changes for samples."""
    a, zero = leaf(dtype), torch.zeros(3, dtype=dtype)
    found = slope(discriminator_loss(a, zero, smoothing=0.1), a)
    assert found == pytest.approx([(sigmoid(v) - 0.9) / len(LOGITS) for v in LOGITS], rel=2e-6)
    found = slope(discriminator_loss(zero, a, smoothing=0.1), a)
    assert found == pytest.approx([sigmoid(v) / len(LOGITS) for v in LOGITS], rel=1e-6, abs=0.0)


def test_values_are_finite_where_probabilities_round() -> None:
    """At ±40 float32 has D = 1 or 1 − D = 1; the logarithms still are 40 and 4e-18."""
    low, high = torch.tensor([-40.0]), torch.tensor([40.0])
    assert (1 - high.sigmoid()).log().item() == -math.inf  # what the losses avoid
    tiny = math.log1p(math.exp(-40))
    assert discriminator_loss(low, high).item() == pytest.approx(80)
    assert discriminator_loss(high, low).item() == pytest.approx(2 * tiny, rel=1e-6)
    assert minmax_loss(high).item() == pytest.approx(-40)
    assert minmax_loss(low).item() == pytest.approx(-tiny, rel=1e-6)
    assert nonsaturating_loss(low).item() == pytest.approx(40)
    assert nonsaturating_loss(high).item() == pytest.approx(tiny, rel=1e-6)


def test_values_are_those_of_the_formulas() -> None:
    torch.manual_seed(0)
    real, fake = torch.randn(2, 50, dtype=torch.float64) * 3
    d_real, d_fake = real.sigmoid(), fake.sigmoid()
    expected = -d_real.log().mean() - (1 - d_fake).log().mean()
    torch.testing.assert_close(discriminator_loss(real, fake), expected)
    torch.testing.assert_close(minmax_loss(fake), (1 - d_fake).log().mean())
    torch.testing.assert_close(nonsaturating_loss(fake), -d_fake.log().mean())
    smoothed = -(0.8 * d_real.log() + 0.2 * (1 - d_real).log()).mean() - (1 - d_fake).log().mean()
    torch.testing.assert_close(discriminator_loss(real, fake, smoothing=0.2), smoothed)


def test_means_over_batches_of_unequal_size() -> None:
    """Each expectation is the mean of its own batch: no image counts more for standing in a smaller one."""
    real, fake = torch.tensor([0.3, -1.0]), torch.tensor([0.5, 2.0, -0.7])
    doubled = discriminator_loss(real, fake.repeat(2))
    torch.testing.assert_close(doubled, discriminator_loss(real, fake))


# the optimum on known densities


def one_hot(counts: Tensor) -> Tensor:
    """Return as many one-hot "images" of each state as `counts` says, float64, shape (n, 1, 1, states)."""
    states = torch.eye(len(counts), dtype=torch.float64)
    return states.repeat_interleave(counts, 0)[:, None, None, :]


def trained_discriminator(smoothing: float = 0.0) -> tuple[Tensor, float]:
    """Train a discriminator of one linear layer on P and Q; return D of each state, and the loss reached."""
    torch.manual_seed(0)
    real, fake = one_hot(P), one_hot(Q)
    d = Discriminator(nn.Flatten(), features=len(P)).double()
    optimizer = torch.optim.LBFGS(
        d.parameters(), max_iter=500, line_search_fn="strong_wolfe", tolerance_grad=1e-10
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = discriminator_loss(d(real), d(fake), smoothing)
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        states = d(torch.eye(len(P), dtype=torch.float64)[:, None, None, :]).sigmoid()
        return states, float(discriminator_loss(d(real), d(fake), smoothing))


def test_a_trained_discriminator_is_the_ratio_of_densities() -> None:
    """D = p/(p + q), and the value −loss = 2·JSD − log 4 (Proposition 1 and Theorem 1 of the paper)."""
    p, q = P.double() / 32, Q.double() / 32
    found, loss = trained_discriminator()
    torch.testing.assert_close(found, p / (p + q), atol=1e-4, rtol=0)
    mixture = (p + q) / 2
    entropies = [torch.special.entr(density).sum() for density in (p, q, mixture)]
    jsd = float(entropies[2] - (entropies[0] + entropies[1]) / 2)
    assert 0.05 < jsd < math.log(2)
    assert -loss == pytest.approx(2 * jsd - math.log(4), abs=1e-5)


def test_smoothing_scales_the_optimal_discriminator() -> None:
    """D = (1 − s)·p/(p + q): the samples' density is left in the denominator alone (Salimans et al. 2016)."""
    found, _ = trained_discriminator(smoothing=0.1)
    torch.testing.assert_close(found, 0.9 * P / (P + Q).double(), atol=1e-5, rtol=0)


def test_no_discriminator_does_better_than_the_optimal_one() -> None:
    p, q = P[:5].double() / 30, Q[:5].double() / 32
    best = (p / q).log()
    real, fake = best.repeat_interleave(P[:5]), best.repeat_interleave(Q[:5])
    least = float(discriminator_loss(real, fake))
    torch.manual_seed(0)
    for _ in range(50):
        other = best + 0.3 * torch.randn(5, dtype=torch.float64)
        loss = discriminator_loss(other.repeat_interleave(P[:5]), other.repeat_interleave(Q[:5]))
        assert float(loss) > least


@pytest.mark.parametrize("saturating", [True, False])
def test_what_the_generator_descends_where_the_discriminator_is_optimal(saturating: bool) -> None:
    """With D* held fixed: min-max, the gradient of 2·JSD; non-saturating, of KL(q‖p) − 2·JSD.

    Goodfellow et al. 2014, Section 4.1; Arjovsky and Bottou 2017, Theorem 2.5.
    """
    torch.manual_seed(1)
    p = torch.randn(6, dtype=torch.float64).softmax(0)
    theta = torch.randn(6, dtype=torch.float64, requires_grad=True)
    q = theta.softmax(0)
    logits = (p / q.detach()).log()
    loss = minmax_loss if saturating else nonsaturating_loss
    each = torch.stack([loss(logit[None]) for logit in logits])
    (found,) = torch.autograd.grad((q * each).sum(), theta)
    q = theta.softmax(0)
    m = (p + q) / 2
    twice_jsd = (p * (p / m).log()).sum() + (q * (q / m).log()).sum()
    reverse_kl = (q * (q / p).log()).sum()
    (expected,) = torch.autograd.grad(twice_jsd if saturating else reverse_kl - twice_jsd, theta)
    torch.testing.assert_close(found, expected)
    assert float(expected.abs().max()) > 0.01
