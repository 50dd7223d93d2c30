"""The experiments of the page GAN: the fully connected pair, with both generator losses, and a collapse."""

from __future__ import annotations

from dataclasses import replace

from chapters_lib.recipes.gan import GanConfig, digits_drawn, experiment

FC = GanConfig(
    "mnist",
    epochs=100,
    learning_rate=1e-3,
    discriminator_rate=1e-3,
    decay=True,
    shown_epochs=(0, 1, 2, 5, 10, 20, 50, 100),
)

COLLAPSE = replace(
    FC,
    learning_rate=2e-3,
    discriminator_rate=2e-5,
    decay=False,
    epochs=10,
    followed_every=1,
    shown_epochs=(0, 1, 2, 5, 10),
)

EXPERIMENTS = (
    experiment("gan-fc-mnist", "gan", "fully connected, Algorithm 1 with k = 1 (min-max loss)", FC),
    experiment(
        "gan-fc-mnist-nonsaturating",
        "gan",
        "the same with the non-saturating generator loss",
        replace(FC, saturating=False),
        seeds=(0,),
    ),
    experiment(
        "gan-fc-mnist-collapse",
        "gan",
        "collapse on purpose: a fast generator before a slow discriminator",
        COLLAPSE,
        seeds=(0,),
        panels=digits_drawn,
        weights_stored=False,
    ),
)
