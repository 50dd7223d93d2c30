"""The kernel distance between two sets of features: unbiased, so that few images do for a fair number."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from chapters_lib.evaluation.arguments import checked


class KernelDistance(NamedTuple):
    """An estimate of a squared maximum mean discrepancy, and its standard error."""

    value: float
    sem: float


@checked
def polynomial_kernel(
    a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]
) -> Float[Tensor, "n m"]:
    """Return (a·b / d + 1)³ of all pairs of rows (Bińkowski et al. 2018)."""
    return (a @ b.T / a.shape[1] + 1) ** 3


@checked
def kernel_distance(
    a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]
) -> KernelDistance:
    """Estimate MMD² = E κ(x, x') + E κ(y, y') − 2 E κ(x, y) without bias.

    The kernel κ is `polynomial_kernel`. The means are over pairs of
    *different* images of one set, and over all pairs of the two sets
    (Gretton et al. 2012, Eq. 3). The expectation is exact for any number of
    images, so the estimate can be negative. The standard error is that of
    the leading term of its variance, 4/n Var_x[E κ(x, x') − E κ(x, y)] +
    4/m Var_y[…], with the means over the sets themselves. All in float64;
    shapes (n, d) and (m, d), n and m at least 2.
    """
    a, b = a.double(), b.double()
    (n, m) = (len(a), len(b))
    if min(n, m) < 2:
        raise ValueError(
            "a kernel distance needs two images on each side, "
            f"not {n} and {m}"
        )
    within_a, within_b = _means_of_others(a), _means_of_others(b)
    across_a = torch.cat(
        [polynomial_kernel(part, b).mean(1) for part in a.split(1000)]
    )
    across_b = torch.cat(
        [polynomial_kernel(part, a).mean(1) for part in b.split(1000)]
    )
    value = within_a.mean() + within_b.mean() - 2 * across_a.mean()
    variance = (
        4 / n * (within_a - across_a).var()
        + 4 / m * (within_b - across_b).var()
    )
    return KernelDistance(float(value), float(variance.sqrt()))


@checked
def permuted(
    a: Float[Tensor, "n d"],
    b: Float[Tensor, "m d"],
    *,
    times: int = 200,
    seed: int = 0,
) -> float:
    """Return how many of all random splits are as far apart as a and b.

    A permutation test of p = q, where the standard error of
    `kernel_distance` is too large because its leading term vanishes
    (Gretton et al. 2012, Sec. 4): the two sets are shuffled together and
    split anew. The result lies in (0, 1]; small ones speak against p = q.
    All pairs are held at once: for some thousands of images.
    """
    both, n = torch.cat([a, b]).double(), len(a)
    similar = polynomial_kernel(both, both).fill_diagonal_(0)
    draw = torch.Generator().manual_seed(seed)
    order = torch.arange(len(both))

    def distance(order: Tensor) -> Tensor:
        one, other = order[:n], order[n:]
        within = sum(
            similar[part][:, part].sum() / (len(part) * (len(part) - 1))
            for part in (one, other)
        )
        return within - 2 * similar[one][:, other].mean()

    found = distance(order)
    splits = [
        torch.randperm(len(both), generator=draw) for _ in range(times)
    ]
    far = sum(bool(distance(split) >= found) for split in splits)
    return (1 + far) / (1 + times)


def _means_of_others(x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """Return, of each row, the mean kernel with the other rows."""
    own = (x.square().sum(1) / x.shape[1] + 1) ** 3
    total = torch.cat(
        [polynomial_kernel(part, x).sum(1) for part in x.split(1000)]
    )
    return (total - own) / (len(x) - 1)
