"""How sharp images are, by their neighbouring pixels."""

from __future__ import annotations

from jaxtyping import Float, UInt8
from torch import Tensor

from chapters_lib.data import to_float
from chapters_lib.evaluation.arguments import checked


@checked
def roughness(images: UInt8[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
    """Return each image's mean squared difference of neighbouring pixel values taken in [0, 1], float64.

    The mean over the pairs beside each other and over those above each other. Blur lowers it:
    a mean of several images differs less between neighbours than they do.
    """
    x = to_float(images)
    across, down = (
        x.diff(dim=dim).square().double().mean((1, 2, 3)) for dim in (3, 2)
    )
    return (across + down) / 2
