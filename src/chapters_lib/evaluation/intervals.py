"""Differences with their 95 % interval: of two sets of trainings (Welch), of two measurements of the same images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor


class Interval(NamedTuple):
    """A difference of two means, its standard error, and the interval that covers it at the asked level."""

    difference: float
    sem: float
    low: float
    high: float

    @classmethod
    def about(
        cls, difference: float, sem: float, reach: float = 2.0
    ) -> Interval:
        """Return a difference with so many of its errors on each side."""
        low, high = difference - reach * sem, difference + reach * sem
        return cls(difference, sem, low, high)

    @property
    def clear(self) -> bool:
        """Whether 0 lies outside the interval."""
        return not self.low <= 0 <= self.high


Numbers = Sequence[float] | np.ndarray | Tensor


def welch(a: Numbers, b: Numbers, level: float = 0.95) -> Interval:
    """Return mean(a) − mean(b) with Welch's interval, for independent samples of unequal spread.

    The standard error is √(s_a²/n_a + s_b²/n_b); the degrees of freedom of Student's t are
    (s_a²/n_a + s_b²/n_b)² / (s_a⁴/(n_a² (n_a − 1)) + s_b⁴/(n_b² (n_b − 1))) (Welch 1947, Eq. 28).
    Where neither sample varies the interval is the difference itself.

    Raises `ValueError` if a sample holds fewer than two numbers: one training has no spread.
    """
    x, y = _vector(a), _vector(b)
    one, other = (
        (float(of.mean()), float(of.std(ddof=1)), len(of)) for of in (x, y)
    )
    return welch_of_moments(one, other, level)


Moments = tuple[float, float, int]  # mean, standard deviation, count


def welch_of_moments(
    a: Moments, b: Moments, level: float = 0.95
) -> Interval:
    """Return Welch's interval where each sample is known by its mean, standard deviation and count."""
    parts = [sd**2 / count for _, sd, count in (a, b)]
    weights = [
        part**2 / (count - 1)
        for part, (_, _, count) in zip(parts, (a, b), strict=True)
    ]
    variance = sum(parts)
    freedom = variance**2 / sum(weights) if variance else math.inf
    return _interval(a[0] - b[0], math.sqrt(variance), freedom, level)


def paired(a: Numbers, b: Numbers, level: float = 0.95) -> Interval:
    """Return the mean of a_i − b_i with Student's interval, for two numbers of each image (or seed).

    What both have in common, that an image is hard for every model, goes out in the difference:
    the standard error is that of the differences, not the root of the sum of two squared errors.

    Raises `ValueError` if there are not as many of both, or fewer than two.
    """
    x, y = _vector(a), _vector(b)
    if len(x) != len(y):
        raise ValueError(f"{len(x)} and {len(y)} numbers make no pairs")
    difference = x - y
    sem = float(difference.std(ddof=1)) / math.sqrt(len(difference))
    return _interval(
        float(difference.mean()), sem, float(len(difference) - 1), level
    )


def borrowed(
    a: Numbers, b: Numbers, siblings: Numbers, level: float = 0.95
) -> Interval:
    """Return mean(a) − mean(b) where a or b is a single training, with the spread s of sibling trainings.

    Each training, the single one too, is taken to spread as its n siblings do: the standard error is
    s √(1/n_a + 1/n_b), and Student's t has the n − 1 degrees of freedom of s.

    Raises `ValueError` if there are fewer than two siblings.
    """
    return pooled(a, b, [siblings], level)


def pooled(
    a: Numbers, b: Numbers, groups: Sequence[Numbers], level: float = 0.95
) -> Interval:
    """Return mean(a) − mean(b) where a or b is a single training, with the spread of several settings' trainings.

    Each training is taken to spread around its setting's mean as those of the groups do on average:
    s² = Σ(n_g − 1)s_g² / Σ(n_g − 1), and Student's t has the Σ(n_g − 1) degrees of freedom of s.

    Raises `ValueError` if no group holds two trainings.
    """
    several = [_vector(group) for group in groups if len(group) > 1]
    freedom = sum(len(group) - 1 for group in several)
    if not freedom:
        raise ValueError(
            "no setting has two trainings: there is no spread to pool"
        )
    squares = sum(
        float(((group - group.mean()) ** 2).sum()) for group in several
    )
    x, y = (
        np.asarray(values, dtype=np.float64).ravel() for values in (a, b)
    )
    spread = math.sqrt(squares / freedom)
    sem = spread * math.sqrt(1 / len(x) + 1 / len(y))
    return _interval(float(x.mean() - y.mean()), sem, float(freedom), level)


def _vector(numbers: Numbers) -> np.ndarray:
    vector = np.asarray(numbers, dtype=np.float64).ravel()
    if len(vector) < 2:
        raise ValueError(
            f"{len(vector)} numbers have no spread: an interval needs two of each"
        )
    return vector


def _interval(
    difference: float, sem: float, freedom: float, level: float
) -> Interval:
    from scipy.special import stdtrit  # SciPy takes a second to import

    reach = float(stdtrit(freedom, (1 + level) / 2)) * sem
    return Interval(difference, sem, difference - reach, difference + reach)
