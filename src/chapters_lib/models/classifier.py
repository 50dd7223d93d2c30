"""The convolutional classifier that judges samples."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


def _block(
    inputs: int, outputs: int, kernel: int, stride: int
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class Classifier(nn.Module):
    """Six convolutions with batch normalisation, the mean over space, one linear layer to ten logits.

    `channels`: colour channels of the images.
    `width`: channels after the first convolution; doubled at each of two further halvings of the
    resolution.
    """

    def __init__(self, *, channels: int = 1, width: int = 32):
        super().__init__()
        self.body = nn.Sequential(
            _block(channels, width, 5, 2),
            _block(width, width, 3, 1),
            _block(width, 2 * width, 3, 2),
            _block(2 * width, 2 * width, 3, 1),
            _block(2 * width, 4 * width, 3, 2),
            _block(4 * width, 4 * width, 3, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(4 * width, 10))

    def features(
        self, x: Float[Tensor, "batch c h w"]
    ) -> Float[Tensor, "batch features"]:
        """Return the penultimate layer's 4·width features of images in [0, 1]."""
        return self.body(x.contiguous(memory_format=torch.channels_last))

    def forward(
        self, x: Float[Tensor, "batch c h w"]
    ) -> Float[Tensor, "batch classes"]:
        """Return the logits of images in [0, 1]."""
        return self.head(self.features(x))
