"""Images in standardised units, by a batch's own statistics or by the train split's."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from chapters_lib.data.batches import to_float
from chapters_lib.data.datasets import Dataset
from chapters_lib.data.loading import load


@dataclass(frozen=True)
class Standardised:
    """Flat images in standardised units, and the numbers that lead back to pixels.

    `v`: float32, shape (N, D).
    `mean`, `sd`: float32, shape (N, 1): of the batch (or split) that each image was standardised
    with.
    """

    v: Tensor
    mean: Tensor
    sd: Tensor

    def pixels(self, v: Tensor) -> Tensor:
        """Return standardised values as pixels, clipped to [0, 1] as a picture shows them."""
        return (self.mean + self.sd * v).clamp(0, 1)


def standardise(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return (x − mean)/sd with the scalar mean and standard deviation of all of x, and both."""
    mean, sd = x.mean(), x.std()
    return (x - mean) / sd, mean, sd


def statistics(dataset: str) -> tuple[Tensor, Tensor]:
    """Return the scalar mean and standard deviation of all pixels of the train split."""
    pixels = to_float(load(dataset, "train").images)
    return pixels.mean(), pixels.std()


def standardised(
    dataset: Dataset, batch_size: int = 128, given: tuple[Tensor, Tensor] | None = None
) -> Standardised:
    """Standardise a whole split: by the `given` mean and sd, else batches in the file's order, each by its own."""
    x = to_float(dataset.images).flatten(1)
    if given:
        mean, sd = given
        return Standardised((x - mean) / sd, mean.expand(len(x), 1), sd.expand(len(x), 1))
    parts = [standardise(part) for part in x.split(batch_size)]
    counts = torch.tensor([len(v) for v, _, _ in parts])
    means, sds = (torch.stack([part[i] for part in parts]) for i in (1, 2))
    return Standardised(
        torch.cat([v for v, _, _ in parts]),
        means.repeat_interleave(counts)[:, None],
        sds.repeat_interleave(counts)[:, None],
    )
