"""The KL term taken apart: what the codes say about their images, and how far all codes together are from the prior."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from chapters_lib import reproducibility
from chapters_lib.evaluation.arguments import checked

AT_ONCE = 500  # codes held against all posteriors in one call


class KlParts(NamedTuple):
    """The mean KL term of n images in parts, in nats.

    `mutual_information`: between the number of an image, drawn evenly from the n, and its code; at
    most log n.
    `marginal_kl`: KL(q(z) ‖ p(z)) of the aggregated posterior, the average of the n posteriors.
    `prior_cross_entropy`: −E_q(z) log p(z).
    `code_entropy`: the mean entropy of the n posteriors.
    """

    mutual_information: float
    marginal_kl: float
    prior_cross_entropy: float
    code_entropy: float


@checked
def log_aggregated(
    z: Float[Tensor, "m p"],
    loc: Float[Tensor, "n p"],
    scale: Float[Tensor, "n p"],
) -> Float[Tensor, " m"]:
    """Return log q(z) = log 1/n Σ_i N(z; μ_i, diag σ_i²), in nats, float64.

    The m·n squared distances come of two matrix products, in float64: their parts are larger
    than their sums.
    """
    mu, precision = loc.double(), scale.double().pow(-2)
    constant = (
        mu.square() * precision + (2 * math.pi / precision).log()
    ).sum(1)
    parts = []
    for part in z.double().split(AT_ONCE):
        distance = (
            part.square() @ precision.T
            - 2 * part @ (mu * precision).T
            + constant
        )
        parts.append((-distance / 2).logsumexp(1))
    return torch.cat(parts) - math.log(len(loc))


@checked
@torch.no_grad()
def kl_parts(
    loc: Float[Tensor, "n p"],
    scale: Float[Tensor, "n p"],
    prior: Distribution,
    *,
    draws: int = 5,
    seed: int = 0,
) -> KlParts:
    """Estimate the parts of 1/n Σ_i KL(q(z|x_i) ‖ p(z)).

    They are estimated from `draws` codes an image:
    mutual_information + marginal_kl = prior_cross_entropy − code_entropy
    = the mean KL.
    Hoffman and Johnson (2016): q(z) is that of these n images and no
    others, so the first part is at most log n whatever the codes would
    tell of more images.
    """
    generator = reproducibility.generator(seed)
    noise = torch.randn(draws, *loc.shape, generator=generator).to(
        loc.device
    )
    z = loc + scale * noise
    # log q(z|x) of a code from the noise that made it
    own = (
        -(
            noise.double().square()
            + (2 * math.pi * scale.double().square()).log()
        ).sum(-1)
        / 2
    )
    both = torch.stack([log_aggregated(part, loc, scale) for part in z])
    under_prior = prior.log_prob(z).double()
    return KlParts(
        mutual_information=float((own - both).mean()),
        marginal_kl=float((both - under_prior).mean()),
        prior_cross_entropy=-float(under_prior.mean()),
        code_entropy=-float(own.mean()),
    )
