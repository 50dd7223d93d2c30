"""The losses of the VAE-GAN, and which of them reaches which network (Larsen et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from chapters_lib.models.vae_gan import VAEGAN
from chapters_lib.objectives.elbo import kl_to_prior

ROUTINGS = ("paper", "joint")
RECONSTRUCTION, SAMPLE = (
    "reconstruction",
    "sample",
)  # what the discriminator is shown as drawn


class Terms(NamedTuple):
    """The terms of Eq. 8 in Larsen et al. 2016, each a scalar in nats.

    `prior`: L_prior (Eq. 4): KL(q(z|x) ‖ p(z)), summed over latent units, mean over the batch.
    `likeness`: L_llike in the discriminator's layer l (Eq. 7), as `feature_likeness` gives it; zero
    in the basic loss.
    `value`: L_GAN (Eq. 5 with one kind of drawn image, Eq. 10 with two), with the sign of Eq. 5:
    the discriminator ascends it.
    `fooling`: what the decoder descends of it: `fooling_loss`.
    """

    prior: Float[Tensor, ""]
    likeness: Float[Tensor, ""]
    value: Float[Tensor, ""]
    fooling: Float[Tensor, ""]


class NetworkLosses(NamedTuple):
    """What each of the three networks descends, in nats."""

    encoder: Float[Tensor, ""]
    decoder: Float[Tensor, ""]
    discriminator: Float[Tensor, ""]


def feature_likeness(
    real: Float[Tensor, "batch units"],
    reconstructed: Float[Tensor, "batch units"],
) -> Float[Tensor, ""]:
    """Return the batch's mean of ½ ‖Dis_l(x) − Dis_l(x̃)‖², in nats.

    Summed over the layer's units it is −log N(Dis_l(x) | Dis_l(x̃), I),
    Eqs. 6 and 7, without the constant (d/2) log 2π. With one x̃ an image it
    estimates the expectation over q(z|x).
    """
    return (real.float() - reconstructed.float()).square().sum(1).mean() / 2


def gan_value(
    real: Float[Tensor, " n"], *drawn: Float[Tensor, " _"]
) -> Float[Tensor, ""]:
    """Return E[log D(x)] + Σ_k E[log(1 − D(x_k))] from logits, in nats.

    This is Eq. 5 for one kind of drawn image. Eq. 10 has two, samples and
    reconstructions; each counts as much as the real images.
    """
    return (
        -softplus(-real).mean()
        - torch.stack([softplus(a).mean() for a in drawn]).sum()
    )


def fooling_loss(
    *drawn: Float[Tensor, " _"], saturating: bool = True
) -> Float[Tensor, ""]:
    """Return what of L_GAN depends on drawn images: Σ_k E[log(1 − D(x_k))], in nats.

    Not saturating, it is Σ_k −E[log D(x_k)] instead (Goodfellow et al. 2014, Section 3).
    """
    if saturating:
        return -torch.stack(
            [softplus(logits).mean() for logits in drawn]
        ).sum()
    return torch.stack([softplus(-logits).mean() for logits in drawn]).sum()


def vae_gan_terms(
    model: VAEGAN,
    x: Float[Tensor, "batch c h w"],
    *,
    layer: int | None = None,
    drawn: Sequence[str] = (RECONSTRUCTION, SAMPLE),
    saturating: bool = True,
    noise: float = 0.0,
) -> Terms:
    """Return the terms of Eq. 8 in Larsen et al. 2016 on a batch.

    Here x̃ = Dec(z) at one z ~ q(z|x), and x_p = Dec(z_p) at z_p ~ p(z).

    `layer`: l, in which likeness is measured; None leaves L_llike out, which is the basic loss.
    `drawn`: which images stand against the real ones in L_GAN: reconstructions, samples, or both.
    `saturating`: as of `fooling_loss`.
    `noise`: standard deviation of the normal noise on every image that the discriminator sees; x
    and x̃ have the same.
    """
    d, q = model.discriminator, model.encoder(x)
    z = q.rsample()
    x_tilde = model.decoder(z).mean
    added = noise * torch.randn_like(x) if noise else 0.0
    seen, features = d.layer_and_features(x + added, layer or 0)
    seen_tilde, features_tilde = d.layer_and_features(
        x_tilde + added, layer or 0
    )
    logits = []
    if RECONSTRUCTION in drawn:
        logits.append(d.logits(features_tilde))
    if SAMPLE in drawn:
        x_p = model.decoder(model.draw_codes(len(x))).mean
        x_p = x_p + noise * torch.randn_like(x) if noise else x_p
        logits.append(d.logits(d.layer_and_features(x_p, 0)[1]))
    return Terms(
        prior=kl_to_prior(q, model.prior(), z).mean(),
        likeness=x.new_zeros(())
        if layer is None
        else feature_likeness(seen, seen_tilde),
        value=gan_value(d.logits(features), *logits),
        fooling=fooling_loss(*logits, saturating=saturating),
    )


def network_losses(
    terms: Terms, gamma: float = 1.0, routing: str = "paper"
) -> NetworkLosses:
    """Return what each network descends.

    `gamma`: γ of Eq. 9: the weight of likeness against fooling for the
    decoder alone.
    `routing`: "paper": Algorithm 1 of the paper, which keeps L_GAN from the
    encoder. "joint": the plain minimisation of the stated L (Eq. 8), in
    which L_GAN reaches the encoder through the reconstruction. In both,
    L_prior reaches the encoder alone, since it depends on no other network,
    and no likeness reaches the discriminator, which ascends L_GAN.
    """
    if routing not in ROUTINGS:
        raise ValueError(f"no routing {routing!r}: paper or joint")
    encoder = terms.prior + terms.likeness
    return NetworkLosses(
        encoder=encoder + terms.fooling if routing == "joint" else encoder,
        decoder=gamma * terms.likeness + terms.fooling,
        discriminator=-terms.value,
    )
