"""The losses of generative adversarial networks, from logits (Goodfellow et al. 2014)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus


def discriminator_loss(
    real: Float[Tensor, " n"],
    fake: Float[Tensor, " m"],
    smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    """Return −E[log D(x)] − E[log(1 − D(G(z)))]: Eq. 1 negated.

    Eq. 1 is that of Goodfellow et al. 2014; their Algorithm 1 minimises it.

    `real`, `fake`: logits of D on real images and on samples: D = σ(logit),
    so that −log D = softplus(−logit) and −log(1 − D) = softplus(logit),
    exact where probabilities would round to 0 or 1.
    `smoothing`: one-sided label smoothing: the target of real images is 1 −
    smoothing (Salimans et al. 2016, Section 3.4). With a target t the loss
    is softplus(−logit) + (1 − t)·logit.
    Returns in nats, a scalar; 2 log 2 where D cannot tell.
    """
    return (softplus(-real) + smoothing * real).mean() + softplus(
        fake
    ).mean()


def minmax_loss(fake: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """Return E[log(1 − D(G(z)))], the *saturating* loss, in nats.

    The generator of Algorithm 1 minimises it. Its derivative by the logit
    is −D, which vanishes where D recognises the samples.
    """
    return -softplus(fake).mean()


def nonsaturating_loss(fake: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """Return −E[log D(G(z))], in nats.

    This is the generator's loss that the paper's Section 3 advises. Its
    derivative by the logit is D − 1, which is largest where D recognises
    the samples.
    """
    return softplus(-fake).mean()
