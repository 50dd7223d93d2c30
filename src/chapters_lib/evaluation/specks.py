"""Single bright pixels on dark: found, taken away, and put onto other images."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, UInt8
from torch import Tensor

from chapters_lib.evaluation.arguments import checked

LEAST = 10  # of 255: fainter pixels are no specks
TIMES = 4  # a speck is more than so many times as bright as the brightest of its neighbours


@checked
def specks(images: UInt8[Tensor, "n 1 h w"]) -> Bool[Tensor, "n 1 h w"]:
    """Return which pixels are at least 10 of 255 and over four times as bright as each of their eight neighbours.

    Beyond the border all is black. The end of a stroke is no speck, however thin it is: its
    neighbour in the stroke is as bright.
    """
    grey = F.pad(images.float(), (1, 1, 1, 1))
    around = (
        F.unfold(grey, 3)
        .unflatten(1, (9, 1))
        .unflatten(-1, images.shape[-2:])
    )
    brightest = around[:, [0, 1, 2, 3, 5, 6, 7, 8]].amax(1)
    return (images >= LEAST) & (images > TIMES * brightest)


@checked
def without_specks(
    images: UInt8[Tensor, "n 1 h w"],
) -> UInt8[Tensor, "n 1 h w"]:
    """Return the images with their specks made black, and those that this uncovers, until there are none."""
    while bool((found := specks(images)).any()):
        images = images.masked_fill(found, 0)
    return images


@checked
def with_specks_of(
    images: UInt8[Tensor, "n 1 h w"], donors: UInt8[Tensor, "n 1 h w"]
) -> UInt8[Tensor, "n 1 h w"]:
    """Return the images with the pixels of `donors` that `without_specks` takes away, where those are the brighter."""
    return torch.maximum(images, donors - without_specks(donors))
