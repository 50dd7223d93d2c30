"""How far a set of codes is from the standard normal that samples are drawn from."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from chapters_lib.evaluation.arguments import checked


@checked
def kolmogorov_distance(codes: Float[Tensor, "n k"]) -> Float[Tensor, " k"]:
    """Return sup_t |F̂(t) − Φ(t)| of each unit: 0 if N(0, 1), at most 1.

    For n normal codes it is of the order 1/√n (Kolmogorov's test rejects at
    5 % above 1.36/√n).
    """
    from scipy import stats  # which takes a second to import

    units = codes.double().numpy().T
    return torch.tensor(
        [stats.kstest(unit, "norm").statistic for unit in units]
    )


@checked
def correlation(codes: Float[Tensor, "n 2"]) -> float:
    """Return Pearson's correlation of two code units."""
    return float(np.corrcoef(codes.double().numpy().T)[0, 1])


@checked
def cell_index(
    codes: Float[Tensor, "n 2"], cells: int = 20
) -> Int64[Tensor, " n"]:
    """Return each code's cell in a grid of equal probability under N(0, I).

    Φ maps a standard normal unit to the uniform distribution, so cell
    (i, j), numbered cells·i + j, holds the codes with ⌊cells·Φ(z₁)⌋ = i and
    ⌊cells·Φ(z₂)⌋ = j.
    """
    place = (
        (torch.special.ndtr(codes.double()) * cells)
        .long()
        .clamp(0, cells - 1)
    )
    return place[:, 0] * cells + place[:, 1]


@checked
def cell_shares(
    codes: Float[Tensor, "n 2"], cells: int = 20
) -> Float[Tensor, "cells cells"]:
    """Return the share of codes in each cell of `cell_index`; of normal codes, 1/cells²."""
    counts = torch.bincount(
        cell_index(codes, cells), minlength=cells * cells
    ).double()
    return counts.reshape(cells, cells) / len(codes)


@checked
def empty_mass(codes: Float[Tensor, "n 2"], cells: int = 20) -> float:
    """Return the share of draws from N(0, I) that land in a cell of `cell_shares` without a code."""
    return float((cell_shares(codes, cells) == 0).double().mean())


@checked
def cell_total_variation(
    codes: Float[Tensor, "n 2"], cells: int = 20
) -> float:
    """Return ½ Σ |share − 1/cells²| over the cells of `cell_shares`.

    It is 0 if they are filled as by N(0, I). Looking at cells only can but
    lower the total variation distance between the codes' distribution and
    N(0, I) (data processing inequality); a finite number of codes raises
    it, to about cells/√(2πn) for n normal ones.
    """
    return float((cell_shares(codes, cells) - 1 / cells**2).abs().sum() / 2)


@checked
def share_in_gaps(
    draws: Float[Tensor, "m k"], codes: Float[Tensor, "n k"]
) -> float:
    """Return the share of draws farther from every code than 99 % of the codes are from their next one."""
    from scipy.spatial import KDTree

    tree = KDTree(codes.numpy())
    usual = np.quantile(tree.query(codes.numpy(), k=2)[0][:, 1], 0.99)
    return float((tree.query(draws.numpy())[0] > usual).mean())
