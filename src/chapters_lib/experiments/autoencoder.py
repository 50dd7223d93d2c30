"""The experiments of the page Autoencoder: two code units, the candidates, more code units."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from chapters_lib.recipes import autoencoder
from chapters_lib.recipes.autoencoder import AutoencoderConfig, experiment
from chapters_lib.recipes.autoencoder_studies import (
    CandidatesConfig,
    CodeSizeConfig,
    candidates,
    evaluate_candidates,
    evaluate_sizes,
    sizes,
    train_candidate,
)
from chapters_lib.recording.experiment import Experiment
from chapters_lib.recording.study import study

CHAPTER = "autoencoder"
FASHION = AutoencoderConfig("fashion-mnist", dropout=0.1, epochs=50, learning_rate=5e-4, clip=0.05)
MNIST = AutoencoderConfig("mnist", hidden_dropout=0.1, code_noise=0.02)
SIZES = CodeSizeConfig("fashion-mnist", replace(FASHION, judged=False))


def compared_candidates(base: AutoencoderConfig) -> CandidatesConfig:
    """Return short trainings of a configuration and of what differs from it in one choice."""
    short = replace(base, epochs=5, judged=False)
    hidden_dropout, code_noise = (0.0, 0.0) if base.code_noise else (0.1, 0.02)
    return CandidatesConfig(
        base.dataset,
        (
            short,
            replace(short, dropout=0.1 - base.dropout),
            replace(short, hidden_dropout=hidden_dropout, code_noise=code_noise),
            replace(short, frequency=0.0),
            replace(short, hidden=(512, 256, 128)),
            replace(short, batch_size=128, epochs=2 * short.epochs),  # as many updates
        ),
    )


def _study(config: CandidatesConfig) -> Experiment[Any, Any]:
    return study(
        f"ae-study-{config.dataset}",
        CHAPTER,
        f"candidates for the autoencoder on {config.dataset}",
        config,
        candidates,
        build=autoencoder.build,
        train=partial(train_candidate, config.validation),
        evaluate=partial(evaluate_candidates, config.validation),
        seeds=(0, 1, 2),
    )


EXPERIMENTS = (
    experiment(
        "ae-fashion-mnist", CHAPTER, "autoencoder with two code units on Fashion-MNIST", FASHION
    ),
    experiment("ae-mnist", CHAPTER, "autoencoder with two code units on MNIST", MNIST),
    experiment(
        "ae-digits",
        CHAPTER,
        "the same on scikit-learn's digits: seconds, no download",
        replace(FASHION, dataset="digits", epochs=30, judged=False, precision="float32"),
        seeds=(0,),
    ),
    *(_study(compared_candidates(base)) for base in (FASHION, MNIST)),
    study(
        "ae-code-size-fashion-mnist",
        CHAPTER,
        "test error over the code's size on Fashion-MNIST",
        SIZES,
        sizes,
        build=autoencoder.build,
        train=autoencoder.train,
        evaluate=evaluate_sizes,
    ),
)
