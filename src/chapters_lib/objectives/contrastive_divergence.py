"""Contrastive divergence: the direction that a restricted Boltzmann machine is trained along."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from chapters_lib.models.rbm import (
    GaussianBernoulliRBM,
    HiddenChain,
    draw_bernoulli,
)


@torch.no_grad()
def contrastive_divergence(
    rbm: GaussianBernoulliRBM, v: Float[Tensor, "n d"], steps: int
) -> dict[str, Tensor]:
    """Return −CD_n = mean ∂F(v)/∂θ − mean ∂F(v_n)/∂θ, to descend along.

    It stands in for the gradient of −log p(v). The negative states v_n come
    from n Gibbs steps that start at the data (Hinton 2002), all but the
    last drawn with the visible units integrated out. The chain's states are
    samples; into the products the hidden units enter by their probabilities
    (Hinton 2010, section 3). The chain is no function of θ here: no
    derivative runs through it.

    `rbm`: the machine; it is not changed.
    `v`: a batch of data, standardised.
    `steps`: n, at least 1.
    Returns gradients: by parameter name: `weight` (P, M), `visible_bias`
    (P,), `hidden_bias` (M,).
    """
    if steps < 1:
        raise ValueError(
            f"contrastive divergence needs at least one step, not {steps}"
        )
    positive = rbm.hidden_probability(v)
    h = draw_bernoulli(positive)
    if steps > 1:
        h = HiddenChain.of(rbm).run(h, steps - 1)
    v_n = rbm.sample_visible(h)
    negative = rbm.hidden_probability(v_n)
    count = len(v)
    return {
        "weight": (
            (v_n / rbm.scale).T @ negative - (v / rbm.scale).T @ positive
        )
        / count,
        "visible_bias": (v_n - v).mean(0) / rbm.scale.square(),
        "hidden_bias": (negative - positive).mean(0),
    }
