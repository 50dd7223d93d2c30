"""The fully connected autoencoder, plain or with a normalised bottleneck."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from chapters_lib.models.layers import mlp


class Autoencoder(nn.Module):
    """x̂ = decoder(encoder(x)), squeezed through a code of a few numbers.

    Parameters
    ----------
    hidden
        widths of the encoder's hidden layers; the decoder's are the same in reverse.
    code
        units of the bottleneck. It is linear: a ReLU there would keep the code in one quadrant.
    normalized
        whether every code unit is normalised to mean 0 and variance 1: over the batch while training, by the
        running averages of those batch statistics in evaluation mode (batch normalisation without its learned
        scale and shift, Ioffe and Szegedy 2015, Algorithms 1 and 2).
    image_shape
        (C, H, W) of the images.
    """

    def __init__(
        self,
        *,
        hidden: Sequence[int] = (512, 256, 128),
        code: int = 2,
        normalized: bool = False,
        image_shape: tuple[int, int, int] = (1, 28, 28),
    ):
        super().__init__()
        pixels = math.prod(image_shape)
        self.encoder = nn.Sequential(nn.Flatten(), *mlp([pixels, *hidden, code]))
        if normalized:
            self.encoder.append(nn.BatchNorm1d(code, affine=False))
        self.decoder = nn.Sequential(
            *mlp([code, *reversed(hidden), pixels]), nn.Sigmoid(), nn.Unflatten(1, image_shape)
        )

    def forward(self, x: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch c h w"]:
        """Return the reconstruction x̂ of x, both in [0, 1]."""
        return self.decoder(self.encoder(x))
