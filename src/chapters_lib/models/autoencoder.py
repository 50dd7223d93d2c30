"""The fully connected autoencoder, plain or with a normalised bottleneck."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from chapters_lib.models.layers import Sine, mlp


class Autoencoder(nn.Module):
    """x̂ = decoder(encoder(x)), squeezed through a code of a few numbers.

    `hidden`: widths of the encoder's hidden layers; the decoder's are the
    same in reverse.
    `code`: units of the bottleneck. It is linear: a ReLU there would keep
    the code in one quadrant.
    `normalized`: whether every code unit is normalised to mean 0 and
    variance 1: over the batch while training, by the running averages of
    those batch statistics in evaluation mode (batch normalisation without
    its learned scale and shift, Ioffe and Szegedy 2015, Algorithms 1 and
    2).
    `activation`: makes the module between two layers.
    `frequency`: if above 0, the decoder's first hidden layer is sin(Wz +
    b), with W drawn evenly from −frequency to frequency.
    `dropout`: share of the input pixels set to zero while training, the
    others scaled up by 1/(1 − share) (Srivastava et al. 2014): the encoder
    may then rely on no single pixel, and its codes of unseen images err
    less.
    `hidden_dropout`: the same for the inputs of the encoder's last hidden
    layer.
    `code_noise`: standard deviation, in those of each unit over the batch,
    of Gaussian noise added to the code while training: codes nearby must
    then decode alike, so that a code placed a little wrong costs little.
    `image_shape`: (C, H, W) of the images.
    """

    def __init__(
        self,
        *,
        hidden: Sequence[int] = (512, 256, 128),
        code: int = 2,
        normalized: bool = False,
        activation: Callable[[], nn.Module] = nn.SiLU,
        frequency: float = 0.0,
        dropout: float = 0.0,
        hidden_dropout: float = 0.0,
        code_noise: float = 0.0,
        image_shape: tuple[int, int, int] = (1, 28, 28),
    ):
        super().__init__()
        if (hidden_dropout or frequency) and not hidden:
            raise ValueError("sines and dropout need a hidden layer")
        pixels = math.prod(image_shape)
        layers = mlp([pixels, *hidden, code], activation)
        if hidden_dropout:
            layers.insert(len(layers) - 3, nn.Dropout(hidden_dropout))
        self.encoder = nn.Sequential(
            nn.Flatten(), nn.Dropout(dropout), *layers
        )
        if normalized:
            self.encoder.append(nn.BatchNorm1d(code, affine=False))
        layers = mlp([code, *reversed(hidden), pixels], activation)
        if frequency:
            layers[1] = Sine()
            nn.init.uniform_(
                layers.get_parameter("0.weight"), -frequency, frequency
            )
        self.decoder = nn.Sequential(
            *layers, nn.Sigmoid(), nn.Unflatten(1, image_shape)
        )
        self.code_noise = code_noise

    def forward(
        self, x: Float[Tensor, "batch c h w"]
    ) -> Float[Tensor, "batch c h w"]:
        """Return the reconstruction x̂ of x, both in [0, 1]."""
        z = self.encoder(x)
        if self.training and self.code_noise:
            z = z + self.code_noise * z.detach().std(0) * torch.randn_like(
                z
            )
        return self.decoder(z)
