"""A generator and a discriminator (Goodfellow et al. 2014), and the fully connected pair."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


class Discriminator(nn.Module):
    """Features of an image, and one linear unit on them.

    The unit gives the logit of the image's being real.

    `body`: from images in [0, 1], shape (B, C, H, W), to features, shape (B, F).
    `features`: how many: F.
    """

    def __init__(self, body: nn.Module, features: int):
        super().__init__()
        self.body = body
        self.head = nn.Linear(features, 1)

    def features(
        self, x: Float[Tensor, "batch *shape"]
    ) -> Float[Tensor, "batch features"]:
        """Return what the last linear layer sees."""
        return self.body(x)

    def forward(
        self, x: Float[Tensor, "batch *shape"]
    ) -> Float[Tensor, " batch"]:
        """Return the logits: the losses take them."""
        return self.head(self.features(x)).squeeze(1)

    def probability(
        self, x: Float[Tensor, "batch *shape"]
    ) -> Float[Tensor, " batch"]:
        """Return D(x), the probability of being real: σ of the logits."""
        return self(x).sigmoid()


class Generator(nn.Module):
    """From noise z ~ N(0, I) to images in (0, 1).

    `noise`: how many numbers z has.
    `body`: from noise, shape (B, noise), to the logits of pixels, of which there are as many as in
    `image_shape`.
    """

    def __init__(
        self, noise: int, body: nn.Module, image_shape: tuple[int, int, int]
    ):
        super().__init__()
        self.noise = noise
        self.body = body
        self.image_shape = image_shape

    def forward(
        self, z: Float[Tensor, "batch noise"]
    ) -> Float[Tensor, "batch c h w"]:
        """Return images in (0, 1): the sigmoid of the body's output."""
        return (
            self.body(z).float().view(len(z), *self.image_shape).sigmoid()
        )


class GAN(nn.Module):
    """The two networks of the game."""

    def __init__(self, generator: Generator, discriminator: Discriminator):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator

    def draw_noise(
        self, count: int, device: torch.device | str = "cpu"
    ) -> Tensor:
        """Draw z ~ N(0, I) from torch's generator, shape (count, noise)."""
        return torch.randn(count, self.generator.noise, device=device)


@contextlib.contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Leave weights without gradient and running batch statistics unmoved.

    Gradients still flow *through* it. Batch normalisation goes on
    normalising by the batch.
    """
    needed = [parameter.requires_grad for parameter in module.parameters()]
    with unmoved(module):
        module.requires_grad_(False)
        try:
            yield
        finally:
            for parameter, need in zip(
                module.parameters(), needed, strict=True
            ):
                parameter.requires_grad_(need)


@contextlib.contextmanager
def unmoved(module: nn.Module) -> Iterator[None]:
    """Keep a module's running batch statistics, whatever passes through."""
    norms = [
        part for part in module.modules() if isinstance(part, BATCH_NORMS)
    ]
    tracked = [part.track_running_stats for part in norms]
    for part in norms:
        part.track_running_stats = False
    try:
        yield
    finally:
        for part, tracks in zip(norms, tracked, strict=True):
            part.track_running_stats = tracks


def without_dropout(network: nn.Module) -> None:
    """Set the share that a network's dropout layers drop to 0."""
    for part in network.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0


def fully_connected(
    *,
    noise: int,
    width: int = 256,
    dropout: float = 0.3,
    image_shape: tuple[int, int, int] = (1, 28, 28),
) -> GAN:
    """Make a GAN of fully connected layers.

    Between them are ReLU and batch normalisation.

    `noise`: how many numbers z has.
    `width`: of every hidden layer.
    `dropout`: share of the pixels that the discriminator sees set to zero
    while training; its first layer. Four linear layers make the generator,
    three the discriminator.
    """
    pixels = math.prod(image_shape)
    generator = _normalised(noise, width, width, width)
    generator.append(nn.Linear(width, pixels))
    body = nn.Sequential(
        nn.Dropout(dropout),
        nn.Flatten(),
        *_normalised(pixels, width, width),
    )
    return GAN(
        Generator(noise, generator, image_shape), Discriminator(body, width)
    )


def _normalised(*widths: int) -> nn.Sequential:
    """Return linear layers, each with batch normalisation and ReLU behind it."""
    layers: list[nn.Module] = []
    for width_in, width_out in pairwise(widths):
        layers += [
            nn.Linear(width_in, width_out),
            nn.BatchNorm1d(width_out),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers)
