"""Whether neighbours in a space of codes are of one class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def neighbours_agree(
    codes: NDArray[np.floating],
    labels: NDArray[np.integer],
    number: int = 10,
) -> NDArray[np.float64]:
    """Return 1 for each code whose class is the commonest among its nearest others, else 0."""
    from sklearn.neighbors import (
        KNeighborsClassifier,  # which takes a second to import
    )

    search = KNeighborsClassifier(number + 1).fit(codes, labels)
    nearest = search.kneighbors(codes, return_distance=False)
    votes = labels[nearest[:, 1:]]  # the nearest of all is the code itself
    counts = np.stack(
        [(votes == c).sum(1) for c in range(int(labels.max()) + 1)], axis=1
    )
    return np.asarray(counts.argmax(1) == labels, dtype=np.float64)


def of_the_same_class(
    codes: NDArray[np.floating],
    labels: NDArray[np.integer],
    number: int,
) -> float:
    """Return the share of the codes' nearest others, so many each or all, that are of the same class."""
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=min(number, len(codes) - 1))
    search.fit(codes)
    nearest = search.kneighbors(
        return_distance=False
    )  # without the code itself
    return float((labels[nearest] == labels[:, None]).mean())
