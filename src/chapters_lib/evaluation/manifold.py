"""Codes of many units laid out in the plane."""

from __future__ import annotations

import torch
from jaxtyping import Float
from sklearn.manifold import TSNE
from torch import Tensor

from chapters_lib.evaluation.arguments import checked


@checked
def tsne(
    codes: Float[Tensor, "n p"], *, perplexity: int = 30, seed: int = 0
) -> tuple[Float[Tensor, "n 2"], float]:
    """Return a t-SNE map of `codes`, and its divergence in nats.

    The map is scikit-learn's, started from PCA. Neighbours stay neighbours;
    distances between clusters and their sizes mean nothing (van der Maaten
    and Hinton 2008, Eqs. 1 to 5). The divergence is KL(P ‖ Q) between
    neighbourhoods there and here: comparable at equal perplexity and number
    of codes only.
    """
    model = TSNE(
        perplexity=perplexity,
        init="pca",
        learning_rate="auto",
        random_state=seed,
    )
    placed = model.fit_transform(codes.double().numpy())
    return torch.from_numpy(placed), float(model.kl_divergence_)
