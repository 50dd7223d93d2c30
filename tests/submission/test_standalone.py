"""The short trainings of the packs take the same steps as the book's."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from chapters_lib import data
from chapters_lib.data import to_float
from chapters_lib.experiments import comparison
from chapters_lib.experiments.comparison import ComparedConfig
from chapters_lib.objectives.adversarial import minmax_loss, nonsaturating_loss
from chapters_lib.objectives.elbo import elbo, negative_elbo
from chapters_lib.objectives.reconstruction import mean_squared_error
from chapters_lib.recipes import autoencoder, gan, vae
from chapters_lib.recipes import likelihood_vae as learned_prior
from chapters_lib.recipes import likelihood_vae as prior_config
from chapters_lib.recipes.autoencoder import AutoencoderConfig
from chapters_lib.recipes.gan import GanConfig
from chapters_lib.recipes.likelihood_vae import PriorConfig
from chapters_lib.recipes.vae import VaeConfig
from chapters_lib.recording.experiment import Session
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


@pytest.mark.parametrize(("decay", "dropout_epochs"), [(False, 0), (True, 0), (True, 1)])
def test_a_gan_ends_with_the_books_weights(decay, dropout_epochs):
    config = GanConfig(
        "digits", noise=8, width=16, epochs=2, batch_size=64, learning_rate=1e-3, discriminator_rate=5e-4,
        decay=decay, dropout_epochs=dropout_epochs, judged=False,
    )  # fmt: skip
    seed_everything(0)
    book = gan.build(config)
    gan.train(config, book, CPU)
    seed_everything(0)
    ours = gan.build(config)
    images, labels, _ = digits()
    losses = standalone.play(
        ours, minmax_loss, images, labels, epochs=2, batch_size=64, rates=(1e-3, 5e-4),
        schedule=standalone.cosine if decay else standalone.constant, dropout_epochs=dropout_epochs,
    )  # fmt: skip
    assert same(ours, book)
    assert len(losses) == 2 and not ours.training
    dropped = {part.p for part in ours.modules() if isinstance(part, nn.Dropout)}
    assert dropped == ({0.0} if dropout_epochs else {config.dropout})


def test_digits_in_colour_are_the_digits_between_two_colours():
    images, labels = standalone.load_colour("digits", "train")
    grey, same_labels = standalone.load("digits", "train")
    assert images.shape == (len(grey), 3, 32, 32) and torch.equal(labels, same_labels)
    levels = images * 255
    assert torch.allclose(levels, levels.round(), atol=1e-4)
    ground = images[:, :, 0, 0]  # the margin is the ground
    assert len(ground.unique(dim=0)) == len(images)
    full = grey[0, 0] == grey[0, 0].max()
    inside = images[0, :, 2:-2, 2:-2]
    ink = inside[:, full].mean(1)
    half = (grey[0, 0] > 0.45) & (grey[0, 0] < 0.55)
    share = grey[0, 0][half]
    expected = ground[0, :, None] + (ink - ground[0])[:, None] * share / grey[0, 0].max()
    assert torch.allclose(inside[:, half], expected, atol=0.01)


@pytest.mark.parametrize("couplings", [0, 2])
def test_a_vae_with_a_learned_prior_ends_with_the_books_weights(couplings):
    config = PriorConfig(
        "digits", hidden=(16,), latent=4, couplings=couplings, flow_hidden=(8,), epochs=2, batch_size=64,
        precision="float32", judged=False,
    )  # fmt: skip
    seed_everything(0)
    book = prior_config.build(config)
    learned_prior.train(config, book, CPU)
    training, held = prior_config.split(config)
    seed_everything(0)
    ours = prior_config.build(config)
    standalone.minimise(
        ours,
        lambda x, _: negative_elbo(elbo(ours, torch.bernoulli(x))),
        to_float(training.images),
        training.labels,
        (to_float(held.images), held.labels),
        epochs=2,
        batch_size=64,
        learning_rate=config.learning_rate,
        schedule=partial(standalone.one_cycle, rising=0.05, momentum=False),
        clip=config.clip,
    )
    assert same(ours, book)


@pytest.mark.parametrize("fresh", [False, True])
def test_a_followed_gan_ends_with_the_books_weights(fresh):
    """Following it on held-out images moves nothing, and D's loss on them is the book's measure."""
    config = ComparedConfig(
        "digits", noise=8, width=16, epochs=4, batch_size=64, learning_rate=1e-3, discriminator_rate=1e-2,
        decay=True, saturating=False, fresh_noise=fresh, judged=False,
    )  # fmt: skip
    seed_everything(0)
    book = gan.build(config)
    comparison.train(config, book, CPU)
    training, held = comparison.split(config)
    seed_everything(0)
    ours = gan.build(config)
    losses = standalone.play(
        ours, nonsaturating_loss, to_float(training.images), training.labels, epochs=4, batch_size=64,
        rates=(1e-3, 1e-2), schedule=standalone.cosine, fresh_noise=fresh, held_out=to_float(held.images),
    )  # fmt: skip
    assert same(ours, book)
    drawn = gan.samples(config, ours, 2000)
    measured = comparison.value(ours, held.images, drawn)["discriminator_loss"]
    assert losses[-1][2] == pytest.approx(measured, rel=0.2)
    assert len(losses[0]) == 3
