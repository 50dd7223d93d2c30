"""The conditional VAE beside the vanilla one, and the control whose decoder alone is given the class."""

from __future__ import annotations

from dataclasses import replace

from chapters_lib.experiments.vae import VANILLA
from chapters_lib.recipes import class_codes
from chapters_lib.recipes.class_codes import ClassCodesConfig
from chapters_lib.recipes.vae import experiment
from chapters_lib.recording.experiment import FIVE_SEEDS, measurement

CONDITIONAL = replace(VANILLA, conditional=True)

EXPERIMENTS = (
    experiment(
        "cvae-fashion-mnist",
        "c-vae",
        "the same 784-400-20, encoder and decoder given the class",
        CONDITIONAL,
        seeds=FIVE_SEEDS,
    ),
    experiment(
        "cvae-decoder-only-fashion-mnist",
        "c-vae",
        "control: the decoder alone given the class",
        replace(CONDITIONAL, encoder_sees_class=False),
        seeds=FIVE_SEEDS,
    ),
    measurement(
        "cvae-class-codes-fashion-mnist",
        "c-vae",
        "codes decoded as their own class and as another, beside draws from the prior",
        ClassCodesConfig(),
        class_codes.evaluate,
        class_codes.panels,
        needs=("judge-fashion-mnist", *class_codes.ENCODERS.values()),
    ),
)
