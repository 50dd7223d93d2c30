"""The conditional VAE beside the vanilla one, and the control whose decoder alone is given the class."""

from __future__ import annotations

from dataclasses import replace

from chapters_lib.experiments.vae import VANILLA
from chapters_lib.recipes.vae import experiment

CONDITIONAL = replace(VANILLA, conditional=True)

EXPERIMENTS = (
    experiment(
        "cvae-fashion-mnist",
        "c-vae",
        "the same 784-400-20, encoder and decoder given the class",
        CONDITIONAL,
    ),
    experiment(
        "cvae-decoder-only-fashion-mnist",
        "c-vae",
        "control: the decoder alone given the class",
        replace(CONDITIONAL, encoder_sees_class=False),
    ),
)
