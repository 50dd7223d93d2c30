"""Principal component analysis: the best linear autoencoder, as a yardstick."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from chapters_lib.evaluation.arguments import checked


@dataclass(frozen=True)
class PCA:
    """A mean and orthonormal directions, the rows of `components` (shape (k, D)), by falling variance."""

    mean: Float[Tensor, " d"]
    components: Float[Tensor, "k d"]

    @checked
    def encode(self, x: Float[Tensor, "n *pixel"]) -> Float[Tensor, "n k"]:
        """Return the coordinates of images along the components."""
        return (x.flatten(1).to(self.mean) - self.mean) @ self.components.T

    @checked
    def decode(self, z: Float[Tensor, "n k"]) -> Float[Tensor, "n d"]:
        """Return the flat images with these coordinates."""
        return self.mean + z @ self.components

    @checked
    def mse(
        self, x: Float[Tensor, "n *pixel"], components: int | None = None
    ) -> float:
        """Return the mean squared error of reconstructions from the first `components`."""
        z = self.encode(x)[:, :components]
        residual = (
            x.flatten(1).to(self.mean)
            - self.mean
            - z @ self.components[:components]
        )
        return float(residual.square().mean())


@checked
def fit_pca(x: Float[Tensor, "n *pixel"], components: int) -> PCA:
    """Fit PCA to images: their covariance's leading eigenvectors (float64).

    No linear map to `components` numbers and back has a smaller mean
    squared error on `x` (Bourlard and Kamp 1988; Baldi and Hornik 1989).
    """
    flat = x.flatten(1).double()
    mean = flat.mean(0)
    centred = flat - mean
    _, vectors = torch.linalg.eigh(
        centred.T @ centred / len(flat)
    )  # ascending
    return PCA(mean, vectors.T.flip(0)[:components].contiguous())
