"""The Fréchet distance between two Gaussians, and between two sets of features through their moments."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from chapters_lib.evaluation.arguments import checked


@checked
def moments(
    features: Float[Tensor, "n d"],
) -> tuple[Float[Tensor, " d"], Float[Tensor, "d d"]]:
    """Return the mean and unbiased covariance of `features`, in float64."""
    if len(features) < 2:
        raise ValueError(
            f"a covariance needs two images' features, not {len(features)}"
        )
    features = features.double()
    return features.mean(0), torch.cov(features.T).reshape(
        features.shape[1], features.shape[1]
    )


def _root(matrix: Float[Tensor, "d d"]) -> Float[Tensor, "d d"]:
    """Return the symmetric square root of a positive semi-definite matrix; rounding below zero counts as zero."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(0).sqrt()) @ vectors.T


@checked
def frechet_distance(
    mean_a: Float[Tensor, " d"],
    cov_a: Float[Tensor, "d d"],
    mean_b: Float[Tensor, " d"],
    cov_b: Float[Tensor, "d d"],
) -> float:
    """Return ‖m_a − m_b‖² + tr(C_a + C_b − 2 (C_a^½ C_b C_a^½)^½).

    This is the squared 2-Wasserstein distance of two Gaussians (Dowson and
    Landau 1982, Eq. 4; Heusel et al. 2017, Eq. 6). The symmetric form has
    the same trace as (C_a C_b)^½ and stays real where covariances are
    singular, as they are for fewer samples than features.
    """
    mean_a, cov_a, mean_b, cov_b = (
        t.double() for t in (mean_a, cov_a, mean_b, cov_b)
    )
    root_a = _root(cov_a)
    cross = (
        torch.linalg.eigvalsh(root_a @ cov_b @ root_a)
        .clamp_min(0)
        .sqrt()
        .sum()
    )
    distance = (
        (mean_a - mean_b).square().sum()
        + cov_a.trace()
        + cov_b.trace()
        - 2 * cross
    )
    return float(distance.clamp_min(0))


@checked
def feature_distance(
    a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]
) -> float:
    """Return the Fréchet distance of two sets of features through their moments.

    Biased upwards, the more so the fewer the images and the more the features: compare only
    distances from equally many images.
    """
    return frechet_distance(*moments(a), *moments(b))
