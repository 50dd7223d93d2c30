"""The published data sets, read and where missing downloaded by torchvision, and held against their checksums."""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

import numpy as np
import torch

from chapters_lib.data import idx
from chapters_lib.data.datasets import CLASSES, Dataset
from chapters_lib.data.torchvision_shim import torchvision
from chapters_lib.errors import ChaptersError
from chapters_lib.folders import root

TORCHVISION = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}


_SPLITS = {"train": "train", "test": "t10k"}


# SHA-256 of the unpacked files as published; a file with fewer images than WHOLE is taken as it is.
WHOLE = {"train": 60_000, "test": 10_000}


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

_as_found: ContextVar[bool] = ContextVar("as_found", default=False)


@contextlib.contextmanager
def as_found() -> Iterator[None]:
    """Let `load_svhn` take a .mat file that is there as it is, also a small one that was never published."""
    token = _as_found.set(True)
    try:
        yield
    finally:
        _as_found.reset(token)


def load(name: str, split: str) -> Dataset:
    """Return a split of ``mnist``, ``fashion-mnist`` or ``kmnist``, downloaded if it is not there."""
    _download(name, root())
    _check(name, split)
    found = read(name, split, root())
    if (largest := int(found.labels.max())) >= len(CLASSES[name]):
        raise ChaptersError(
            f"{name} has classes 0 to {len(CLASSES[name]) - 1}, but {split} holds a label {largest}: put {name}'s own "
            "files there"
        )
    return found


def read(name: str, split: str, folder: Path) -> Dataset:
    """Return a split as torchvision reads it from a folder, downloaded if it is not there."""
    kind = getattr(torchvision().datasets, TORCHVISION[name])
    source = kind(folder, train=split == "train", download=True)
    return Dataset(name, split, source.data.unsqueeze(1).contiguous(), source.targets.long())


def _check(name: str, split: str) -> None:
    """Hold the idx files of a split against their headers, each other and, where whole, the published sums."""
    folder = root() / TORCHVISION[name] / "raw"
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
        if published and stated[0] == WHOLE[split] and idx.sha256(path) != published:
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
    dataset = getattr(torchvision().datasets, TORCHVISION[name])
    raw = folder / TORCHVISION[name] / "raw"
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


def load_svhn(name: str, split: str) -> Dataset:
    """Return a split of SVHN: colour, 3x32x32, label 0 for the digit zero."""
    folder = root() / "svhn"
    there = (folder / f"{split}_32x32.mat").exists()
    if there and _as_found.get():
        return read_mat(name, split, folder / f"{split}_32x32.mat")
    try:
        with _downloading():
            return read_svhn(name, split, folder)
    except _DOWNLOAD_FAILURES as error:
        state = "is not the published file (its MD5 differs)" if there else "is missing"
        raise ChaptersError(
            f"svhn: {folder / f'{split}_32x32.mat'} {state} and could not be downloaded ({_last_line(error)}): "
            "connect to the network and run again, or put the .mat file there or under another folder named by "
            "CHAPTERS_DATA"
        ) from None


def read_svhn(name: str, split: str, folder: Path) -> Dataset:
    """Return a split of SVHN as torchvision reads it from a folder, downloaded if it is not there."""
    source = torchvision().datasets.SVHN(folder, split=split, download=True)
    return Dataset(
        name,
        split,
        torch.from_numpy(source.data).contiguous(),
        torch.from_numpy(np.asarray(source.labels)).long(),
    )


def read_mat(name: str, split: str, path: Path) -> Dataset:
    """Return a split from a file of the published form, whatever images it holds.

    Raises `ChaptersError` if the file is none of that form.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        held = loadmat(path)
        images, labels = held["X"].transpose(3, 2, 0, 1), held["y"].reshape(-1).astype(np.int64)
        if images.shape != (len(labels), 3, 32, 32) or images.dtype != np.uint8 or not len(labels):
            raise ValueError("X is no (32, 32, 3, N) of bytes, or y does not hold N labels")
    except (MatReadError, ValueError, KeyError, TypeError, OSError, NotImplementedError) as error:
        raise ChaptersError(
            f"{path} is no file of SVHN's form ({_last_line(error)}): put the .mat file there anew"
        ) from error
    found = torch.from_numpy(np.ascontiguousarray(images))
    return Dataset(name, split, found, torch.from_numpy(labels % 10))
