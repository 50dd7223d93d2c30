"""The partition function Z of a restricted Boltzmann machine: enumerated where small, else annealed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from chapters_lib.models.rbm import (
    GaussianBernoulliRBM,
    HiddenChain,
    draw_bernoulli,
)

MOST_UNITS = 24  # enumerated: 16.8 million states


def hidden_states(
    units: int, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "states m"]:
    """Return all 2^M states of M hidden units, row k holding the binary digits of k, the lowest first."""
    index = torch.arange(2**units)
    return ((index[:, None] >> torch.arange(units)) & 1).to(dtype)


@torch.no_grad()
def exact_log_z(rbm: GaussianBernoulliRBM) -> float:
    """Return log Z = log Σ_h ∫ exp(−E(v, h)) dv, in nats, by a sum over all states of the hidden units.

    Raises `ValueError` for more than 24 hidden units.
    """
    units = rbm.weight.shape[1]
    if units > MOST_UNITS:
        raise ValueError(
            f"2^{units} states are too many to enumerate: use annealed_log_z"
        )
    chain = HiddenChain.of(rbm)
    parts = [
        chain.log_weight(part).double().logsumexp(0)
        for part in hidden_states(units, rbm.weight.dtype).split(2**16)
    ]
    return float(torch.stack(parts).logsumexp(0))


@torch.no_grad()
def state_probabilities(
    rbm: GaussianBernoulliRBM,
) -> tuple[Float[Tensor, "states m"], Float[Tensor, " states"]]:
    """Return all states of a small machine's hidden units, and their probabilities p(h)."""
    states = hidden_states(rbm.weight.shape[1], rbm.weight.dtype)
    return states, HiddenChain.of(rbm).log_weight(states).double().softmax(
        0
    )


@dataclass(frozen=True)
class Annealed:
    """An estimate of log Z.

    `log_z`: log of the mean importance weight, plus log Z of the start, in nats.
    `low`, `high`: the same with the mean weight moved by three of its standard errors (−inf where
    that leaves nothing).
    `spread`: standard deviation of the chains' log weights: above 1 or so, a few chains carry the
    mean.
    `effective_chains`: (Σw)² / Σw², between 1 and the number of chains.
    """

    log_z: float
    low: float
    high: float
    spread: float
    effective_chains: float


@torch.no_grad()
def annealed_log_z(
    rbm: GaussianBernoulliRBM,
    *,
    temperatures: int = 2000,
    chains: int = 500,
    generator: torch.Generator | None = None,
) -> Annealed:
    """Estimate log Z by annealed importance sampling (Neal 2001; Salakhutdinov and Murray 2008, Algorithm 1).

    W and α are multiplied by β, which rises from 0 (independent units, log Z known) to 1. Each chain collects
    log w = Σ_t log p*_{β_t}(h_{t−1}) − log p*_{β_{t−1}}(h_{t−1}) and then takes one Gibbs step at β_t. The mean of w
    is an unbiased estimate of Z/Z_0; its logarithm errs on the low side.

    `rbm`: the machine.
    `temperatures`: steps of β from 0 to 1, evenly spaced.
    `chains`: independent runs, all at once.
    `generator`: to draw from; torch's own where none is given.
    """
    chain = HiddenChain.of(rbm)
    units = len(chain.bias)
    half = torch.full((chains, units), 0.5, dtype=chain.bias.dtype)
    h = draw_bernoulli(half, generator)
    log_w = torch.zeros(chains, dtype=torch.float64)
    for t in range(1, temperatures + 1):
        before, beta = (t - 1) / temperatures, t / temperatures
        linear = (h @ chain.bias).double()
        quadratic = (h @ chain.gram * h).sum(1).double() / 2
        log_w += (beta - before) * linear + (
            beta**2 - before**2
        ) * quadratic
        h = chain.step(h, beta, generator)
    start = units * math.log(2) + chain.log_volume
    largest = log_w.max()
    w = (log_w - largest).exp()
    mean, error = float(w.mean()), float(w.std()) / chains**0.5
    base = start + float(largest)
    return Annealed(
        log_z=base + math.log(mean),
        low=base
        + (math.log(mean - 3 * error) if mean > 3 * error else -math.inf),
        high=base + math.log(mean + 3 * error),
        spread=float(log_w.std()),
        effective_chains=float(w.sum().square() / w.square().sum()),
    )
