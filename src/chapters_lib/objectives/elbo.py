"""The evidence lower bound: how likely the image is given its code, less how far the code is from the prior."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from chapters_lib.models.vae import VAE


class ElboTerms(NamedTuple):
    """The bound's two terms for each image, in nats.

    `log_likelihood`: log p(x|z) at one z drawn from q(z|x), summed over pixels.
    `kl`: KL(q(z|x) ‖ p(z)), summed over latent units: closed where both are normal, else log q(z|x)
    − log p(z) at that z.
    """

    log_likelihood: Float[Tensor, " batch"]
    kl: Float[Tensor, " batch"]


def gaussian_kl(
    loc: Float[Tensor, "*batch k"], scale: Float[Tensor, "*batch k"]
) -> Float[Tensor, "*batch"]:
    """Return KL(N(μ, diag σ²) ‖ N(0, I)), in nats.

    It is ½ Σ_j (μ_j² + σ_j² − 1 − log σ_j²). Kingma and Welling (2014),
    Appendix B.
    """
    return (loc.square() + scale.square() - 1 - 2 * scale.log()).sum(-1) / 2


def kl_to_prior(
    q: Distribution, p: Distribution, z: Tensor
) -> Float[Tensor, "*batch"]:
    """Return KL(q ‖ p), in closed form if both are diagonal normals.

    Otherwise it is the one-sample estimate at z ~ q. In units of p's
    standard deviation, counted from its mean, p is N(0, I).
    """
    if all(
        isinstance(d, Independent) and isinstance(d.base_dist, Normal)
        for d in (q, p)
    ):
        return gaussian_kl(
            (q.mean - p.mean) / p.stddev, q.stddev / p.stddev
        )
    return q.log_prob(z) - p.log_prob(z)


def elbo(
    model: VAE,
    x: Float[Tensor, "batch c h w"],
    *condition: Float[Tensor, "batch classes"],
) -> ElboTerms:
    """Return log p(x|z) and KL(q(z|x) ‖ p(z)) of each image.

    Their difference estimates the bound. One reparameterised z an image:
    Kingma and Welling (2014), Eq. 10 with one draw. With a condition y
    every distribution but the prior is given y (Sohn et al. 2015, Eq. 4
    with p(z|y) = p(z)).
    """
    q = model.encoder(x, *condition)
    z = q.rsample()
    return ElboTerms(
        model.decoder(z, *condition).log_prob(x),
        kl_to_prior(q, model.prior(), z),
    )


def path_elbo(
    model: VAE,
    x: Float[Tensor, "batch c h w"],
    *condition: Float[Tensor, "batch classes"],
) -> ElboTerms:
    """Return the same bound, estimated at one z, for training.

    The encoder has a gradient through z alone. The KL term is log q(z|x) −
    log p(z) at that z, with the parameters of q held constant in log q.
    What is left out of the gradient is ∇_φ log q(z|x) at a fixed z, whose
    mean over z ~ q is zero; without it the gradient is free of noise where
    q is the posterior (Roeder, Wu and Duvenaud 2017, Section 3). q must be
    a diagonal normal.
    """
    q = model.encoder(x, *condition)
    z = q.rsample()
    constant = Independent(
        Normal(q.mean.detach(), q.stddev.detach(), validate_args=False), 1
    )
    kl = constant.log_prob(z) - model.prior().log_prob(z)
    return ElboTerms(model.decoder(z, *condition).log_prob(x), kl)


def negative_elbo(terms: ElboTerms, beta: float = 1.0) -> Float[Tensor, ""]:
    """Return the loss: the batch's mean of β KL − log p(x|z), in nats.

    See Higgins et al. (2017), Eq. 4.
    """
    return (beta * terms.kl - terms.log_likelihood).mean()
