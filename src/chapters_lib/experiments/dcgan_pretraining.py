"""The experiments of the page DCGAN: the pair with both generator losses, and what its features are worth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chapters_lib.experiments.gan import FC
from chapters_lib.recipes import discriminator_modes, gan, mistakes, yardsticks
from chapters_lib.recipes.discriminator_modes import ModesConfig
from chapters_lib.recipes.gan import GanConfig
from chapters_lib.recipes.mistakes import MistakesConfig
from chapters_lib.recipes.pretraining import (
    EndToEndConfig,
    PretrainingConfig,
    build,
    by_share,
    evaluate_end_to_end,
    evaluate_features,
    tolerances,
    train,
)
from chapters_lib.recipes.probing import PROBE_TOLERANCES, evaluate_gan
from chapters_lib.recipes.yardsticks import YardsticksConfig
from chapters_lib.recording.experiment import (
    Experiment,
    build_nothing,
    measure_nothing,
    measurement,
    no_panels,
)
from chapters_lib.recording.study import study

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


def _experiment(name: str, summary: str, config: GanConfig, **parts: Any) -> Experiment:
    return gan.experiment(
        name,
        CHAPTER,
        summary,
        config,
        evaluate=evaluate_gan,
        tolerances=gan.TOLERANCES | PROBE_TOLERANCES,
        seeds=(0,),
        **parts,
    )


PRETRAINING = PretrainingConfig(MINMAX, FC)
YARDSTICKS = YardsticksConfig(PRETRAINING)
END_TO_END = EndToEndConfig(MINMAX, passes=3)

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
    measurement(
        "dcgan-modes-mnist",
        CHAPTER,
        "the recorded discriminators in evaluation mode, in training mode, and with dropout",
        ModesConfig(),
        discriminator_modes.evaluate,
        needs=tuple(discriminator_modes.MODELS.values()),
    ),
    Experiment(
        "dcgan-pretraining-mnist",
        CHAPTER,
        "one linear layer on the discriminator's features, and what it is compared with",
        PRETRAINING,
        build_nothing,
        measure_nothing,
        evaluate_features,
        no_panels,
        seeds=(0,),
        needs=(PRETRAINING.pretrained, PRETRAINING.fully_connected),
        tolerances=tolerances(PRETRAINING),
    ),
    Experiment(
        "dcgan-yardsticks-mnist",
        CHAPTER,
        "the same layer on features of several untrained discriminators and random maps",
        YARDSTICKS,
        build_nothing,
        measure_nothing,
        yardsticks.evaluate,
        no_panels,
        seeds=(0,),
        needs=(PRETRAINING.pretrained,),
        tolerances=yardsticks.tolerances(YARDSTICKS),
    ),
    study(
        "dcgan-end-to-end-mnist",
        CHAPTER,
        "the discriminator's layers trained from nothing on the labels alone",
        END_TO_END,
        by_share,
        build=build,
        train=train,
        evaluate=evaluate_end_to_end,
    ),
    Experiment(
        "dcgan-mistakes-mnist",
        CHAPTER,
        "which test images are read wrongly: from pixels, from the discriminator's features, and end to end",
        MistakesConfig(MINMAX, EndToEndConfig(MINMAX, shares=(0.01, 0.1))),
        mistakes.build,
        mistakes.train,
        mistakes.evaluate,
        mistakes.panels,
        seeds=(0,),
        needs=("dcgan-mnist", "dcgan-pretraining-mnist"),
        weights_stored=False,
    ),
)
