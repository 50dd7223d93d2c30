"""The experiments of the page Naive generation: the autoencoder with normalised code units, its blur's controls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chapters_lib.experiments.autoencoder import FASHION, MNIST
from chapters_lib.recipes import autoencoder, normalised_autoencoder
from chapters_lib.recipes.autoencoder import AutoencoderConfig
from chapters_lib.recipes.normalised_autoencoder import TOLERANCES, evaluate, train
from chapters_lib.recipes.sharpness import BlurConfig, evaluate_blur, with_sharpness
from chapters_lib.recording.experiment import FIVE_SEEDS, Experiment, measurement, no_panels

CHAPTER = "naive-generation"
EPOCHS = 25  # of B
DATA = (FASHION, MNIST)


def _normalised(
    name: str, summary: str, config: AutoencoderConfig, **parts: Any
) -> Experiment[Any, Any]:
    return autoencoder.experiment(
        name,
        CHAPTER,
        summary,
        replace(config, normalized=True, epochs=EPOCHS),
        train=train,
        samples={"": autoencoder.draw},
        tolerances=TOLERANCES,
        **({"evaluate": evaluate} | parts),
    )


def _controls(config: AutoencoderConfig) -> tuple[Experiment[Any, Any], ...]:
    """Return the controls of B's blur: A for as many epochs, and both with batches sixteen times as large."""
    large, short = 16 * config.batch_size, replace(config, epochs=EPOCHS)
    kept = {"panels": no_panels, "weights_stored": False}
    plain = {"evaluate": with_sharpness(autoencoder.evaluate), **kept}
    measured = {"evaluate": with_sharpness(normalised_autoencoder.evaluate), **kept}
    return (
        autoencoder.experiment(
            f"ae-{config.dataset}-{EPOCHS}-epochs",
            CHAPTER,
            f"control: A for as many epochs as B, on {config.dataset}",
            short,
            seeds=(0, 1, 2) if config is FASHION else (0,),
            **plain,
        ),
        autoencoder.experiment(
            f"ae-{config.dataset}-{EPOCHS}-epochs-batch-{large}",
            CHAPTER,
            f"control: the same in batches of {large}",
            replace(short, batch_size=large),
            **plain,
        ),
        _normalised(
            f"ae-normalized-{config.dataset}-batch-{large}",
            f"control: B in batches of {large}, whose moments jitter a quarter as much",
            replace(config, batch_size=large),
            seeds=(0, 1) if config is FASHION else (0, 1, 2),
            **measured,
        ),
        _normalised(
            f"ae-normalized-{config.dataset}-again",
            "control: B as it is recorded, three trainings whose sharpness is measured",
            config,
            **measured,
        ),
    )


EXPERIMENTS: tuple[Experiment[Any, Any], ...] = (
    *(
        _normalised(
            f"ae-normalized-{config.dataset}",
            f"autoencoder with normalised code units on {config.dataset}",
            config,
            seeds=FIVE_SEEDS,
        )
        for config in DATA
    ),
    *(control for config in DATA for control in _controls(config)),
    *(
        measurement(
            f"naive-blur-{config.dataset}",
            CHAPTER,
            f"how sharp A's and B's images of {config.dataset} are beside real ones",
            BlurConfig(config.dataset),
            evaluate_blur,
            needs=(f"ae-{config.dataset}", f"ae-normalized-{config.dataset}"),
        )
        for config in DATA
    ),
)
