"""Whole data sets as tensors that stay in memory; splits; batches.

``load("fashion-mnist", "train")`` is what ``keras.datasets.fashion_mnist.load_data()[0]`` is
elsewhere.
"""

from chapters_lib.data import house_numbers, published, svhn_crops
from chapters_lib.data.batches import Batches, Rounds, stratified_split, to_float
from chapters_lib.data.datasets import CLASSES, COLOUR, UNLABELLED, Dataset, channels
from chapters_lib.data.loading import (
    LOADERS,
    digits,
    load,
    load_digits,
    only_first,
    splits,
    training_split,
)
from chapters_lib.folders import cache_root


def _house_numbers(name: str, split: str) -> Dataset:
    return Dataset(name, split, *house_numbers.load(cache_root(), split))


LOADERS |= {
    "digits": load_digits,
    **dict.fromkeys(published.TORCHVISION, published.load),
    "svhn": published.load_svhn,
    "svhn-crops": svhn_crops.load,
    "house-numbers": _house_numbers,
}

__all__ = [
    "CLASSES",
    "COLOUR",
    "UNLABELLED",
    "Batches",
    "Dataset",
    "Rounds",
    "channels",
    "digits",
    "load",
    "only_first",
    "splits",
    "stratified_split",
    "to_float",
    "training_split",
]
