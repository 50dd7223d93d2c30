"""The experiments of the page VAE: the autoencoder's network, the KL weight's study, the search, and first steps."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from torch import nn

from chapters_lib.experiments import autoencoder
from chapters_lib.recipes import moved_codes, tuning, vae, vae_ladder
from chapters_lib.recipes.autoencoder import AutoencoderConfig
from chapters_lib.recipes.moved_codes import MovedCodesConfig
from chapters_lib.recipes.tuning import RECORD, TRIALS, TuningConfig
from chapters_lib.recipes.vae import VaeConfig, experiment
from chapters_lib.recipes.vae_ladder import LadderConfig
from chapters_lib.recording.experiment import (
    FIVE_SEEDS,
    Experiment,
    build_nothing,
    measurement,
    no_panels,
)
from chapters_lib.recording.study import study

WEIGHTS = (0.0, 0.1, 0.5, 1.0, 2.0, 4.0)  # of the KL term, in the study on MNIST
REPEATED = (0.5, 1.0, 2.0)  # the winner and its neighbours: five seeds


def two_units(base: AutoencoderConfig) -> VaeConfig:
    """Return the VAE made from an autoencoder: the same layers, with a Gaussian q(z|x) in place of the code."""
    return VaeConfig(
        base.dataset,
        hidden=base.hidden,
        latent=base.code,
        activation=base.activation,
        input_dropout=base.dropout,
        frequency=base.frequency,
        gaussian=True,
        epochs=20,
        batch_size=base.batch_size,
        learning_rate=base.learning_rate,
        schedule="one-cycle",
        precision=base.precision,
    )


def moved(
    name: str, summary: str, config: MovedCodesConfig
) -> Experiment[MovedCodesConfig, nn.Module]:
    """Make an experiment of draws moved to a VAE's own codes; nothing is trained."""
    return measurement(
        name,
        "vae",
        summary,
        config,
        moved_codes.evaluate,
        needs=(f"judge-{config.dataset}", config.run or f"vae-2d-{config.dataset}"),
        tolerances=moved_codes.TOLERANCES,
    )


def weight_name(beta: float) -> str:
    """Return the name of a run of the study: ``vae-fc-mnist`` for weight 1, else with the weight behind it."""
    return "vae-fc-mnist" if beta == 1 else f"vae-fc-mnist-weight-{beta:g}"


FC = VaeConfig(
    "mnist",
    hidden=(200,),
    latent=32,
    activation="Tanh",
    dropout=0.05,
    epochs=150,
    batch_size=100,
    schedule="cosine",
    precision="bfloat16",
)

TEMPLATE = VaeConfig(
    "fashion-mnist", validation=0.2, precision="bfloat16", iwae_samples=1000, probed=True
)  # what the sheet fixes: 784-400-20, ReLU, Adam at 1e-3, batches of 128

VANILLA = replace(TEMPLATE, epochs=40)  # and what the search chose

LADDER = LadderConfig(
    "mnist",
    tuple(
        replace(FC, images=images, hidden=(hidden,), latent=latent, epochs=epochs, beta=0.0, dropout=0.0, judged=False)
        for images, hidden, latent, epochs in (
            (100, 20, 4, 10_000),
            (100, 100, 16, 10_000),
            (1000, 100, 16, 1000),
            (10_000, 200, 32, 100),
            (0, 200, 32, 30),
        )
    ),
)  # fmt: skip


def search(trials: int = TRIALS, storage: str | None = None) -> Experiment[TuningConfig, nn.Module]:
    """Make the study an experiment: of so many trials, at a storage of its own or the default one."""
    return Experiment(
        RECORD,
        "vae",
        "search for epochs, schedule and KL warm-up of vae-fashion-mnist",
        TuningConfig("fashion-mnist", TEMPLATE, trials),
        build_nothing,
        partial(tuning.train, storage=storage),
        partial(tuning.evaluate, storage=storage),
        no_panels,
        seeds=(0,),
        weights_stored=False,
    )


EXPERIMENTS = (
    *(
        experiment(
            f"vae-2d-{base.dataset}",
            "vae",
            f"VAE made from the autoencoder of two code units on {base.dataset}",
            two_units(base),
            seeds=FIVE_SEEDS,
        )
        for base in (autoencoder.FASHION, autoencoder.MNIST)
    ),
    *(
        moved(
            f"vae-2d-moved-{name}",
            f"draws moved to the codes of the VAE of two code units on {name}",
            MovedCodesConfig(name),
        )
        for name in ("fashion-mnist", "mnist")
    ),
    study(
        "vae-fc-mnist-ladder",
        "vae",
        "from a hundred images up, without the KL term",
        LADDER,
        vae_ladder.rungs,
        build=vae.build,
        train=vae_ladder.train_rung,
        evaluate=vae_ladder.evaluate_ladder,
        panels=vae_ladder.ladder_panels,
    ),
    *(
        experiment(
            weight_name(beta),
            "vae",
            f"784-200-32 on MNIST, KL weight {beta:g}",
            replace(FC, beta=beta, iwae_samples=1000 if beta == 1 else 0),
            seeds=FIVE_SEEDS if beta in REPEATED else (0,),
        )
        for beta in WEIGHTS
    ),
    *(
        moved(
            f"vae-fc-moved-mnist-weight-{beta:g}",
            f"draws moved to the codes of 784-200-32 on MNIST, KL weight {beta:g}",
            MovedCodesConfig("mnist", weight_name(beta), correlated=True),
        )
        for beta in (0.0, 1.0)
    ),
    experiment(
        "vae-fc-mnist-no-dropout",
        "vae",
        "784-200-32 on MNIST, KL weight 1, no dropout",
        replace(FC, dropout=0.0, iwae_samples=1000),
        seeds=(0,),
        weights_stored=False,
    ),
    experiment(
        "vae-fc-mnist-dropout-0.1",
        "vae",
        "784-200-32 on MNIST, KL weight 1, twice the dropout",
        replace(FC, dropout=0.1, iwae_samples=1000),
        weights_stored=False,
    ),
    experiment(
        "vae-fashion-mnist",
        "vae",
        "784-400-20 on Fashion-MNIST, tuned",
        VANILLA,
        seeds=FIVE_SEEDS,
    ),
    experiment(
        "vae-fashion-mnist-320-epochs",
        "vae",
        "vae-fashion-mnist beyond the longest training that was searched",
        replace(VANILLA, epochs=320, iwae_samples=0, probed=False, judged=False),
        seeds=(0,),
        weights_stored=False,
    ),
    search(),
)
