"""How far a set of codes is from the standard normal that samples are drawn from."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from scipy import stats
from torch import Tensor


def kolmogorov_distance(codes: Float[Tensor, "n k"]) -> Float[Tensor, " k"]:
    """Return sup_t |F̂(t) − Φ(t)| of each unit: 0 if its distribution is standard normal, below 1 always.

    For n normal codes it is of the order 1/√n (Kolmogorov's test rejects at 5 % above 1.36/√n).
    """
    return torch.tensor([stats.kstest(unit, "norm").statistic for unit in codes.double().numpy().T])


def correlation(codes: Float[Tensor, "n 2"]) -> float:
    """Return Pearson's correlation of two code units."""
    return float(np.corrcoef(codes.double().numpy().T)[0, 1])


def cell_shares(codes: Float[Tensor, "n 2"], cells: int = 20) -> Float[Tensor, "cells cells"]:
    """Return the share of two-dimensional codes in each cell of a grid of equal probability under N(0, I).

    Φ maps a standard normal unit to the uniform distribution, so cell (i, j) holds the codes with
    ⌊cells·Φ(z₁)⌋ = i and ⌊cells·Φ(z₂)⌋ = j, and each cell would hold 1/cells² of normal codes.
    """
    place = (torch.special.ndtr(codes.double()) * cells).long().clamp(0, cells - 1)
    flat = torch.bincount(place[:, 0] * cells + place[:, 1], minlength=cells * cells).double()
    return flat.reshape(cells, cells) / len(codes)


def empty_mass(codes: Float[Tensor, "n 2"], cells: int = 20) -> float:
    """Return the share of draws from N(0, I) that land in a cell of `cell_shares` holding no code at all."""
    return float((cell_shares(codes, cells) == 0).double().mean())
