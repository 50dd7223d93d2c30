"""Contrastive divergence beside the exact gradient of a machine that can be enumerated."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from chapters_lib.evaluation.ais import hidden_states
from chapters_lib.models.rbm import GaussianBernoulliRBM, HiddenChain
from chapters_lib.objectives.contrastive_divergence import contrastive_divergence


def machine(hidden: int = 4) -> GaussianBernoulliRBM:
    torch.manual_seed(0)
    rbm = GaussianBernoulliRBM(visible=3, hidden=hidden, weight_sd=0.7).double()
    with torch.no_grad():
        rbm.visible_bias.normal_()
        rbm.hidden_bias.normal_()
        rbm.scale.copy_(torch.tensor([0.8, 1.0, 1.4]))
    return rbm


def exact_gradient(rbm: GaussianBernoulliRBM, v: Tensor) -> dict[str, Tensor]:
    """Differentiate mean F(v) + log Z, with Z summed over all hidden states."""
    h = hidden_states(rbm.weight.shape[1], torch.float64)
    a = h @ rbm.weight.T
    log_z = (
        h @ rbm.hidden_bias + (rbm.visible_bias / rbm.scale * a + a.square() / 2).sum(1)
    ).logsumexp(0)
    (rbm.free_energy(v).mean() + log_z).backward()
    gradients = {name: p.grad.clone() for name, p in rbm.named_parameters() if p.grad is not None}
    rbm.zero_grad()
    return gradients


def test_many_steps_give_the_exact_gradient() -> None:
    """CD-40 of 400 batches: each parameter's mean within 5 of its standard errors (19 numbers: 1 in 90,000)."""
    rbm = machine()
    v = torch.randn(64, 3, dtype=torch.float64)
    exact = exact_gradient(rbm, v)
    draws = [contrastive_divergence(rbm, v, 40) for _ in range(400)]
    for name, expected in exact.items():
        values = torch.stack([draw[name] for draw in draws])
        error = values.std(0) / len(draws) ** 0.5
        assert ((values.mean(0) - expected).abs() < 5 * error).all(), name


def test_one_step_is_biased() -> None:
    """CD-1 misses the exact gradient by far more than its standard error: what the chapter is about."""
    rbm = machine()
    v = torch.randn(64, 3, dtype=torch.float64)
    exact = exact_gradient(rbm, v)["weight"]
    values = torch.stack([contrastive_divergence(rbm, v, 1)["weight"] for _ in range(400)])
    assert ((values.mean(0) - exact).abs() > 8 * values.std(0) / 20).any()


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_outer_products_are_the_free_energys_gradient(steps: int) -> None:
    """The returned gradients equal autograd of mean F(v) − mean F(v_k) for the same negative states."""
    rbm = machine()
    v = torch.randn(32, 3, dtype=torch.float64)
    torch.manual_seed(5)
    found = contrastive_divergence(rbm, v, steps)
    torch.manual_seed(5)
    h = rbm.sample_hidden(v)
    v_k = rbm.sample_visible(HiddenChain.of(rbm).run(h, steps - 1)).detach()
    (rbm.free_energy(v).mean() - rbm.free_energy(v_k).mean()).backward()
    for name, parameter in rbm.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad)


def test_negative_states_carry_no_gradient() -> None:
    """Nothing that comes out hangs on the parameters, and nothing is left on them."""
    rbm = machine()
    before = {name: p.detach().clone() for name, p in rbm.named_parameters()}
    gradients = contrastive_divergence(rbm, torch.randn(8, 3, dtype=torch.float64), 5)
    assert not any(g.requires_grad for g in gradients.values())
    assert all(p.grad is None for p in rbm.parameters())
    assert all(torch.equal(p, before[name]) for name, p in rbm.named_parameters())
    assert not rbm.gibbs(torch.zeros(2, 3, dtype=torch.float64), 2).requires_grad


@pytest.mark.parametrize("steps", [0, -1])
def test_no_steps_are_refused(steps: int) -> None:
    with pytest.raises(ValueError, match="at least one step"):
        contrastive_divergence(machine(), torch.zeros(2, 3, dtype=torch.float64), steps)


def learn(seed: int, updates: int = 300) -> tuple[GaussianBernoulliRBM, float]:
    """Fit one batch of two noisy prototypes; return the machine and its reconstruction's error."""
    torch.manual_seed(seed)
    prototypes = torch.randn(2, 20).sign()
    v = prototypes[torch.arange(64) % 2] + 0.1 * torch.randn(64, 20)
    rbm = GaussianBernoulliRBM(visible=20, hidden=8)
    optimizer = torch.optim.Adam(rbm.parameters(), 1e-2)
    for _ in range(updates):
        gradients = contrastive_divergence(rbm, v, 5)
        for name, parameter in rbm.named_parameters():
            parameter.grad = gradients[name]
        optimizer.step()
    with torch.no_grad():
        return rbm, float((v - rbm.reconstruct(v)).square().mean())


def test_training_overfits_a_batch_and_repeats() -> None:
    """Two prototypes of variance 1 are learned down to their noise, and the same seed gives the same weights."""
    (first, error), (second, _) = learn(0), learn(0)
    assert error < 0.1
    assert torch.equal(first.weight, second.weight)


def test_data_end_up_below_noise_in_free_energy() -> None:
    rbm = learn(1)[0].requires_grad_(False)
    torch.manual_seed(1)
    prototypes = torch.randn(2, 20).sign()
    assert float(rbm.free_energy(prototypes).max()) < float(
        rbm.free_energy(torch.randn(500, 20)).mean()
    )
