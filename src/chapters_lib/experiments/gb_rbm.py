"""The experiments of the page Gaussian-Bernoulli RBM on KMNIST: 16, 64 and 256 hidden units."""

from __future__ import annotations

from chapters_lib.recipes import exact_draws
from chapters_lib.recipes.exact_draws import ExactDrawsConfig
from chapters_lib.recipes.rbm import FULL_EPOCH, RBMConfig, experiment
from chapters_lib.recording.experiment import FIVE_SEEDS, measurement

CHAPTER = "gb-rbm"
UNITS = (16, 64, 256)

EXPERIMENTS = (
    *(
        experiment(
            f"rbm-kmnist-{m}",
            CHAPTER,
            f"Gaussian-Bernoulli RBM with {m} hidden units on KMNIST",
            RBMConfig(m),
            seeds=FIVE_SEEDS,
        )
        for m in UNITS
    ),
    *(
        experiment(
            f"rbm-kmnist-{m}-updates",
            CHAPTER,
            f"the same with {m} units and the updates of 60,000 images",
            RBMConfig(m, updates_per_epoch=FULL_EPOCH),
            seeds=FIVE_SEEDS,
            repeats=f"rbm-kmnist-{m}",
        )
        for m in UNITS
    ),
    experiment(
        "rbm-kmnist-64-global",
        CHAPTER,
        "the same with 64 units, standardised by the train split's statistics",
        RBMConfig(64, global_statistics=True),
        seeds=FIVE_SEEDS,
    ),
    measurement(
        "exact-rbm-kmnist-16",
        CHAPTER,
        "exact draws of the machine with 16 hidden units, judged as its chains are",
        ExactDrawsConfig("rbm-kmnist-16"),
        exact_draws.evaluate,
        needs=("judge-kmnist", "rbm-kmnist-16"),
    ),
)
