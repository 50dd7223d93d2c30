"""The named experiments of the chapter DCGAN: the convolutional pair with both generator losses."""

from __future__ import annotations

from dataclasses import replace

from chapters_lib.experiments.gan import GanConfig, experiment

MINMAX = GanConfig(
    "mnist",
    convolutional=True,
    width=64,
    dropout=0.2,
    fresh_noise=False,
    epochs=15,
    batch_size=128,
    learning_rate=5e-4,
    discriminator_rate=1e-4,
    decay=True,
    precision="bfloat16",
    shown_epochs=(0, 1, 2, 3, 5, 10, 15),
    followed_every=1,
)

EXPERIMENTS = (
    experiment(
        "dcgan-mnist", "dcgan-pretraining", "convolutional, min-max loss", MINMAX, seeds=(0,)
    ),
    experiment(
        "dcgan-mnist-nonsaturating",
        "dcgan-pretraining",
        "the same with the non-saturating generator loss",
        replace(MINMAX, saturating=False),
        seeds=(0,),
    ),
)
