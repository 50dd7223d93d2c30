"""The numbers of a VAE under a normal or a learned prior, and what follows from them: model, data, what is observed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from chapters_lib import data
from chapters_lib.data import Dataset, stratified_split, to_float
from chapters_lib.models.discretised import convolutional
from chapters_lib.models.layers import mlp, residual_mlp
from chapters_lib.models.realnvp import RealNVP
from chapters_lib.models.vae import VAE, BernoulliDecoder, GaussianEncoder, StandardNormal
from chapters_lib.reproducibility import generator

BINARISATION_SEED = 20  # of the one draw of the held-out and of the test images
SHOWN = 16  # images on the time line, always from the same noise
SIDE = 28


@dataclass(frozen=True)
class PriorConfig:
    """The numbers of a variational autoencoder for data that its likelihood is one of."""

    dataset: str
    hidden: tuple[int, ...] = (500, 500)  # of the fully connected pair, with layer normalisation
    residual: bool = False  # whether its layers between two hidden ones add to what they are given
    width: int = 0  # above 0: a convolutional pair for colour, discretised logistic pixels
    latent: int = 40
    couplings: int = 0  # of the prior's flow; 0 for N(0, I)
    flow_hidden: tuple[int, ...] = (128, 128)  # of each coupling's network
    path_gradient: bool = False  # of the encoder through the code alone, as `path_elbo` has it
    warm_up: int = 0  # epochs over which the weight of the KL term rises from 0
    epochs: int = 60
    batch_size: int = 128
    learning_rate: float = 1e-3  # at its peak; it falls to 0 along a cosine
    clip: float = 100.0  # largest norm of the gradient
    precision: str = "bfloat16"  # of the matrix products while training
    validation: float = 1 / 12  # share of the train split held out of training
    nll_samples: int = 5000  # K of test_nll
    nll_images: int = 0  # the first so many of the test split; 0 for all
    shown_epochs: tuple[int, ...] = ()  # after which the time line keeps samples; 0 is before any
    followed_every: int = 10  # epochs between two distances of 10,000 samples to training images
    start: str = ""  # a run whose first encoder and decoder are taken, and left as they are
    judged: bool = True  # whether samples are judged: the data set needs a recorded judge


class Followed(VAE):
    """A VAE, with samples of fixed noise kept while it is trained: ``timeline``, uint8 (times, 16, C, H, W)."""

    timeline: Tensor

    def __init__(self, vae: VAE, times: int, image_shape: tuple[int, int, int]):
        super().__init__(vae.encoder, vae.decoder, vae.prior)
        kept = torch.zeros(times, SHOWN, *image_shape, dtype=torch.uint8)
        self.register_buffer("timeline", kept)


def build(config: PriorConfig) -> Followed:
    """Make the untrained model; encoder and decoder are drawn first, so that a flow does not change them."""
    widths = (SIDE**2, *config.hidden)
    prior = StandardNormal(config.latent)
    if config.width:
        vae = convolutional(latent=config.latent, width=config.width, prior=prior)
    else:
        layers = residual_mlp if config.residual else partial(mlp, norm=True)
        encoder = GaussianEncoder(layers([*widths, 2 * config.latent]))
        decoder = BernoulliDecoder(layers([config.latent, *reversed(widths)]))
        vae = VAE(encoder, decoder, prior)
    if config.couplings:
        vae.prior = RealNVP(config.latent, config.couplings, config.flow_hidden)
    shape = (3, 32, 32) if config.width else (1, SIDE, SIDE)
    return Followed(vae, len(config.shown_epochs), shape)


def split(config: PriorConfig) -> tuple[Dataset, Dataset]:
    """Return the images trained on and those held out of the train split; they are disjoint."""
    whole = data.load(config.dataset, "train")
    rest, held = stratified_split(whole.labels, config.validation, seed=0)
    return whole.subset(rest), whole.subset(held)


def binarised(x: Tensor, seed: int | None = None) -> Tensor:
    """Return pixels that are 1 with the probability of their grey value, else 0; same shape.

    Without a seed they come of torch's own generator: anew at every call, as in training.
    """
    return torch.bernoulli(x, generator=None if seed is None else generator(seed))


def observed(config: PriorConfig, dataset: Dataset) -> Tensor:
    """Return images as the likelihood takes them: binarised once, by a fixed seed, or colour on its 256 levels."""
    x = to_float(dataset.images)
    return x if config.width else binarised(x, BINARISATION_SEED)
