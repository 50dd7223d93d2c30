"""The image of a set that is nearest to a given one; and how often it is one that was held out."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from chapters_lib.evaluation.arguments import checked
from chapters_lib.evaluation.precision_recall import squared_distances


class Nearest(NamedTuple):
    """Of each point the squared distance to its nearest neighbour, shape (n,), and which one it is."""

    distance: Float[Tensor, " n"]
    which: Int64[Tensor, " n"]


@checked
def nearest(
    points: Float[Tensor, "n d"], others: Float[Tensor, "m d"]
) -> Nearest:
    """Return the nearest of `others` to each point, by the Euclidean distance."""
    index = torch.cat(
        [
            squared_distances(part, others).argmin(1)
            for part in points.split(500)
        ]
    )
    return Nearest(
        (points - others[index]).square().sum(1), index
    )  # without their rounding


@checked
def held_out_share(
    points: Float[Tensor, "n d"],
    trained: Float[Tensor, "m d"],
    held_out: Float[Tensor, "k d"],
) -> float:
    """Return the share of points whose nearest of all images is held out.

    Held out is what was not trained on. Ties count half. If both sets are
    drawn alike, then every image is as likely to be the nearest one, and
    the share is k / (m + k) in expectation for any generator that knows of
    the images trained on no more than what they have in common with the
    others, whatever its samples look like. One that repeats what it was
    trained on gives less, and 0 if it does nothing else.
    """
    near, far = (
        nearest(points, trained).distance,
        nearest(points, held_out).distance,
    )
    return float(
        (far < near).double().mean() + (far == near).double().mean() / 2
    )
