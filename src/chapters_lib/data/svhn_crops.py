"""A few thousand real crops of SVHN's train split, from one file, where the whole set is not at hand."""

from __future__ import annotations

import numpy as np
import torch

from chapters_lib.data.datasets import UNLABELLED, Dataset
from chapters_lib.errors import ChaptersError
from chapters_lib.folders import root

FILE = "svhn_real_crops_32x32.npz"


def load(name: str, split: str) -> Dataset:
    """Return the crops of a part that the file itself fixes: ``train``, ``val`` or ``test``.

    Labels are SVHN's own; a crop whose official label is not known has none (`UNLABELLED`).
    """
    path = root() / "svhn" / FILE
    if not path.is_file():
        raise ChaptersError(
            f"{name}: {path} is missing, and is not to be downloaded: put it there or under another folder named by "
            "CHAPTERS_DATA, or use svhn (the whole set, which is downloaded) or house-numbers (rendered)"
        )
    try:
        with np.load(path, allow_pickle=False) as kept:
            chosen = kept["part"] == split
            images, labels = kept["images"][chosen], kept["labels"][chosen].astype(np.int64)
            official = kept["label_official"][chosen]
    except Exception as error:  # what a damaged zip file raises is past listing
        raise ChaptersError(
            f"{path} is damaged ({type(error).__name__}): put a whole copy there"
        ) from error
    if images.dtype != np.uint8 or images.shape[1:] != (32, 32, 3) or not len(images):
        raise ChaptersError(
            f"{path} holds {len(images)} images of {images.shape[1:]} in {split}, not 32x32x3 bytes: put {name}'s "
            "own file there"
        )
    return Dataset(
        name,
        split,
        torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(),
        torch.from_numpy(np.where(official, labels, UNLABELLED)),
    )
