"""Conditionals, free energy and chains of a machine small enough to integrate and enumerate."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from torch import Tensor

from chapters_lib.evaluation.ais import hidden_states
from chapters_lib.models.rbm import GaussianBernoulliRBM, HiddenChain, draw_bernoulli
from chapters_lib.reproducibility import generator

RARE = 1e-4  # how often a chi-square test fails on correct code; the seeds are fixed, so it passes always or never


@pytest.fixture
def rbm() -> GaussianBernoulliRBM:
    """Two visible units, three hidden ones, unequal σ, float64."""
    machine = GaussianBernoulliRBM(visible=2, hidden=3).double()
    with torch.no_grad():
        machine.weight.copy_(torch.tensor([[0.8, -0.5, 0.3], [-0.4, 0.9, 0.6]]))
        machine.visible_bias.copy_(torch.tensor([0.3, -0.2]))
        machine.hidden_bias.copy_(torch.tensor([-0.1, 0.4, -0.6]))
        machine.scale.copy_(torch.tensor([0.7, 1.3]))
    return machine.requires_grad_(False)


def plane(reach: float = 14.0, points: int = 561) -> tuple[Tensor, float]:
    """Return a grid of visible states, shape (points², 2), and the area of a cell."""
    line = torch.linspace(-reach, reach, points, dtype=torch.float64)
    return torch.cartesian_prod(line, line), float(line[1] - line[0]) ** 2


def joint(rbm: GaussianBernoulliRBM) -> tuple[Tensor, Tensor, Tensor, float]:
    """Return the grid v, the states h, exp(−E) of all pairs, shape (grid, states), and the cell's area."""
    v, area = plane()
    h = hidden_states(3, torch.float64)
    return v, h, torch.stack([(-rbm.energy(v, s.expand(len(v), 3))).exp() for s in h], 1), area


def hidden_distribution(rbm: GaussianBernoulliRBM) -> Tensor:
    """Return p(h) of all eight states by integration over v."""
    *_, weight, _ = joint(rbm)
    return weight.sum(0) / weight.sum()


def transition(rbm: GaussianBernoulliRBM) -> Tensor:
    """Return the matrix of p(h′ | h) of one step h → v → h′ by integration over v."""
    _, _, weight, area = joint(rbm)
    v_given_h = weight / (weight.sum(0) * area)
    h_given_v = weight / weight.sum(1, keepdim=True)
    return (v_given_h.T @ h_given_v) * area


def codes(h: Tensor) -> Tensor:
    """Return the number whose binary digits are the states."""
    return (h @ torch.tensor([1.0, 2.0, 4.0], dtype=h.dtype)).long()


def test_it_starts_from_small_weights_and_no_bias() -> None:
    """The weights' standard deviation within four standard errors of the stated one."""
    torch.manual_seed(0)
    rbm = GaussianBernoulliRBM(visible=100, hidden=50)
    assert abs(float(rbm.weight.detach().std()) - 0.01) < 4 * 0.01 / (2 * 5000) ** 0.5
    assert not rbm.visible_bias.any() and not rbm.hidden_bias.any() and bool((rbm.scale == 1).all())


def test_energy_is_the_sheets(rbm: GaussianBernoulliRBM) -> None:
    """Term by term, with every sign as in E = −(bonds − springs + biases)."""
    v, h = torch.tensor([[1.1, -0.7]]).double(), torch.tensor([[1.0, 0.0, 1.0]]).double()
    w, b, a, s = rbm.weight, rbm.visible_bias, rbm.hidden_bias, rbm.scale
    bonds = sum(w[i, j] * h[0, j] * v[0, i] / s[i] for i in range(2) for j in range(3))
    springs = sum((v[0, i] - b[i]) ** 2 / (2 * s[i] ** 2) for i in range(2))
    biases = sum(a[j] * h[0, j] for j in range(3))
    assert rbm.energy(v, h).item() == pytest.approx(float(-(bonds - springs + biases)), abs=1e-12)


def test_hidden_units_given_visible(rbm: GaussianBernoulliRBM) -> None:
    """p(h_j = 1 | v) against the sum over all states, and the states' product form."""
    v = torch.randn(5, 2, generator=generator(1), dtype=torch.float64)
    h = hidden_states(3, torch.float64)
    weight = torch.stack([(-rbm.energy(v, s.expand(5, 3))).exp() for s in h], 1)
    posterior = weight / weight.sum(1, keepdim=True)
    p = rbm.hidden_probability(v)
    torch.testing.assert_close(p, posterior @ h)
    product = (p[:, None] * h + (1 - p[:, None]) * (1 - h)).prod(2)
    torch.testing.assert_close(product, posterior)


def test_visible_units_given_hidden(rbm: GaussianBernoulliRBM) -> None:
    """p(v | h) integrates to the stated mean and standard deviation, and its units are uncorrelated."""
    v, h, weight, _ = joint(rbm)
    p = weight / weight.sum(0)
    mean = p.T @ v
    torch.testing.assert_close(mean, rbm.visible_mean(h), atol=1e-9, rtol=0)
    centred = v[:, None] - mean
    cov = torch.einsum("gs,gsi,gsj->sij", p, centred, centred)
    expected = torch.diag(rbm.scale.square()).expand(8, 2, 2)
    torch.testing.assert_close(cov, expected, atol=1e-9, rtol=0)


def test_free_energy_sums_the_hidden_units_out(rbm: GaussianBernoulliRBM) -> None:
    v, _, weight, _ = joint(rbm)
    near = v.abs().amax(1) < 4
    torch.testing.assert_close(rbm.free_energy(v[near]), -weight[near].sum(1).log())


def test_hidden_chain_integrates_the_visible_units_out(rbm: GaussianBernoulliRBM) -> None:
    _, h, weight, area = joint(rbm)
    torch.testing.assert_close(HiddenChain.of(rbm).log_weight(h), (weight.sum(0) * area).log())


@pytest.mark.parametrize("start", [0, 5, 7])
def test_hidden_chain_steps_as_gibbs_does(rbm: GaussianBernoulliRBM, start: int) -> None:
    """Frequencies of 40,000 steps against the integrated p(h′ | h), for both ways to take a step."""
    h = hidden_states(3, torch.float64)[start].expand(40_000, 3)
    expected = transition(rbm)[start] * len(h)
    chain = HiddenChain.of(rbm)
    for drawn in (
        chain.step(h, generator=generator(2)),
        chain.run(h, 1, generator(3)),
        rbm.sample_hidden(rbm.sample_visible(h, generator(4)), generator(5)),
    ):
        found = torch.bincount(codes(drawn), minlength=8)
        assert stats.chisquare(found.numpy(), expected.numpy()).pvalue > RARE


def test_a_warm_chain_is_the_machine_with_scaled_weights(rbm: GaussianBernoulliRBM) -> None:
    h = hidden_states(3, torch.float64)
    chain = HiddenChain.of(rbm)
    rbm.weight *= 0.6
    rbm.hidden_bias *= 0.6
    torch.testing.assert_close(chain.log_weight(h, 0.6), HiddenChain.of(rbm).log_weight(h))
    found = torch.bincount(
        codes(chain.step(h[5].expand(40_000, 3), 0.6, generator(6))), minlength=8
    )
    expected = transition(rbm)[5] * 40_000
    assert stats.chisquare(found.numpy(), expected.numpy()).pvalue > RARE


def test_gibbs_chain_reaches_the_joint(rbm: GaussianBernoulliRBM) -> None:
    """20,000 chains of 60 steps: states of (sign of v, h) against the integrated joint distribution."""
    v, _, weight, _ = joint(rbm)
    mass = weight / weight.sum()
    quadrant = (v > 0).long() @ torch.tensor([1, 2])
    edge = (v == 0).any(1)
    expected = torch.stack([mass[(quadrant == q) & ~edge].sum(0) for q in range(4)])
    expected /= expected.sum()  # the grid's lines through 0 belong to no quadrant
    start = torch.zeros(20_000, 2, dtype=torch.float64)
    drawn_v = rbm.gibbs(start, 60, generator(7))
    drawn_h = rbm.sample_hidden(drawn_v, generator(8))
    cell = ((drawn_v > 0).long() @ torch.tensor([1, 2])) * 8 + codes(drawn_h)
    found = torch.bincount(cell, minlength=32)
    assert stats.chisquare(found.numpy(), (expected.flatten() * 20_000).numpy()).pvalue > RARE


def test_hidden_chain_reaches_its_distribution(rbm: GaussianBernoulliRBM) -> None:
    h = HiddenChain.of(rbm).run(torch.zeros(20_000, 3, dtype=torch.float64), 60, generator(9))
    expected = hidden_distribution(rbm) * 20_000
    found = torch.bincount(codes(h), minlength=8)
    assert stats.chisquare(found.numpy(), expected.numpy()).pvalue > RARE


def test_no_step_changes_nothing(rbm: GaussianBernoulliRBM) -> None:
    h = torch.ones(4, 3, dtype=torch.float64)
    assert HiddenChain.of(rbm).run(h, 0) is h


def test_equal_filters_still_factor() -> None:
    """WᵀW of copied columns is singular; the chain is drawn all the same."""
    machine = GaussianBernoulliRBM(visible=20, hidden=8)
    with torch.no_grad():
        machine.weight.copy_(machine.weight[:, :1].expand(20, 8))
    assert HiddenChain.of(machine).root.isfinite().all()


@pytest.mark.parametrize("p", [0.0, 0.13, 0.5, 1.0])
def test_bernoulli_draws(p: float) -> None:
    """Zeros and ones at the stated frequency, within 4.5 standard errors (fails once in 150,000)."""
    drawn = draw_bernoulli(torch.full((50_000,), p), generator(10))
    assert set(drawn.unique().tolist()) <= {0.0, 1.0}
    assert abs(float(drawn.mean()) - p) <= 4.5 * (p * (1 - p) / 50_000) ** 0.5


def test_reconstruction_is_one_pass_of_means(rbm: GaussianBernoulliRBM) -> None:
    v = torch.randn(3, 2, generator=generator(11), dtype=torch.float64)
    expected = rbm.visible_bias + rbm.scale * (rbm.hidden_probability(v) @ rbm.weight.T)
    torch.testing.assert_close(rbm.reconstruct(v), expected)
