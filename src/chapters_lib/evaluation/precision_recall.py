"""Two numbers instead of one: how much of what is drawn is real, and how much of what is real is drawn."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from chapters_lib.evaluation.arguments import checked

NEIGHBOURS = 3  # as in the paper


class PrecisionRecall(NamedTuple):
    """Shares between 0 and 1."""

    precision: float
    recall: float


@checked
def squared_distances(
    a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]
) -> Float[Tensor, "n m"]:
    """Return ‖a_i − b_j‖² of all pairs of rows, not below 0."""
    products = a @ b.T
    return (
        a.square().sum(1)[:, None] + b.square().sum(1) - 2 * products
    ).clamp_min(0)


@checked
def radii(
    features: Float[Tensor, "n d"], neighbours: int = NEIGHBOURS
) -> Float[Tensor, " n"]:
    """Return each row's squared distance to its k-th nearest other row."""
    if not 0 < neighbours < len(features):
        raise ValueError(
            f"{len(features)} images have no {neighbours} neighbours each"
        )
    found = []
    for start in range(0, len(features), 1000):
        part = squared_distances(features[start : start + 1000], features)
        rows = torch.arange(len(part))
        part[rows, start + rows] = float("inf")  # itself is no neighbour
        found.append(part.kthvalue(neighbours, dim=1).values)
    return torch.cat(found)


@checked
def covered(
    points: Float[Tensor, "n d"],
    centres: Float[Tensor, "m d"],
    squared_radii: Float[Tensor, " m"],
) -> Bool[Tensor, " n"]:
    """Return whether each point lies in at least one of the balls."""
    return torch.cat(
        [
            (squared_distances(part, centres) <= squared_radii).any(1)
            for part in points.split(1000)
        ]
    )


@checked
def precision_recall(
    real: Float[Tensor, "n d"],
    drawn: Float[Tensor, "m d"],
    neighbours: int = NEIGHBOURS,
) -> PrecisionRecall:
    """Return improved precision and recall.

    They are those of Kynkäänniemi et al. (2019), Eqs. 1 and 2. The real
    images' region is the union of balls around their features, each
    reaching to the k-th nearest other real image; precision is the share of
    drawn images within it. Recall is the same with the roles exchanged.
    Both depend on the numbers of images: the paper takes as many drawn as
    real ones. All in float64.
    """
    real, drawn = real.double(), drawn.double()
    return PrecisionRecall(
        precision=float(
            covered(drawn, real, radii(real, neighbours)).double().mean()
        ),
        recall=float(
            covered(real, drawn, radii(drawn, neighbours)).double().mean()
        ),
    )
