"""The short trainings of the packs take the same steps as the book's."""

from __future__ import annotations

import pytest
import torch

from chapters_lib import data
from chapters_lib.data import to_float
from chapters_lib.experiments import autoencoder, gan, vae
from chapters_lib.experiments.autoencoder import AutoencoderConfig
from chapters_lib.experiments.base import Session
from chapters_lib.experiments.gan import GanConfig
from chapters_lib.experiments.vae_config import VaeConfig
from chapters_lib.objectives.adversarial import minmax_loss
from chapters_lib.objectives.elbo import elbo, negative_elbo
from chapters_lib.objectives.reconstruction import mean_squared_error
from chapters_lib.reproducibility import seed_everything
from chapters_lib.submission import standalone

CPU = Session(torch.device("cpu"))


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    there = other.state_dict()
    return all(
        torch.equal(value, there[key])
        for key, value in one.state_dict().items()
        if key != "timeline"
    )


def digits() -> tuple[torch.Tensor, torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
    return *standalone.load("digits", "train"), standalone.load("digits", "test")


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_digits_are_the_books(split):
    images, labels = standalone.load("digits", split)
    book = data.load("digits", split)
    assert torch.equal(images, to_float(book.images)) and torch.equal(labels, book.labels)


@pytest.mark.parametrize(
    ("named", "schedule"),
    [
        ("constant", standalone.constant),
        ("cosine", standalone.cosine),
        ("one-cycle", standalone.one_cycle),
    ],
)
def test_a_vae_ends_with_the_books_weights(named, schedule):
    config = VaeConfig(
        "digits",
        hidden=(16,),
        latent=3,
        dropout=0.1,
        epochs=2,
        batch_size=64,
        schedule=named,
        judged=False,
    )
    seed_everything(0)
    book = vae.build(config)
    vae.train(config, book, CPU)
    seed_everything(0)
    ours = vae.build(config)
    images, labels, test = digits()
    losses, held_out = standalone.minimise(
        ours, lambda x, _: negative_elbo(elbo(ours, x)), images, labels, test,
        epochs=2, batch_size=64, learning_rate=config.learning_rate, schedule=schedule,
    )  # fmt: skip
    assert same(ours, book)
    assert losses[1] < losses[0] and held_out[1] < held_out[0] and not ours.training


def test_an_autoencoder_ends_with_the_books_weights():
    config = AutoencoderConfig(
        "digits",
        hidden=(16,),
        epochs=2,
        batch_size=64,
        code_noise=0.1,
        precision="float32",
        clip=0.05,
        judged=False,
    )
    seed_everything(0)
    book = autoencoder.build(config)
    autoencoder.train(config, book, CPU)
    seed_everything(0)
    ours = autoencoder.build(config)
    standalone.minimise(
        ours, lambda x, _: mean_squared_error(x, ours(x)), *digits(), epochs=2, batch_size=64,
        learning_rate=config.learning_rate, schedule=standalone.one_cycle, clip=config.clip,
    )  # fmt: skip
    assert same(ours, book)


@pytest.mark.parametrize("decay", [False, True])
def test_a_gan_ends_with_the_books_weights(decay):
    config = GanConfig(
        "digits", noise=8, width=16, epochs=2, batch_size=64, learning_rate=1e-3, discriminator_rate=5e-4,
        decay=decay, judged=False,
    )  # fmt: skip
    seed_everything(0)
    book = gan.build(config)
    gan.train(config, book, CPU)
    seed_everything(0)
    ours = gan.build(config)
    images, labels, _ = digits()
    losses = standalone.play(
        ours, minmax_loss, images, labels, epochs=2, batch_size=64, rates=(1e-3, 5e-4),
        schedule=standalone.cosine if decay else standalone.constant,
    )  # fmt: skip
    assert same(ours, book)
    assert len(losses) == 2 and not ours.training
