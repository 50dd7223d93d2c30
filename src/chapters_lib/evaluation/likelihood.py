"""How likely unseen images are under a VAE: the bound, and the tighter one by importance sampling."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from chapters_lib import reproducibility
from chapters_lib.evaluation.arguments import checked
from chapters_lib.models.layers import device_of
from chapters_lib.models.vae import VAE
from chapters_lib.objectives.elbo import ElboTerms, kl_to_prior

# images decoded in one call: their logits, 1.5 MB, then reuse memory that the process already has
DECODED_AT_ONCE = 500
ACTIVE_VARIANCE = (
    0.01  # of a unit's means over the data (Burda et al. 2016, Section 5.2)
)


def sample(
    q: Distribution, count: int, generator: torch.Generator
) -> Float[Tensor, "count *shape"]:
    """Draw `count` times from a normal q by a generator of its own."""
    noise = torch.randn(count, *q.mean.shape, generator=generator).to(
        q.mean.device
    )
    return q.mean + q.stddev * noise


@checked
@torch.no_grad()
def log_weights(
    model: VAE,
    x: Float[Tensor, "batch c h w"],
    *condition: Float[Tensor, "batch classes"],
    num_samples: int,
    generator: torch.Generator,
) -> Float[Tensor, "num_samples batch"]:
    """Return log w = log p(x|z) + log p(z) − log q(z|x), in nats.

    It is taken at `num_samples` draws z ~ q(z|x). The image is encoded
    once, however many codes are drawn. Burda, Grosse and Salakhutdinov
    (2016), Eq. 7. The network computes where it is, and the weights come
    back to the CPU.
    """
    x, *given = _moved(model, x, *condition)
    q, prior = model.encoder(x, *given), model.prior()
    parts = []
    for start in range(
        0, num_samples, size := max(1, DECODED_AT_ONCE // len(x))
    ):
        z = sample(q, min(size, num_samples - start), generator)
        log_joint = model.decoder(z, *given).log_prob(x) + prior.log_prob(z)
        parts.append(log_joint - q.log_prob(z))
    return torch.cat(parts).cpu()


@checked
def negative_log_mean(
    log_w: Float[Tensor, "num_samples batch"],
) -> Float[Tensor, " batch"]:
    """Return −log (1/K Σ_k w_k) from log w, in float64.

    The logarithm is never left. ValueError where K is 0.
    """
    return math.log(len(log_w)) - log_w.double().logsumexp(0)


@checked
def negative_iwae(
    model: VAE,
    images: Float[Tensor, "n c h w"],
    *condition: Float[Tensor, "n classes"],
    num_samples: int = 1000,
    seed: int = 0,
    batch_size: int = 50,
) -> Float[Tensor, " n"]:
    """Return each image's importance-weighted bound −log 1/K Σ_k w_k, in nats, float64.

    In expectation it is at least −log p(x), falls with K, and tends to it (Burda, Grosse and
    Salakhutdinov 2016, Theorem 1); K = 1 gives the ELBO. Call it in evaluation mode. A
    negative log-likelihood only where p(x|z) is a likelihood of such data: Bernoulli scores of
    grey pixels are cross-entropies.
    """
    noise = reproducibility.generator(seed)
    return torch.cat(
        [
            negative_log_mean(
                log_weights(
                    model, *part, num_samples=num_samples, generator=noise
                )
            )
            for part in _split(batch_size, images, *condition)
        ]
    )


@checked
@torch.no_grad()
def elbo_terms(
    model: VAE,
    images: Float[Tensor, "n c h w"],
    *condition: Float[Tensor, "n classes"],
    draws: int = 5,
    seed: int = 0,
) -> ElboTerms:
    """Return both terms of each image's bound, averaged over `draws` codes, in nats.

    The codes are drawn from q(z|x) in evaluation mode as in training: decoding the mean instead
    gives no bound.
    """
    noise = reproducibility.generator(seed)
    parts = []
    for part in _split(500, images, *condition):
        x, *y = _moved(model, *part)
        q = model.encoder(x, *y)
        z = sample(q, draws, noise)
        kl = kl_to_prior(q, model.prior(), z)
        parts.append(
            (
                model.decoder(z, *y).log_prob(x).mean(0),
                kl.mean(0) if kl.ndim > 1 else kl,
            )
        )
    return ElboTerms(
        *(torch.cat(column).cpu() for column in zip(*parts, strict=True))
    )


@checked
@torch.no_grad()
def encode(
    model: VAE,
    images: Float[Tensor, "n c h w"],
    *condition: Float[Tensor, "n classes"],
) -> tuple[Float[Tensor, "n p"], Float[Tensor, "n p"]]:
    """Return the mean and the standard deviation of q(z|x) of each image."""
    parts = _split(2000, images, *condition)
    q = [model.encoder(*_moved(model, *part)) for part in parts]
    return (
        torch.cat([part.mean for part in q]).cpu(),
        torch.cat([part.stddev for part in q]).cpu(),
    )


@checked
def by_samples(
    log_w: Float[Tensor, "num_samples batch"], counts: Sequence[int]
) -> dict[int, Float[Tensor, " batch"]]:
    """Return −L_k of each image for several k from the same K weights, in nats, float64.

    The K weights are cut into K/k groups, each of which gives an estimate of L_k; their mean is
    kept. K has to be a multiple of each k.
    """
    found = {}
    for count in counts:
        if len(log_w) % count:
            raise ValueError(
                f"{len(log_w)} weights make no whole groups of {count}"
            )
        groups = log_w.double().unflatten(0, (-1, count))
        found[count] = (math.log(count) - groups.logsumexp(1)).mean(0)
    return found


@checked
def effective_samples(
    log_w: Float[Tensor, "num_samples batch"],
) -> Float[Tensor, " batch"]:
    """Return (Σ w)² / Σ w², between 1, where one weight has all, and K, where all are equal."""
    w = log_w.double()
    return (2 * w.logsumexp(0) - (2 * w).logsumexp(0)).exp()


def bits_per_dimension(nats: float, dimensions: int) -> float:
    """Return nats an image as bits per dimension: over log 2 and the number of its values, C·H·W."""
    return nats / (dimensions * math.log(2))


@checked
def active_units(loc: Float[Tensor, "n p"]) -> int:
    """Return how many latent units' means vary over the data, Var_x μ_j(x) > 0.01 (Burda et al. 2016, Section 5.2)."""
    return int((loc.var(0) > ACTIVE_VARIANCE).sum())


def _moved(model: VAE, *tensors: Tensor) -> list[Tensor]:
    return [tensor.to(device_of(model)) for tensor in tensors]


def _split(size: int, *tensors: Tensor) -> list[tuple[Tensor, ...]]:
    return list(
        zip(*(tensor.split(size) for tensor in tensors), strict=True)
    )
