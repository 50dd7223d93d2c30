"""What a data set is, and which there are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

DIGITS = tuple(str(i) for i in range(10))


CLASSES = {
    "digits": DIGITS,
    "mnist": DIGITS,
    "fashion-mnist": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    "kmnist": ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    "svhn": DIGITS,
    "svhn-crops": DIGITS,
    "house-numbers": DIGITS,
}


COLOUR = frozenset({"svhn", "svhn-crops", "house-numbers"})
UNLABELLED = -1  # the label of an image of which no official one is known


@dataclass(frozen=True)
class Dataset:
    """One split of a data set, resident in memory.

    `images`: uint8, shape (N, C, H, W), 0 is black.
    `labels`: int64, shape (N,), from 0 to ``len(classes) - 1``, or `UNLABELLED`.
    """

    name: str
    split: str
    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.images)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names, by label."""
        return CLASSES[self.name]

    @cached_property
    def sha256(self) -> str:
        """SHA-256 over the bytes of images, then labels: two loads with the same value held the same data."""
        digest = hashlib.sha256(self.images.numpy().tobytes())
        digest.update(self.labels.numpy().tobytes())
        return digest.hexdigest()

    def first(self, count: int) -> Dataset:
        """Return the first images, at most `count`."""
        return Dataset(self.name, self.split, self.images[:count], self.labels[:count])

    def labelled(self) -> Dataset:
        """Return the images whose label is known."""
        known = self.labels != UNLABELLED
        return self if bool(known.all()) else self.subset(known.nonzero().squeeze(1))

    def subset(self, index: Tensor) -> Dataset:
        """Return the images and labels at `index` (int64, shape (M,)) as a data set of the same name."""
        return Dataset(self.name, self.split, self.images[index], self.labels[index])


def channels(name: str) -> int:
    """Return how many colour channels the images of a data set have."""
    return 3 if name in COLOUR else 1
