"""Small changes of training images that leave a digit the digit it is; gradients pass through them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def shifted(x: Tensor, most: int, edges: str = "constant") -> Tensor:
    """Return images moved by random whole pixels, up to `most` each way; shape (B, C, H, W).

    Zeros move in, or with ``replicate`` copies of the outermost pixels.
    """
    batch, _, height, width = x.shape
    padded = F.pad(x, (most, most, most, most), mode=edges)
    top, left = torch.randint(0, 2 * most + 1, (2, batch), device=x.device)
    rows = (top[:, None] + torch.arange(height, device=x.device))[:, :, None]
    columns = (left[:, None] + torch.arange(width, device=x.device))[:, None, :]
    image = torch.arange(batch, device=x.device)[:, None, None]
    return padded[image, :, rows, columns].permute(0, 3, 1, 2)


def recoloured(x: Tensor, most: float) -> Tensor:
    """Return images of another contrast and brightness; what passes 0 or 1 is left so.

    An image's distances from its mean colour are multiplied by a number between 1 − `most` and
    1 + `most`; then each channel is moved by up to half of `most`.
    """
    batch, channels = x.shape[:2]
    contrast = 1 + most * (2 * torch.rand(batch, 1, 1, 1, device=x.device) - 1)
    brightness = most * (torch.rand(batch, channels, 1, 1, device=x.device) - 0.5)
    mean = x.mean((2, 3), keepdim=True)
    return mean + contrast * (x - mean) + brightness


def augmented(x: Tensor, shift: int, colour: float) -> Tensor:
    """Return images moved and recoloured at random; with 0 for both the images themselves."""
    if shift:
        x = shifted(x, shift, "replicate")
    return recoloured(x, colour) if colour else x


def on_levels(x: Tensor) -> Tensor:
    """Return images in [0, 1] on the 256 levels of bytes: what a likelihood of such levels takes."""
    return x.mul(255).round().clamp(0, 255).div(255)
