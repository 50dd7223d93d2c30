"""The convolutional GAN (Radford et al. 2016): in the shapes of the assignment's figure, and for colour."""

from __future__ import annotations

from torch import nn

from chapters_lib.models.gan import GAN, Discriminator, Generator

INITIAL_SCALE = 0.02  # standard deviation of the first weights (Radford et al. 2016, Section 4)


def dcgan(
    *,
    noise: int = 100,
    width: int = 64,
    dropout: float = 0.0,
    discriminator_norm: bool = True,
) -> GAN:
    """Make the convolutional pair for images of 28x28x1.

    Generator: noise → 7x7x4w → 14x14x2w → 28x28xw → 28x28xw/2 → 28x28x1;
    discriminator: 28x28x1 → 14x14xw → 7x7x2w → 4x4x4w → 4x4x8w → one logit,
    for w = `width` = 64 as in the figure. Kernels of 4 at stride 2 cover
    every pixel equally often.

    `dropout`: share of the discriminator's activations set to zero behind each of its convolutions
    while training.
    """
    generator = generator_body(noise, width)
    body = discriminator_body(width, dropout, discriminator_norm)
    return _started(
        GAN(
            Generator(noise, generator, (1, 28, 28)),
            Discriminator(body, 4 * 4 * 8 * width),
        )
    )


def generator_body(noise: int, width: int) -> nn.Sequential:
    """Return the layers from noise to the logits of 28x28 pixels."""
    return nn.Sequential(
        nn.Linear(noise, 7 * 7 * 4 * width, bias=False),
        nn.Unflatten(1, (4 * width, 7, 7)),
        nn.BatchNorm2d(4 * width),
        nn.ReLU(),
        nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1, bias=False),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, width // 2, 3, 1, 1, bias=False),
        nn.BatchNorm2d(width // 2),
        nn.ReLU(),
        nn.Conv2d(width // 2, 1, 3, 1, 1),
    )


def discriminator_body(
    width: int, dropout: float, norm: bool
) -> nn.Sequential:
    """Return the layers from 28x28 pixels to features."""
    return nn.Sequential(
        nn.Conv2d(1, width, 4, 2, 1),  # no batch norm: D sees grey levels
        *_behind(dropout),
        *_convolution(width, 2 * width, 4, 2, dropout, norm),
        *_convolution(2 * width, 4 * width, 3, 2, dropout, norm),
        *_convolution(4 * width, 8 * width, 3, 1, dropout, norm),
        nn.Flatten(),
    )


def colour(
    *,
    noise: int = 100,
    width: int = 64,
    dropout: float = 0.0,
    discriminator_norm: bool = True,
) -> GAN:
    """Make the convolutional pair for images of 32x32x3.

    It has the shapes of the VAE's networks
    (`models.discretised.convolutional`). Generator: noise → 4x4x4w →
    8x8x2w → 16x16xw → 32x32x3; discriminator: 32x32x3 → 16x16xw → 8x8x2w →
    4x4x4w → one logit, for w = `width`. The parameters are those of
    `dcgan`.
    """
    generator = nn.Sequential(
        nn.Linear(noise, 4 * 4 * 4 * width, bias=False),
        nn.Unflatten(1, (4 * width, 4, 4)),
        nn.BatchNorm2d(4 * width),
        nn.ReLU(),
        nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1, bias=False),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.ConvTranspose2d(width, 3, 4, 2, 1),
    )
    body = nn.Sequential(
        nn.Conv2d(3, width, 4, 2, 1),
        *_behind(dropout),
        *_convolution(width, 2 * width, 4, 2, dropout, discriminator_norm),
        *_convolution(
            2 * width, 4 * width, 4, 2, dropout, discriminator_norm
        ),
        nn.Flatten(),
    )
    return _started(
        GAN(
            Generator(noise, generator, (3, 32, 32)),
            Discriminator(body, 4 * 4 * 4 * width),
        )
    )


def _started(gan: GAN) -> GAN:
    """Draw the first weights as the paper does."""
    for part in gan.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(part.weight, std=INITIAL_SCALE)
    return gan


def _convolution(
    inputs: int,
    outputs: int,
    kernel: int,
    stride: int,
    dropout: float,
    norm: bool,
) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, 1, bias=not norm),
        *[nn.BatchNorm2d(outputs)] * norm,
        *_behind(dropout),
    ]


def _behind(dropout: float) -> list[nn.Module]:
    return [nn.LeakyReLU(0.2), *[nn.Dropout(dropout)] * (dropout > 0)]
