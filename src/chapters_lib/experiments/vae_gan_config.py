"""The numbers of a VAE-GAN, and what follows from them alone: model, data, where a training starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from chapters_lib import data, runs
from chapters_lib.data import Batches, Dataset, stratified_split
from chapters_lib.models import vae_gan as models
from chapters_lib.models.vae import fully_connected
from chapters_lib.models.vae_gan import VAEGAN
from chapters_lib.objectives.vae_gan import RECONSTRUCTION, SAMPLE


@dataclass(frozen=True)
class VaeGanConfig:
    """A VAE-GAN's numbers."""

    dataset: str
    routing: str = "paper"  # Algorithm 1 of the paper; or "joint", the minimisation of the stated L
    layer: int | None = None  # l of L_llike, from 1; 0 for pixels; None for the basic loss
    gamma: float = 1.0  # weight of L_llike for the decoder
    drawn: tuple[str, ...] = (RECONSTRUCTION, SAMPLE)  # against the real images in L_GAN
    saturating: bool = True  # the decoder descends log(1 − D), as L_GAN says; else −log D
    hidden: tuple[int, ...] = (400,)
    latent: int = 20
    activation: str = "ReLU"  # of encoder and decoder
    frequency: float = 0.0  # of the sines that the decoder begins with; 0 for none
    input_dropout: float = 0.0  # of the encoder's input pixels
    discriminator_hidden: tuple[int, ...] = (256, 256, 256)
    convolutional: bool = False
    width: int = 32  # of the convolutional networks
    start: str = ""  # run of a VAE whose encoder and decoder the training starts from
    epochs: int = 20
    portion: float = 1.0  # of a pass over the training images that makes an epoch
    batch_size: int = 128
    learning_rate: float = 5e-4  # of encoder and decoder
    discriminator_rate: float = 5e-4
    beta1: float = 0.5  # of the three Adams
    precision: str = "bfloat16"  # of the matrix products and convolutions while training
    validation: float = 0.0  # share of the train split held out of training
    judged: bool = True  # whether samples are judged: the data set needs a recorded judge
    followed_every: int = 1  # epochs between two looks at samples and reconstructions


def build(config: VaeGanConfig) -> VAEGAN:
    """Make the untrained model."""
    if config.convolutional:
        model = models.convolutional(latent=config.latent, width=config.width)
        for network in (model.encoder, model.decoder, model.discriminator):
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return model
    vae = fully_connected(
        hidden=config.hidden,
        latent=config.latent,
        activation=getattr(nn, config.activation),
        frequency=config.frequency,
        input_dropout=config.input_dropout,
    )
    return VAEGAN(vae, models.fully_connected_discriminator(config.discriminator_hidden))


def start_from(model: VAEGAN, name: str) -> None:
    """Give encoder and decoder the weights of a recorded VAE of the same layers.

    A Gaussian decoder's mean is made as a Bernoulli decoder's; its learned scale is left out.
    """
    weights = {
        key.replace("decoder.net.0.", "decoder.net.", 1): value
        for key, value in runs.load(name).weights("model").items()
        if key != "decoder.log_scale"
    }
    own = {key for key in model.state_dict() if not key.startswith("discriminator.")}
    if own != set(weights):
        raise ValueError(f"{name} has not the layers of this model: {sorted(own ^ set(weights))}")
    model.load_state_dict(weights, strict=False)


def split(config: VaeGanConfig) -> tuple[Dataset, Dataset | None]:
    """Return the images trained on and those held out of the train split, if any; they are disjoint."""
    whole = data.load(config.dataset, "train")
    if not config.validation:
        return whole, None
    rest, held_out = stratified_split(whole.labels, config.validation, seed=0)
    return whole.subset(rest), whole.subset(held_out)


class Portion:
    """The first batches of a pass over the images: an epoch that is less than one."""

    def __init__(self, batches: Batches, share: float):
        self.batches = batches
        self.length = max(1, round(share * len(batches)))

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for number, batch in enumerate(self.batches, 1):
            yield batch
            if number == self.length:
                return
