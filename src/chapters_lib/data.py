"""Whole data sets as tensors that stay in memory; splits; batches.

``load("fashion-mnist", "train")`` is what ``keras.datasets.fashion_mnist.load_data()[0]`` is
elsewhere.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import http.client
import io
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from chapters_lib import house_numbers, idx
from chapters_lib._torchvision import torchvision
from chapters_lib.errors import ChaptersError
from chapters_lib.folders import cache_root, root

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
    "house-numbers": DIGITS,
}
COLOUR = frozenset({"svhn", "house-numbers"})
_TORCHVISION = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}
_SPLITS = {"train": "train", "test": "t10k"}
# SHA-256 of the unpacked files as published; a file with fewer images than _WHOLE is taken as it is.
_WHOLE = {"train": 60_000, "test": 10_000}
_PUBLISHED = {
    "mnist": {
        "train images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "test images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "test labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    "fashion-mnist": {
        "train images": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train labels": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "test images": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "test labels": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
    "kmnist": {
        "test images": "76fbd229ce87db80dd281af5e6670de4ad0e42fb30a7bd643972994c47c1f42e",
        "test labels": "a11dc742be8e781a40a92f53d6a4957e7b7d36df2faa097659131ebfd8fd60c6",
    },
}
_DOWNLOAD_TIMEOUT_SECONDS = 30.0
_DOWNLOAD_FAILURES = (OSError, RuntimeError, EOFError, http.client.HTTPException)


@dataclass(frozen=True)
class Dataset:
    """One split of a data set, resident in memory.

    Attributes
    ----------
    images
        uint8, shape (N, C, H, W), 0 is black.
    labels
        int64, shape (N,), from 0 to ``len(classes) - 1``.
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

    def subset(self, index: Tensor) -> Dataset:
        """Return the images and labels at `index` (int64, shape (M,)) as a data set of the same name."""
        return Dataset(self.name, self.split, self.images[index], self.labels[index])


def channels(name: str) -> int:
    """Return how many colour channels the images of a data set have."""
    return 3 if name in COLOUR else 1


def load(name: str, split: str) -> Dataset:
    """Return split ``train`` or ``test`` of one of `CLASSES`: ``mnist``, say, or ``house-numbers``.

    Missing files are downloaded by torchvision. ``digits`` (1,797 scans of 8x8 from
    scikit-learn, enlarged to 28x28) and ``house-numbers`` (rendered, and kept in the cache)
    need none. How many images there are is read off the files, never assumed.

    Raises
    ------
    ChaptersError
        if the name or split is unknown, a file is damaged, or the files are neither there nor
        to be had.
    """
    if name not in CLASSES:
        near = difflib.get_close_matches(name, CLASSES, n=3, cutoff=0.4)
        raise ChaptersError(
            f"unknown data set {name!r}: "
            + (f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(CLASSES)}")
        )
    if split not in _SPLITS:
        raise ChaptersError(f"unknown split {split!r} of {name}: use train or test")
    if name == "digits":
        return _digits(split)
    if name == "svhn":
        return _svhn(split)
    if name == "house-numbers":
        return Dataset(name, split, *house_numbers.load(cache_root(), split))
    _download(name, root())
    _check(name, split)
    source = getattr(torchvision().datasets, _TORCHVISION[name])(root(), train=split == "train")
    if (largest := int(source.targets.max())) >= len(CLASSES[name]):
        raise ChaptersError(
            f"{name} has classes 0 to {len(CLASSES[name]) - 1}, but {split} holds a label {largest}: put {name}'s own "
            "files there"
        )
    return Dataset(name, split, source.data.unsqueeze(1).contiguous(), source.targets.long())


def _check(name: str, split: str) -> None:
    """Hold the idx files of a split against their headers, each other and, where whole, the published sums."""
    folder = root() / _TORCHVISION[name] / "raw"
    counts = {}
    for kind, dimensions in (("images", 3), ("labels", 1)):
        path = folder / f"{_SPLITS[split]}-{kind}-idx{dimensions}-ubyte"
        stated = idx.shape(path, dimensions)
        if dimensions == 3 and stated[1:] != (28, 28):
            raise ChaptersError(
                f"{path.name} holds images of {stated[1]}x{stated[2]}, not 28x28: put {name}'s there"
            )
        counts[kind] = stated[0]
        published = _PUBLISHED[name].get(f"{split} {kind}")
        if published and stated[0] == _WHOLE[split] and idx.sha256(path) != published:
            raise ChaptersError(
                f"{path} is not the published file (its SHA-256 differs): delete it and load it again"
            )
    if counts["images"] == 0:
        raise ChaptersError(f"{folder} holds no image in {split} of {name}: put a whole set there")
    if counts["images"] != counts["labels"]:
        raise ChaptersError(
            f"{folder}: {counts['images']} images but {counts['labels']} labels in {split} of {name}: "
            "delete both files and load them again"
        )


def _download(name: str, folder: Path) -> None:
    """Let torchvision fetch what is missing; say in one line where and how to supply it when it cannot."""
    dataset = getattr(torchvision().datasets, _TORCHVISION[name])
    raw = folder / _TORCHVISION[name] / "raw"
    files = [
        f"{part}-{kind}-ubyte"
        for part in _SPLITS.values()
        for kind in ("images-idx3", "labels-idx1")
    ]
    missing = [file for file in files if not (raw / file).is_file()]
    if not missing:
        return
    try:
        with _downloading():
            dataset(folder, train=True, download=True)
    except _DOWNLOAD_FAILURES as error:
        raise ChaptersError(
            f"{name} is not in {raw} (missing: {', '.join(missing)}) and could not be downloaded "
            f"({_last_line(error)}): connect to the network and run again, or put the unpacked idx files there or "
            "under another folder named by CHAPTERS_DATA"
        ) from None


@contextlib.contextmanager
def _downloading() -> Iterator[None]:
    """Let no server keep us waiting for ever, and torchvision not print."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT_SECONDS)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        socket.setdefaulttimeout(before)


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]


def _svhn(split: str) -> Dataset:
    """Return a split of SVHN: colour, 3x32x32, label 0 for the digit zero."""
    folder = root() / "svhn"
    there = (folder / f"{split}_32x32.mat").exists()
    try:
        with _downloading():
            source = torchvision().datasets.SVHN(folder, split=split, download=True)
    except _DOWNLOAD_FAILURES as error:
        state = "is not the published file (its MD5 differs)" if there else "is missing"
        raise ChaptersError(
            f"svhn: {folder / f'{split}_32x32.mat'} {state} and could not be downloaded ({_last_line(error)}): "
            "connect to the network and run again, or put the .mat file there or under another folder named by "
            "CHAPTERS_DATA"
        ) from None
    return Dataset(
        "svhn",
        split,
        torch.from_numpy(source.data).contiguous(),
        torch.from_numpy(np.asarray(source.labels)).long(),
    )


def digits() -> tuple[Tensor, Tensor]:
    """Return scikit-learn's digits, enlarged to uint8 images of shape (1797, 1, 28, 28), and their labels."""
    from sklearn.datasets import load_digits

    source = load_digits()
    small = torch.from_numpy(source.images).float().unsqueeze(1) / 16  # (N, 1, 8, 8) in [0, 1]
    large = F.interpolate(small, size=(28, 28), mode="bilinear", align_corners=False)
    images = large.mul(255).round().clamp(0, 255).to(torch.uint8)
    return images, torch.from_numpy(source.target).long()


def _digits(split: str) -> Dataset:
    """Return a fixed stratified fifth of scikit-learn's digits as test split, the rest as train split."""
    images, labels = digits()
    train, test = stratified_split(labels, 0.2, seed=0)
    return Dataset("digits", split, images, labels).subset(train if split == "train" else test)


def stratified_split(labels: Tensor, fraction: float, seed: int) -> tuple[Tensor, Tensor]:
    """Split indices 0 to N-1 in two, every class in the same proportion.

    Parameters
    ----------
    labels
        int64, shape (N,).
    fraction
        share of each class, above 0 and below 1, that goes into the second part (rounded to
        whole images).
    seed
        of a generator of its own.

    Returns
    -------
    rest, held_out
        int64, shapes (N - M,) and (M,), each in ascending order; disjoint, and together
        everything.
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


class Batches:
    """Shuffled batches of a resident data set, drawn anew from torch's generator at each iteration.

    Yields pairs (x, y): x float32 in [0, 1], shape (B, C, H, W); y int64, shape (B,). The
    last, smaller batch is left out (`drop_last`), since batch statistics of a few images would
    differ from all others'.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        *,
        drop_last: bool = True,
        device: torch.device | str = "cpu",
    ):
        if not 0 < batch_size <= len(dataset):
            raise ChaptersError(
                f"batch size {batch_size} does not fit {len(dataset)} images: use 1 to {len(dataset)}"
            )
        self.images = dataset.images.to(device)
        self.labels = dataset.labels.to(device)
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __len__(self) -> int:
        whole, rest = divmod(len(self.images), self.batch_size)
        return whole if self.drop_last or rest == 0 else whole + 1

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self.images)).to(self.images.device)
        for i in range(len(self)):
            index = order[i * self.batch_size : (i + 1) * self.batch_size]
            yield to_float(self.images.index_select(0, index)), self.labels.index_select(0, index)
