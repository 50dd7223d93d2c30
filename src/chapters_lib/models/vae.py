"""The variational autoencoder's three distributions: q(z|x), p(x|z) and p(z), each a module that returns one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Bernoulli, Independent, Normal
from torch.nn import functional as F

from chapters_lib.data.batches import as_pixels
from chapters_lib.models.layers import Sine, mlp


class BernoulliImage(Independent):
    """A Bernoulli variable for each pixel, by its logit.

    The score of grey pixels is a cross-entropy.

    `logits`: shape (..., C, H, W); the mean is their logistic sigmoid.
    """

    def __init__(self, logits: Float[Tensor, "*batch c h w"]):
        super().__init__(
            Bernoulli(logits=logits, validate_args=False),
            3,
            validate_args=False,
        )
        self.logits = logits

    def log_prob(
        self, value: Float[Tensor, "*batch c h w"]
    ) -> Float[Tensor, "*codes"]:
        """Return Σ_d x_d l_d − log(1 + exp l_d), in nats.

        For pixels x in [0, 1] and logits l, that is
        Σ_d x_d log x̂_d + (1 − x_d) log(1 − x̂_d) with
        x̂ = 1/(1 + exp(−l)), but no logarithm of a number that may have
        been rounded to 0.
        """
        scores = self.logits.flatten(-3)
        linear = torch.linalg.vecdot(as_pixels(value).flatten(-3), scores)
        return linear - F.softplus(scores).sum(-1)


class GaussianEncoder(nn.Module):
    """q(z|x) = N(μ(x), diag σ²(x)); a network gives μ and log σ².

    So σ is positive without a bound.

    `net`: maps the flattened image, and the condition beside it, to 2k
    numbers: μ, then log σ².
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(
        self,
        x: Float[Tensor, "batch c h w"],
        *condition: Float[Tensor, "batch classes"],
    ) -> Independent:
        """Return q(z|x), or q(z|x, y) for a one-hot y; event shape (k,)."""
        loc, log_var = (
            self.net(torch.cat([x.flatten(1), *condition], 1))
            .float()
            .chunk(2, 1)
        )
        return _normal(loc, (log_var / 2).exp())


class BernoulliDecoder(nn.Module):
    """p(x|z): independent Bernoulli pixels; a network makes logits of z."""

    def __init__(
        self,
        net: nn.Module,
        image_shape: tuple[int, int, int] = (1, 28, 28),
    ):
        super().__init__()
        self.net = net
        self.image_shape = image_shape

    def forward(
        self,
        z: Float[Tensor, "*batch k"],
        *condition: Float[Tensor, "batch classes"],
    ) -> BernoulliImage:
        """Return p(x|z), or p(x|z, y).

        Codes may have leading dimensions (K samples an image).
        """
        return BernoulliImage(
            self.net(_beside(z, condition))
            .float()
            .unflatten(-1, self.image_shape)
        )


class GaussianDecoder(nn.Module):
    """p(x|z) = N(x̂(z), s²I): the squared error in other words, with one learned s for all pixels.

    With s² fixed, −log p(x|z) = ‖x − x̂‖²/(2s²) + constant: s² is the weight of the KL term
    beside half the squared error. Learned, it comes to be the mean squared error itself
    (Rybkin, Daniilidis and Levine 2021, Eq. 6).
    """

    def __init__(
        self,
        net: nn.Module,
        image_shape: tuple[int, int, int] = (1, 28, 28),
    ):
        super().__init__()
        self.net = nn.Sequential(
            net, nn.Sigmoid(), nn.Unflatten(-1, image_shape)
        )
        self.log_scale = nn.Parameter(torch.tensor(math.log(0.2)))

    def forward(
        self,
        z: Float[Tensor, "*batch k"],
        *condition: Float[Tensor, "batch classes"],
    ) -> Independent:
        """Return p(x|z); its mean lies in [0, 1]."""
        x_hat = self.net(_beside(z, condition)).float()
        return Independent(
            Normal(x_hat, self.log_scale.exp(), validate_args=False),
            3,
            validate_args=False,
        )


class StandardNormal(nn.Module):
    """p(z) = N(0, I) over k latent units: nothing in it is learned."""

    loc: Tensor

    def __init__(self, latent: int):
        super().__init__()
        self.register_buffer("loc", torch.zeros(latent), persistent=False)

    def forward(self) -> Independent:
        """Return p(z); event shape (k,)."""
        return _normal(self.loc, torch.ones_like(self.loc))


class Unconditioned(nn.Module):
    """An encoder or decoder that is not shown the condition."""

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module

    def forward(
        self, x: Tensor, *condition: Tensor
    ) -> torch.distributions.Distribution:
        """Return what the module makes of x alone."""
        return self.module(x)


class VAE(nn.Module):
    """Encoder, decoder and prior (Kingma and Welling 2014).

    Given a class too, it is conditional (Sohn et al. 2015).
    """

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, prior: nn.Module
    ):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.prior = prior

    def forward(
        self,
        x: Float[Tensor, "batch c h w"],
        *condition: Float[Tensor, "batch classes"],
    ) -> Float[Tensor, "batch c h w"]:
        """Return the reconstruction: the mean of p(x|z) at the mean of q(z|x), in [0, 1]."""
        return self.decoder(
            self.encoder(x, *condition).mean, *condition
        ).mean


_NO_LAYER_OF_SINES = (
    "the sines are a hidden layer: give its width, or frequency 0"
)
_CLASS_IN_DROPPED_INPUT = (
    "input_dropout would drop the class with the pixels: set it to 0, "
    "or encoder_sees_class=False"
)


def fully_connected(
    *,
    hidden: Sequence[int],
    latent: int,
    activation: Callable[[], nn.Module] = nn.ReLU,
    dropout: float = 0.0,
    input_dropout: float = 0.0,
    frequency: float = 0.0,
    gaussian: bool = False,
    classes: int = 0,
    encoder_sees_class: bool = True,
    image_shape: tuple[int, int, int] = (1, 28, 28),
) -> VAE:
    """Make a VAE of fully connected layers, the decoder the mirror image of the encoder.

    `hidden`, `latent`: widths of the encoder's hidden layers; units of z,
    its last layer has twice as many.
    `activation`: makes the module between two layers.
    `dropout`, `input_dropout`: share of the encoder's hidden units, and of
    its input pixels, set to zero while training. The decoder has none.
    `frequency`: as of `models.autoencoder.Autoencoder`: above 0, the
    decoder begins with sines.
    `gaussian`: whether the decoder is Gaussian with a learned scale; else
    it is Bernoulli.
    `classes`: above 0, encoder and decoder take a one-hot class beside
    their input.
    `encoder_sees_class`: False leaves the class to the decoder alone.
    Raises `ValueError` if sines are asked for without a hidden layer to
    hold them, or dropout of an input that holds the class, which it would
    drop as well.
    """
    pixels = math.prod(image_shape)
    seen = classes if encoder_sees_class else 0
    if frequency and not hidden:
        raise ValueError(_NO_LAYER_OF_SINES)
    if input_dropout and seen:
        raise ValueError(_CLASS_IN_DROPPED_INPUT)
    trunk = mlp([pixels + seen, *hidden, 2 * latent], activation, dropout)
    if input_dropout:
        trunk = nn.Sequential(nn.Dropout(input_dropout), *trunk)
    encoder: nn.Module = GaussianEncoder(trunk)
    net = mlp([latent + classes, *reversed(hidden), pixels], activation)
    if frequency:
        net[1] = Sine()
        weight = net.get_parameter("0.weight")
        nn.init.uniform_(weight, -frequency, frequency)
    kind = GaussianDecoder if gaussian else BernoulliDecoder
    decoder = kind(net, image_shape)
    if classes and not encoder_sees_class:
        encoder = Unconditioned(encoder)
    return VAE(encoder, decoder, StandardNormal(latent))


def _normal(loc: Tensor, scale: Tensor) -> Independent:
    return Independent(
        Normal(loc, scale, validate_args=False), 1, validate_args=False
    )


def _beside(z: Tensor, condition: Sequence[Tensor]) -> Tensor:
    """Put the condition beside each code.

    It is repeated over the code's leading dimensions.
    """
    return torch.cat(
        [z, *(c.expand(*z.shape[:-1], -1) for c in condition)], -1
    )
