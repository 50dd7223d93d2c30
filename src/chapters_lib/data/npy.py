"""Read the MNIST images that one assignment sheet hands out as a single NumPy file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from chapters_lib.errors import ChaptersError

URL = "https://s3.amazonaws.com/jrwprojects/mnist_train_images.npy"
SIDE = 28


def load_images(path: Path | str) -> Tensor:
    """Return the images of the sheet's ``mnist_train_images.npy`` as `data.load` would, without labels.

    Parameters
    ----------
    path
        a .npy file of shape (N, 784), a row an image: whole numbers from 0 to 255, or
        floating-point ones from 0 to 1 (then scaled by 255) or from 0 to 255; both are rounded.

    Returns
    -------
    Tensor
        uint8, shape (N, 1, 28, 28), 0 is black.

    Raises
    ------
    ChaptersError
        if the file is missing, is no .npy file, holds objects, or an array of another shape,
        kind or range.
    """
    path = Path(path)
    mend = f"put the file from {URL} there"
    try:
        found = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise ChaptersError(f"there is no {path}: {mend}") from None
    except OSError as error:
        raise ChaptersError(
            f"{path} cannot be read ({error.strerror or 'damaged'}): {mend}"
        ) from None
    except Exception:  # whatever NumPy's parsers meet in a file that is none of theirs
        raise ChaptersError(f"{path} is no whole .npy file of numbers: {mend}") from None
    if not isinstance(found, np.ndarray):
        found.close()
        raise ChaptersError(f"{path} is an archive of arrays, not one .npy file: {mend}")
    if found.ndim != 2 or found.shape[1] != SIDE**2 or not len(found):
        raise ChaptersError(
            f"{path} holds an array of shape {found.shape}, not of N rows of {SIDE**2}: {mend}"
        )
    if found.dtype.kind not in "uif":
        raise ChaptersError(f"{path} holds values of type {found.dtype}, not numbers: {mend}")
    low, high = float(found.min()), float(found.max())
    if not 0 <= low <= high <= 255:
        raise ChaptersError(
            f"{path} holds values from {low:g} to {high:g}, not from 0 to 1 or from 0 to 255: {mend}"
        )
    if found.dtype.kind == "f":
        found = np.rint(found * 255 if high <= 1 else found)
    return torch.from_numpy(found.astype(np.uint8, order="C")).view(-1, 1, SIDE, SIDE)
