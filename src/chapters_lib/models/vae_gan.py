"""A variational autoencoder whose decoder is also a generator (Larsen et al. 2016): three networks in one model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from chapters_lib.models.gan import Discriminator
from chapters_lib.models.vae import (
    VAE,
    BernoulliDecoder,
    GaussianEncoder,
    StandardNormal,
)

IMAGE_SHAPE = (1, 28, 28)


class LayeredDiscriminator(Discriminator):
    """A discriminator whose hidden layers can be looked at.

    Nothing in it mixes images of a batch and nothing is random: Dis_l(x) is
    a function of x.

    `stages`: the layers, each with its activation; the last one returns
    vectors.
    `features`: how many numbers the last one returns.
    """

    def __init__(self, stages: Sequence[nn.Module], features: int):
        super().__init__(nn.Sequential(*stages), features)

    def layer_and_features(
        self, x: Float[Tensor, "batch c h w"], layer: int
    ) -> tuple[
        Float[Tensor, "batch units"], Float[Tensor, "batch features"]
    ]:
        """Return Dis_l(x), flattened, and what the last linear unit sees.

        Both come of one pass. Layers are counted from 1; layer 0 is the
        image itself, so that its squared error is the pixels'.
        """
        if not 0 <= layer <= len(self.stages):
            raise ValueError(
                f"no layer {layer}: there are 0 to {len(self.stages)}"
            )
        kept = h = x
        for number, stage in enumerate(self.stages, 1):
            h = stage(h)
            if number == layer:
                kept = h
        return kept.flatten(1), h

    def logits(
        self, features: Float[Tensor, "batch features"]
    ) -> Float[Tensor, " batch"]:
        """Return the logits of the last layer's features.

        They are in single precision, whatever made the features.
        """
        with torch.autocast(features.device.type, enabled=False):
            return self.head(features.float()).squeeze(1)

    @property
    def stages(self) -> list[nn.Module]:
        """The hidden layers in order."""
        return list(self.body.children())


class VAEGAN(VAE):
    """Encoder, decoder and prior of a VAE, and a discriminator of the decoder's images.

    An image x̃ is the mean of p(x|z): the decoder is the generator too.
    """

    def __init__(self, vae: VAE, discriminator: LayeredDiscriminator):
        super().__init__(vae.encoder, vae.decoder, vae.prior)
        self.discriminator = discriminator

    def draw_codes(self, count: int) -> Float[Tensor, "count k"]:
        """Draw z ~ p(z) from torch's generator."""
        return self.prior().sample((count,))


def fully_connected_discriminator(
    hidden: Sequence[int] = (256, 256, 256),
) -> LayeredDiscriminator:
    """Make a discriminator of linear layers.

    Each has layer normalisation and a leaky ReLU. Layer normalisation fixes
    the size of a layer's output, and with it the scale of distances between
    two images; unlike batch normalisation it looks at one image alone.
    """
    stages = []
    for number, (width_in, width_out) in enumerate(
        pairwise([math.prod(IMAGE_SHAPE), *hidden])
    ):
        flat = [nn.Flatten()] if number == 0 else []
        layer = [
            nn.Linear(width_in, width_out),
            nn.LayerNorm(width_out),
            nn.LeakyReLU(0.2),
        ]
        stages.append(nn.Sequential(*flat, *layer))
    return LayeredDiscriminator(stages, hidden[-1])


class RowByRow(nn.Sequential):
    """Layers for vectors in rows; further leading dimensions may come first."""

    def forward(
        self, x: Float[Tensor, "*batch k"]
    ) -> Float[Tensor, "*batch units"]:
        """Return what the layers make of each vector."""
        return super().forward(x.flatten(0, -2)).unflatten(0, x.shape[:-1])


def convolutional_vae(*, latent: int, width: int = 32) -> VAE:
    """Make encoder and decoder of convolutions for images of 28x28x1.

    Encoder: 28x28x1 → 14x14xw → 7x7x2w → 4x4x4w → 2k; decoder: k → 7x7x4w →
    14x14x2w → 28x28xw → 28x28x1, for w = `width`; both with batch
    normalisation.
    """
    w = width
    encoder = nn.Sequential(
        nn.Unflatten(1, IMAGE_SHAPE),
        *_down(1, w, 4, None),
        *_down(w, 2 * w, 4, nn.BatchNorm2d(2 * w)),
        *_down(2 * w, 4 * w, 3, nn.BatchNorm2d(4 * w)),
        nn.Flatten(),
        nn.Linear(4 * 4 * 4 * w, 2 * latent),
    )
    decoder = RowByRow(
        nn.Linear(latent, 7 * 7 * 4 * w, bias=False),
        nn.Unflatten(1, (4 * w, 7, 7)),
        nn.BatchNorm2d(4 * w),
        nn.ReLU(),
        nn.ConvTranspose2d(4 * w, 2 * w, 4, 2, 1, bias=False),
        nn.BatchNorm2d(2 * w),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * w, w, 4, 2, 1, bias=False),
        nn.BatchNorm2d(w),
        nn.ReLU(),
        nn.Conv2d(w, 1, 3, 1, 1),
        nn.Flatten(),
    )
    return VAE(
        GaussianEncoder(encoder),
        BernoulliDecoder(decoder),
        StandardNormal(latent),
    )


def convolutional(*, latent: int, width: int = 32) -> VAEGAN:
    """Make the three networks of convolutions for images of 28x28x1.

    Encoder and decoder are those of `convolutional_vae`; discriminator:
    28x28x1 → 14x14xw → 7x7x2w → 4x4x4w → 8w → one logit, for w = `width`.
    It has group normalisation with one group, which looks at one image.
    """
    w = width
    vae = convolutional_vae(latent=latent, width=width)
    stages = [
        nn.Sequential(*_down(1, w, 4, None)),
        nn.Sequential(*_down(w, 2 * w, 4, nn.GroupNorm(1, 2 * w))),
        nn.Sequential(*_down(2 * w, 4 * w, 3, nn.GroupNorm(1, 4 * w))),
        nn.Sequential(
            nn.Flatten(),
            nn.Linear(4 * 4 * 4 * w, 8 * w),
            nn.LayerNorm(8 * w),
            nn.LeakyReLU(0.2),
        ),
    ]
    return VAEGAN(vae, LayeredDiscriminator(stages, 8 * w))


def _down(
    inputs: int, outputs: int, kernel: int, norm: nn.Module | None
) -> list[nn.Module]:
    """Return a convolution that halves height and width, its normalisation and a leaky ReLU."""
    convolution = nn.Conv2d(
        inputs, outputs, kernel, 2, 1, bias=norm is None
    )
    return [convolution, *([norm] if norm else []), nn.LeakyReLU(0.2)]
