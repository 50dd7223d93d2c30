"""The named experiments of the chapter VAE: the autoencoder's network, the KL weight's study, and its first steps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from chapters_lib.data import to_float
from chapters_lib.experiments import autoencoder, vae
from chapters_lib.experiments.base import Experiment, Metrics, Panels, Session
from chapters_lib.experiments.judge import SAMPLES
from chapters_lib.experiments.vae import bound, experiment, reconstruct
from chapters_lib.experiments.vae_config import VaeConfig, build, split
from chapters_lib.models.vae import VAE
from chapters_lib.reproducibility import seed_everything
from chapters_lib.training import History

WEIGHTS = (0.0, 0.1, 0.5, 1.0, 2.0, 4.0)  # of the KL term, in the study on MNIST
REPEATED = (1.0,)  # the winner, which is weight 1: three seeds


def two_units(base: autoencoder.AutoencoderConfig) -> VaeConfig:
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


@dataclass(frozen=True)
class LadderConfig:
    """Trainings of growing data and capacity without the KL term."""

    dataset: str
    rungs: tuple[VaeConfig, ...]


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


def rung_name(config: VaeConfig) -> str:
    """Return ``100-images-20-4``: images, hidden units and latent units of a rung."""
    images = config.images or "all"
    return f"{images}-images-{config.hidden[0]}-{config.latent}"


def build_ladder(config: LadderConfig) -> nn.ModuleDict:
    """Make one untrained VAE a rung."""
    return nn.ModuleDict({rung_name(rung): build(rung) for rung in config.rungs})


def train_ladder(config: LadderConfig, models: nn.Module, session: Session) -> History:
    """Train the rungs one after the other; rows carry the rung's number.

    Of a long training every nth row is kept, which then counts the seconds and the images of the
    n epochs up to the next.
    """
    assert isinstance(models, nn.ModuleDict)
    history = History()
    for number, rung in enumerate(config.rungs):
        seed_everything(0)
        rows = vae.train(rung, models[rung_name(rung)], replace(session, checkpoint=None)).rows
        stride = max(1, len(rows) // 100)
        for at in range(0, len(rows), stride):
            passed = rows[at : at + stride]
            spent = {key: sum(row[key] for row in passed) for key in ("seconds", "images")}
            history.append({"rung": number, **rows[at], **spent})
    return history


def evaluate_ladder(config: LadderConfig, models: nn.Module) -> Metrics:
    """Measure both terms and the error of every rung on its own training images, at most 10,000 of them."""
    assert isinstance(models, nn.ModuleDict)
    metrics: Metrics = {}
    for rung in config.rungs:
        name, model = rung_name(rung), models[rung_name(rung)]
        assert isinstance(model, VAE)
        training = vae.first(split(rung)[0], SAMPLES)
        model.eval()
        for key, value in bound(rung, model, training).items():
            metrics[f"train_{key}_{name}"] = value
        x = to_float(training.images)
        with torch.no_grad():
            metrics[f"train_mse_{name}"] = float((x - model(x)).square().mean())
    return metrics


def ladder_panels(config: LadderConfig, models: nn.Module) -> Panels:
    """Keep eight images of the smallest training set, and every rung's reconstruction of them."""
    assert isinstance(models, nn.ModuleDict)
    shown = vae.first(split(config.rungs[0])[0], 8)
    rows = []
    for rung in config.rungs:
        model = models[rung_name(rung)]
        assert isinstance(model, VAE)
        rows.append(reconstruct(rung, model.eval(), shown.images, shown.labels).numpy())
    return {"images": shown.images.numpy(), "reconstructions": np.stack(rows)}


EXPERIMENTS = (
    *(
        experiment(
            f"vae-2d-{base.dataset}",
            "vae",
            f"VAE made from the autoencoder of two code units on {base.dataset}",
            two_units(base),
        )
        for base in (autoencoder.FASHION, autoencoder.MNIST)
    ),
    Experiment(
        "vae-fc-mnist-ladder",
        "vae",
        "from a hundred images up, without the KL term",
        LADDER,
        build_ladder,
        train_ladder,
        evaluate_ladder,
        ladder_panels,
        seeds=(0,),
        weights_stored=False,
    ),
    *(
        experiment(
            weight_name(beta),
            "vae",
            f"784-200-32 on MNIST, KL weight {beta:g}",
            replace(FC, beta=beta, iwae_samples=1000 if beta == 1 else 0),
            seeds=(0, 1, 2) if beta in REPEATED else (0,),
        )
        for beta in WEIGHTS
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
    experiment("vae-fashion-mnist", "vae", "784-400-20 on Fashion-MNIST, tuned", VANILLA),
)
