"""A Boltzmann machine small enough to be solved: how wrong contrastive divergence is, without a random number.

Two visible and two hidden units, σ = 1; θ holds W, then b, then α, flat.
"""

from __future__ import annotations

from functools import cache, partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import softplus

from chapters_lib.evaluation.ais import hidden_states
from chapters_lib.reproducibility import generator

STATES = hidden_states(2, torch.float64)
x, w = np.polynomial.hermite_e.hermegauss(64)
NODES = torch.cartesian_prod(torch.tensor(x), torch.tensor(x))
MASS = torch.tensor(np.outer(w, w).ravel() / w.sum() ** 2)
STEPS = (1, 2, 3, 5, 7, 10, 15)
COMPARED = {"CD-1": 1, "CD-5": 5, "exact": None}
DRAWS = 12  # of the eight parameters


def parts(theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return W, b and α."""
    return theta[:4].reshape(2, 2), theta[4:6], theta[6:]


def statistics(v: Tensor, theta: Tensor) -> Tensor:
    """Return −∂F/∂θ of states v, flat."""
    W, b, a = parts(theta)
    p = (v @ W + a).sigmoid()
    return torch.cat([(v[..., :, None] * p[..., None, :]).flatten(-2), v - b, p], -1)


def posterior(v: Tensor, theta: Tensor) -> Tensor:
    """Return p(h | v) of each of the four hidden states."""
    W, _, a = parts(theta)
    logits = v @ W + a
    return (logits @ STATES.T - softplus(logits).sum(-1, keepdim=True)).exp()


def log_weights(theta: Tensor) -> Tensor:
    """Return the hidden states' log p*(h), but for a constant."""
    W, b, a = parts(theta)
    return STATES @ (a + b @ W) + (STATES @ W.T).square().sum(1) / 2


def direction(theta: Tensor, points: Tensor, n: int | None) -> Tensor:
    """Return CD-n's expected direction; the gradient where n is None."""
    W, b, _ = parts(theta)
    v = (b + STATES @ W.T)[:, None] + NODES  # nodes of p(v | h) for each h
    if n is None:
        pi = log_weights(theta).softmax(0)
    else:
        onward = posterior(v, theta)  # h → v → h'
        transition = torch.einsum("q,sqr->sr", MASS, onward)
        pi = posterior(points, theta).mean(0)
        for _ in range(n - 1):
            pi = pi @ transition
    of_chain = statistics(v, theta)
    negative = torch.einsum("s,q,sqp->p", pi, MASS, of_chain)
    return statistics(points, theta).mean(0) - negative


@cache
def data() -> Tensor:
    """Return the sixty points, around three corners."""
    corners = torch.tensor([[-3.0, -2.0], [3.0, -2.0], [0.0, 3.0]], dtype=torch.float64)
    noise = torch.randn(60, 2, dtype=torch.float64, generator=generator(0))
    return corners[torch.arange(60) % 3] + noise


class Bias(NamedTuple):
    """How wrong contrastive divergence is, a row for each draw of the parameters."""

    errors: NDArray[np.float64]  # of CD-n over STEPS, relative to the gradient's length
    skews: NDArray[np.float64]  # asymmetry of what is COMPARED


@cache
def measured(factor: float) -> Bias:
    """Measure it for parameters from a standard normal, their W times a factor."""
    errors: list[list[float]] = []
    skews: list[list[float]] = []
    for seed in range(DRAWS):
        theta = torch.randn(8, dtype=torch.float64, generator=generator(seed))
        theta[:4] *= factor
        exact = direction(theta, data(), None)
        off = [direction(theta, data(), n) - exact for n in STEPS]
        errors.append([float(rest.norm() / exact.norm()) for rest in off])
        skews.append([])
        for n in COMPARED.values():
            j = torch.autograd.functional.jacobian(partial(direction, points=data(), n=n), theta)
            skews[-1].append(float((j - j.T).norm() / j.norm()))
    return Bias(np.array(errors), np.array(skews))
