"""Whole data sets as tensors that stay in memory; splits; batches.

``load("fashion-mnist", "train")`` is what ``keras.datasets.fashion_mnist.load_data()[0]`` is
elsewhere.
"""

from chapters_lib.data.batches import Batches, Rounds, stratified_split, to_float
from chapters_lib.data.datasets import CLASSES, COLOUR, Dataset, channels
from chapters_lib.data.loading import digits, load, training_split

__all__ = [
    "CLASSES",
    "COLOUR",
    "Batches",
    "Dataset",
    "Rounds",
    "channels",
    "digits",
    "load",
    "stratified_split",
    "to_float",
    "training_split",
]
