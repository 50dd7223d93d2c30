"""How far a reconstruction is from its image."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def mean_squared_error(
    x: Float[Tensor, "batch *pixel"], x_hat: Float[Tensor, "batch *pixel"]
) -> Float[Tensor, ""]:
    """Return ‖x − x̂‖² / P, averaged over the batch and P pixels an image.

    Up to a factor and a constant this is −log N(x; x̂, σ²I) for a fixed σ:
    the same minimiser, other units.
    """
    return (x - x_hat).square().mean()
