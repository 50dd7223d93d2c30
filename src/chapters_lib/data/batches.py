"""Pixels as numbers, splits, and shuffled batches of a data set that stays in memory."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from chapters_lib.data.datasets import Dataset
from chapters_lib.errors import ChaptersError


def stratified_split(labels: Tensor, fraction: float, seed: int) -> tuple[Tensor, Tensor]:
    """Split indices 0 to N-1 in two, every class in the same proportion.

    `labels`: int64, shape (N,).
    `fraction`: share of each class, above 0 and below 1, that goes into the second part (rounded to
    whole images).
    `seed`: of a generator of its own.
    Returns rest, held_out: int64, shapes (N - M,) and (M,), each in ascending order; disjoint, and
    together everything.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must lie between 0 and 1, not {fraction}")
    draw = torch.Generator().manual_seed(seed)
    held = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        members = (labels == label).nonzero().squeeze(1)
        order = torch.randperm(len(members), generator=draw)
        held[members[order[: round(fraction * len(members))]]] = True
    return (~held).nonzero().squeeze(1), held.nonzero().squeeze(1)


def to_float(images: Tensor) -> Tensor:
    """Return uint8 images as float32 in [0, 1], same shape."""
    return images.to(torch.float32).div_(255)


HALF_LEVEL = 0.5 / 255  # what rounding may add to 1 or take from 0
KNOWN_AT_ONCE = ("cpu",)  # devices whose numbers can be looked at without waiting for a queue


def as_pixels(x: Tensor) -> Tensor:
    """Return numbers in [0, 1] as they are, and refuse others by a ValueError.

    On an accelerator a training would have to wait for the numbers to be known: there they
    all become nan instead, and so does the loss, which `training.means` refuses.
    """
    low, high = x.detach().aminmax()
    inside = (low >= -HALF_LEVEL) & (high <= 1 + HALF_LEVEL)
    if x.device.type not in KNOWN_AT_ONCE:
        return x.masked_fill(~inside, torch.nan)
    if not bool(inside):
        raise ValueError(
            f"the pixels reach from {float(low):.3g} to {float(high):.3g}: "
            "their likelihood takes them in [0, 1], neither as bytes nor standardised"
        )
    return x


class Batches:
    """Shuffled batches of a resident data set, drawn anew from torch's generator at each iteration.

    Yields pairs (x, y): x float32 in [0, 1], shape (B, C, H, W); y int64, shape (B,). The
    last, smaller batch is left out, since batch statistics of a few images would differ from all
    others'.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        *,
        device: torch.device | str = "cpu",
    ):
        if not 0 < batch_size <= len(dataset):
            raise ChaptersError(
                f"batch size {batch_size} does not fit {len(dataset)} images: use 1 to {len(dataset)}"
            )
        self.images = dataset.images.to(device)
        self.labels = dataset.labels.to(device)
        self.batch_size = batch_size

    def __len__(self) -> int:
        return len(self.images) // self.batch_size

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self.images)).to(self.images.device)
        for i in range(len(self)):
            index = order[i * self.batch_size : (i + 1) * self.batch_size]
            yield to_float(self.images.index_select(0, index)), self.labels.index_select(0, index)


class Rounds(Batches):
    """As many batches an epoch as asked for: shuffled passes one after the other, whole batches only.

    All the orders are drawn when an epoch begins, so that a training stopped inside it resumes with the same ones.
    """

    def __init__(self, dataset: Dataset, batch_size: int, rounds: int, device: torch.device):
        super().__init__(dataset, batch_size, device=device)
        self.rounds = rounds

    def __len__(self) -> int:
        return self.rounds

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        whole = len(self.images) // self.batch_size
        passes = [torch.randperm(len(self.images)) for _ in range(-(-self.rounds // whole))]
        batches = torch.cat([order[: whole * self.batch_size] for order in passes])
        for index in batches.to(self.images.device).split(self.batch_size)[: self.rounds]:
            yield to_float(self.images.index_select(0, index)), self.labels.index_select(0, index)
