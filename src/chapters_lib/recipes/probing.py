"""What one linear layer reads from the features of a few labelled images: draws of them, and their mean and spread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from chapters_lib import data
from chapters_lib.data import Dataset, stratified_split, to_float
from chapters_lib.evaluation.linear import DECAYS, linear_layer
from chapters_lib.models.gan import GAN, Discriminator
from chapters_lib.models.layers import device_of
from chapters_lib.recipes import gan
from chapters_lib.recipes.gan import GanConfig
from chapters_lib.recording.experiment import Metrics

SHARE, DRAWS = 0.1, 5  # of the training images, labelled; and how often they are drawn

Features = Callable[[Tensor], Tensor]  # from uint8 images to float32, shape (N, F)


def labelled(labels: Tensor, share: float, seed: int) -> Tensor:
    """Return the indices of a share of every class, drawn by `seed`; of everything for a share of 1."""
    return torch.arange(len(labels)) if share == 1 else stratified_split(labels, share, seed)[1]


def pixels(images: Tensor) -> Tensor:
    """Return the images themselves as features in [0, 1], shape (N, 784)."""
    return to_float(images).flatten(1)


def discriminator_features(discriminator: Discriminator) -> Features:
    """Return what takes uint8 images to what the last linear layer sees.

    The layer is the discriminator's, which is in evaluation mode then. Each
    module is left in the mode it was in, the weights and running statistics
    as they were.
    """

    @torch.no_grad()
    def features(images: Tensor) -> Tensor:
        modes = [(part, part.training) for part in discriminator.modules()]
        discriminator.eval()
        device = device_of(discriminator)
        parts = (to_float(part.to(device)) for part in images.split(500))
        found = torch.cat([discriminator.features(x) for x in parts]).cpu()
        for part, mode in modes:
            part.training = mode
        return found

    return features


@dataclass(frozen=True)
class Reading:
    """Both accuracies of one linear layer, and its weight decay."""

    train_accuracy: float
    test_accuracy: float
    decay: float


def read(
    train: Tensor,
    train_labels: Tensor,
    test: Tensor,
    test_labels: Tensor,
    *,
    seed: int = 0,
    decays: Sequence[float] = DECAYS,
) -> Reading:
    """Train one linear layer on features (N, F), and measure it there and on test features (M, F)."""
    layer, decay = linear_layer(train, train_labels, seed=seed, decays=decays)
    return Reading(layer.accuracy(train, train_labels), layer.accuracy(test, test_labels), decay)


def readings(
    features: Features, training: Dataset, test: Dataset, share: float = SHARE, draws: int = DRAWS
) -> list[Reading]:
    """Draw a share of the training images `draws` times, by seeds 0, 1, …, and read the class from each.

    Only the images drawn, and the test images, are put through `features`.
    """
    test_features = features(test.images)
    found = []
    for seed in range(draws):
        part = training.subset(labelled(training.labels, share, seed))
        found.append(
            read(features(part.images), part.labels, test_features, test.labels, seed=seed)
        )
    return found


def summary(found: Sequence[Reading], prefix: str) -> Metrics:
    """Return metrics of several draws, each key below `prefix`.

    ``train_accuracy`` and ``test_accuracy`` are means over the draws; ``_sd`` behind either is
    the sample's standard deviation over them (0 for a single draw), ``test_accuracy_min`` and
    ``_max`` the worst and the best draw.
    """
    metrics: Metrics = {}
    for split in ("train", "test"):
        values = np.array([getattr(reading, f"{split}_accuracy") for reading in found])
        metrics[f"{prefix}{split}_accuracy"] = float(values.mean())
        metrics[f"{prefix}{split}_accuracy_sd"] = float(values.std(ddof=len(values) > 1))
    metrics[f"{prefix}test_accuracy_min"] = float(values.min())
    metrics[f"{prefix}test_accuracy_max"] = float(values.max())
    return metrics


def evaluate_gan(config: GanConfig, model: GAN) -> Metrics:
    """Measure what `gan.evaluate` does, and what one linear layer reads from the discriminator's features.

    ``probe_train_accuracy`` and ``probe_test_accuracy`` are means over five draws of a tenth of
    the training images, with their spread beside them (see `probing.summary`).
    """
    training, test = data.load(config.dataset, "train"), data.load(config.dataset, "test")
    found = readings(discriminator_features(model.discriminator), training, test)
    return gan.evaluate(config, model) | summary(found, "probe_")


# The layer's solver stops at a small gradient: another order of additions can turn a few images of 10,000.
PROBE_TOLERANCES = {
    f"probe_{split}_accuracy{spread}": 2e-3
    for split in ("train", "test")
    for spread in ("", "_sd", "_min", "_max")
}
