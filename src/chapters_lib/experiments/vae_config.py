"""The numbers of a variational autoencoder, and what follows from them alone: model, data, learning rate."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from chapters_lib import data
from chapters_lib.data import Dataset, stratified_split
from chapters_lib.models.vae import VAE, fully_connected
from chapters_lib.models.vae_gan import convolutional_vae

CLASSES = 10


@dataclass(frozen=True)
class VaeConfig:
    """A variational autoencoder's numbers."""

    dataset: str
    hidden: tuple[int, ...] = (400,)
    latent: int = 20
    activation: str = "ReLU"  # the class of torch.nn between two layers
    dropout: float = 0.0  # of the encoder's hidden units
    input_dropout: float = 0.0  # of input pixels
    frequency: float = 0.0  # of the sines that the decoder begins with; 0 for none
    gaussian: bool = False  # a Gaussian decoder with a learned scale, else Bernoulli
    conditional: bool = False  # the class is given to the decoder
    encoder_sees_class: bool = True  # and to the encoder
    beta: float = 1.0  # weight of the KL term
    warm_up: int = 0  # epochs over which that weight rises from 0
    epochs: int = 50
    batch_size: int = 128
    learning_rate: float = 1e-3
    schedule: str = "constant"  # or "cosine", to 0 at the last step, or "one-cycle"
    clip: float = 0.0  # largest norm of the gradient; 0 for no limit
    precision: str = "float32"  # of the matrix products while training
    images: int = 0  # train on that many images only, the classes in proportion; 0 for all
    validation: float = 0.0  # share of the train split held out of training
    iwae_samples: int = 0  # K of test_negative_iwae; 0 leaves it out
    probed: bool = False  # whether codes are probed for the class
    judged: bool = True  # whether samples are judged: the data set needs a recorded judge
    convolutional: bool = False  # encoder and decoder of the convolutional VAE-GAN
    width: int = 32  # of the convolutional networks
    beta1: float = 0.9  # of Adam


def build(config: VaeConfig) -> VAE:
    """Make the untrained model."""
    if config.convolutional:
        return convolutional_vae(latent=config.latent, width=config.width).to(
            memory_format=torch.channels_last
        )
    return fully_connected(
        hidden=config.hidden,
        latent=config.latent,
        activation=getattr(nn, config.activation),
        dropout=config.dropout,
        input_dropout=config.input_dropout,
        frequency=config.frequency,
        gaussian=config.gaussian,
        classes=CLASSES if config.conditional else 0,
        encoder_sees_class=config.encoder_sees_class,
    )


def condition(config: VaeConfig, labels: Tensor) -> tuple[Tensor, ...]:
    """Return what the model is given beside an image: nothing, or its class one-hot, shape (N, 10)."""
    return (F.one_hot(labels, CLASSES).float(),) if config.conditional else ()


def split(config: VaeConfig) -> tuple[Dataset, Dataset | None]:
    """Return the images trained on and those held out of the train split, if any; they are disjoint."""
    whole, held = data.load(config.dataset, "train"), None
    if config.validation:
        rest, held_out = stratified_split(whole.labels, config.validation, seed=0)
        whole, held = whole.subset(rest), whole.subset(held_out)
    if config.images:
        _, few = stratified_split(whole.labels, config.images / len(whole), seed=0)
        whole = whole.subset(few)
    return whole, held


def make_schedule(
    config: VaeConfig, optimizer: torch.optim.Optimizer, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """Return the learning rate's course over `steps` updates."""
    schedules = torch.optim.lr_scheduler
    if config.schedule == "one-cycle":
        return schedules.OneCycleLR(
            optimizer, config.learning_rate, total_steps=steps + 1, pct_start=0.1
        )
    if config.schedule == "cosine":
        return schedules.CosineAnnealingLR(optimizer, steps)
    if config.schedule != "constant":
        raise ValueError(f"no schedule {config.schedule!r}: constant, cosine or one-cycle")
    return schedules.LambdaLR(optimizer, lambda _: 1.0)
