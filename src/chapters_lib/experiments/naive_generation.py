"""The experiments of the page Naive generation: the autoencoder with normalised code units."""

from __future__ import annotations

from dataclasses import replace

from chapters_lib.experiments.autoencoder import FASHION, MNIST
from chapters_lib.recipes import autoencoder
from chapters_lib.recipes.normalised_autoencoder import TOLERANCES, evaluate, train

EXPERIMENTS = tuple(
    autoencoder.experiment(
        f"ae-normalized-{config.dataset}",
        "naive-generation",
        f"autoencoder with normalised code units on {config.dataset}",
        replace(config, normalized=True, epochs=25),
        train=train,
        evaluate=evaluate,
        samples={"": autoencoder.draw},
        tolerances=TOLERANCES,
    )
    for config in (FASHION, MNIST)
)
