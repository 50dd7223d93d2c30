"""Straight lines from one code to another, and how evenly what is decoded along them changes."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from chapters_lib.evaluation.arguments import checked

BETWEEN = 10  # points strictly between the two ends


@checked
def straight(
    start: Float[Tensor, "n p"],
    end: Float[Tensor, "n p"],
    between: int = BETWEEN,
) -> Float[Tensor, "n steps p"]:
    """Return each line's ends, and `between` points strictly between them.

    The points are evenly spaced.

    Returns shape (n, between + 2, p); the first point is `start`, the last
    is `end`.
    """
    share = torch.linspace(
        0, 1, between + 2, dtype=start.dtype, device=start.device
    )[:, None]
    return (1 - share) * start[:, None] + share * end[:, None]


@checked
def largest_step(
    features: Float[Tensor, "n steps d"],
) -> Float[Tensor, " n"]:
    """Return the longest step of each way as a share of its whole length; 1 / (steps − 1) if all are equal.

    A way of length 0, on which nothing changes, has no longest step: its share is nan.
    """
    lengths = features.diff(dim=1).norm(dim=2)
    return lengths.amax(1) / lengths.sum(1)
