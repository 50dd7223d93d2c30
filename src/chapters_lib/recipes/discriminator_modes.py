"""What dropout alone does to a discriminator's verdict: one network, evaluated as it is trained and as it is used."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.data import to_float
from chapters_lib.models.gan import Discriminator, unmoved, without_dropout
from chapters_lib.recipes import gan
from chapters_lib.recipes.gan import GanConfig
from chapters_lib.recording.experiment import Metrics
from chapters_lib.reproducibility import generator

MODELS = {"minmax": "dcgan-mnist", "nonsaturating": "dcgan-mnist-nonsaturating"}


@dataclass(frozen=True)
class ModesConfig:
    """How many test images, and as many samples, the recorded discriminators are shown."""

    dataset: str = "mnist"
    images: int = 5000
    seed: int = 0  # of the dropout


def probabilities(discriminator: Discriminator, batches: Iterable[Tensor]) -> Tensor:
    """Return D(x) of batches of uint8 images in the discriminator's present mode, shape (N,); no statistic moves."""
    with torch.no_grad(), unmoved(discriminator):
        return torch.cat([discriminator.probability(to_float(x)) for x in batches])


def in_modes(
    config: GanConfig, discriminator: Discriminator, images: Tensor, seed: int
) -> dict[str, Tensor]:
    """Return D(x) in evaluation mode, in training mode without dropout, and with the configured share dropped.

    In training mode the images come in batches of the training's size, in an order drawn once,
    and batch normalisation, where there is one, goes by the batch. The network is left in
    evaluation mode, with its dropout as it was.
    """
    shuffled = images[torch.randperm(len(images), generator=generator(seed))]
    drops = [part for part in discriminator.modules() if isinstance(part, nn.Dropout)]
    shares = [part.p for part in drops]
    found = {"evaluation": probabilities(discriminator.eval(), images.split(1000))}
    discriminator.train()
    without_dropout(discriminator)
    found["training"] = probabilities(discriminator, shuffled.split(config.batch_size))
    for part in drops:
        part.p = config.dropout
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        found["dropout"] = probabilities(discriminator, shuffled.split(config.batch_size))
    for part, share in zip(drops, shares, strict=True):
        part.p = share
    discriminator.eval()
    return found


def evaluate(config: ModesConfig, _: nn.Module) -> Metrics:
    """Measure the means of D over test images and over samples, ``MODEL_MODE_real`` and ``MODEL_MODE_fake``."""
    test = data.load(config.dataset, "test").images[: config.images]
    metrics: Metrics = {}
    for prefix, name in MODELS.items():
        its, model = gan.recorded(name)
        kinds = {"real": test, "fake": gan.samples(its, model, len(test))}
        for kind, images in kinds.items():
            for mode, found in in_modes(its, model.discriminator, images, config.seed).items():
                key = f"{prefix}_{mode}_{kind}"
                metrics[key] = float(found.double().mean())
                metrics[f"{key}_sem"] = float(found.double().std()) / math.sqrt(len(found))
    return metrics
