"""One name, one call: any split of any data set as tensors in memory."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar

import torch
import torch.nn.functional as F
from torch import Tensor

from chapters_lib.data.batches import stratified_split
from chapters_lib.data.datasets import Dataset
from chapters_lib.errors import ChaptersError

FIXED_VALIDATION = frozenset({"svhn-crops"})  # sets whose files say what is held out for choices

# What loads a split of a data set, by the set's name.
LOADERS: dict[str, Callable[[str, str], Dataset]] = {}

_limits: ContextVar[Mapping[tuple[str, str], int] | None] = ContextVar("limits", default=None)


@contextlib.contextmanager
def only_first(images: Mapping[tuple[str, str], int]) -> Iterator[None]:
    """Let `load` return the first so many images of some splits, by name and split: what a record was made of."""
    token = _limits.set({**(_limits.get() or {}), **images})
    try:
        yield
    finally:
        _limits.reset(token)


def load(name: str, split: str) -> Dataset:
    """Return split ``train`` or ``test`` of a data set by its name: ``mnist``, say, or ``house-numbers``.

    Of ``svhn-crops`` there is a third, ``val``, which its file fixes.

    Missing files are downloaded by torchvision. ``digits`` (1,797 scans of 8x8 from
    scikit-learn, enlarged to 28x28) and ``house-numbers`` (rendered, and kept in the cache)
    need none. How many images there are is read off the files, never assumed.

    Raises `ChaptersError` if the name or split is unknown, a file is damaged, or the files are
    neither there nor to be had.
    """
    if name not in LOADERS:
        near = difflib.get_close_matches(name, LOADERS, n=3, cutoff=0.4)
        raise ChaptersError(
            f"unknown data set {name!r}: "
            + (f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(LOADERS)}")
        )
    if split not in (known := splits(name)):
        raise ChaptersError(
            f"unknown split {split!r} of {name}: use {', '.join(known[:-1])} or {known[-1]}"
        )
    whole = LOADERS[name](name, split)
    limit = (_limits.get() or {}).get((name, split))
    return whole.first(limit) if limit else whole


def splits(name: str) -> tuple[str, ...]:
    """Return the splits of a data set: ``train`` and ``test``, and what else its files fix."""
    return ("train", "val", "test") if name in FIXED_VALIDATION else ("train", "test")


def digits() -> tuple[Tensor, Tensor]:
    """Return scikit-learn's digits, enlarged to uint8 images of shape (1797, 1, 28, 28), and their labels."""
    from sklearn import datasets

    source = datasets.load_digits()
    small = torch.from_numpy(source.images).float().unsqueeze(1) / 16  # (N, 1, 8, 8) in [0, 1]
    large = F.interpolate(small, size=(28, 28), mode="bilinear", align_corners=False)
    images = large.mul(255).round().clamp(0, 255).to(torch.uint8)
    return images, torch.from_numpy(source.target).long()


def load_digits(name: str, split: str) -> Dataset:
    """Return a fixed stratified fifth of scikit-learn's digits as test split, the rest as train split."""
    images, labels = digits()
    train, test = stratified_split(labels, 0.2, seed=0)
    return Dataset(name, split, images, labels).subset(train if split == "train" else test)


def training_split(name: str, validation: float = 0.0, images: int = 0) -> tuple[Dataset, Dataset]:
    """Return the images trained on and those held out of the train split; they are disjoint.

    `validation`: share of the train split that is held out, the classes in proportion; 0 for none.
    Where a set's file fixes what is held out (`splits`), it is that, whatever the share.
    `images`: train on that many images only, the classes in proportion; 0 for all.
    """
    whole = load(name, "train")
    held = whole.subset(torch.arange(0))
    if validation and name in FIXED_VALIDATION:
        held = load(name, "val")
    elif validation:
        rest, held_out = stratified_split(whole.labels, validation, seed=0)
        whole, held = whole.subset(rest), whole.subset(held_out)
    if images:
        _, few = stratified_split(whole.labels, images / len(whole), seed=0)
        whole = whole.subset(few)
    return whole, held
