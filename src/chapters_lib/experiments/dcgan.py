"""The named experiments of the chapter DCGAN: the convolutional pair with both generator losses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import nn

from chapters_lib import data
from chapters_lib.experiments import gan
from chapters_lib.experiments.base import Experiment, Metrics
from chapters_lib.experiments.gan import GanConfig
from chapters_lib.experiments.probing import discriminator_features, readings, summary
from chapters_lib.models.gan import GAN

CHAPTER = "dcgan-pretraining"
MINMAX = GanConfig(
    "mnist",
    convolutional=True,
    width=64,
    dropout=0.2,
    dropout_epochs=5,
    fresh_noise=False,
    epochs=15,
    batch_size=32,
    learning_rate=2e-4,
    discriminator_rate=2e-4,
    decay=True,
    precision="bfloat16",
    shown_epochs=(0, 1, 2, 3, 5, 10, 15),
    followed_every=1,
)

# What was trained first: a quarter of the updates for the same images, and dropout to the end.
FIRST = replace(MINMAX, batch_size=128, dropout_epochs=0)

# Both precisions beside each other, over three seeds: at half the width and for two epochs, since
# float32 takes twice the time.
HALF = replace(
    MINMAX,
    width=32,
    saturating=False,
    epochs=2,
    shown_epochs=(),
    followed_every=2,
    dropout_epochs=0,
)


def evaluate(config: GanConfig, model: nn.Module) -> Metrics:
    """Measure what `gan.evaluate` does, and what one linear layer reads from the discriminator's features.

    ``probe_train_accuracy`` and ``probe_test_accuracy`` are means over five draws of a tenth of
    the training images, with their spread beside them (see `probing.summary`).
    """
    assert isinstance(model, GAN)
    training, test = data.load(config.dataset, "train"), data.load(config.dataset, "test")
    found = readings(discriminator_features(model.discriminator), training, test)
    return gan.evaluate(config, model) | summary(found, "probe_")


# The layer's solver stops at a small gradient: another order of additions can turn a few images of 10,000.
PROBE_TOLERANCES = {
    f"probe_{split}_accuracy{spread}": 2e-3
    for split in ("train", "test")
    for spread in ("", "_sd", "_min", "_max")
}


def _experiment(name: str, summary: str, config: GanConfig, **parts: Any) -> Experiment:
    return gan.experiment(
        name,
        CHAPTER,
        summary,
        config,
        evaluate=evaluate,
        tolerances=gan.TOLERANCES | PROBE_TOLERANCES,
        seeds=(0,),
        **parts,
    )


EXPERIMENTS = (
    _experiment("dcgan-mnist", "convolutional, min-max loss", MINMAX),
    _experiment(
        "dcgan-mnist-nonsaturating",
        "the same with the non-saturating generator loss",
        replace(MINMAX, saturating=False),
    ),
    _experiment(
        "dcgan-mnist-batch-128",
        "min-max loss, in batches of 128 and with dropout to the end",
        FIRST,
        weights_stored=False,
    ),
    *[
        gan.experiment(
            f"dcgan-half-mnist-{precision}",
            CHAPTER,
            f"half as wide, two epochs, trained in {precision}",
            replace(HALF, precision=precision),
            weights_stored=False,
        )
        for precision in ("float32", "bfloat16")
    ],
)
