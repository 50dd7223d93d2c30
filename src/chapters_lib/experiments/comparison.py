"""The experiments of the page Comparison: GANs beside the VAEs, three models in colour, what is measured of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import nn

from chapters_lib.experiments import evaluation, realnvp_prior
from chapters_lib.recipes import comparing, gan, likelihood_vae, sent_through, specks
from chapters_lib.recipes.comparing import ComparedModelsConfig
from chapters_lib.recipes.gan import GanConfig
from chapters_lib.recipes.likelihood_vae import PriorConfig
from chapters_lib.recipes.sent_through import RedrawnConfig, SentThroughConfig
from chapters_lib.recipes.specks import SpecksConfig
from chapters_lib.recording.experiment import Experiment, measurement

CHAPTER = "comparison"
COLOUR_SETS = ("house-numbers", "svhn")
SEEDS = {"house-numbers": (0,)}  # one training on the stand-in; three on other sets
JUDGED = {found.dataset for found in evaluation.JUDGES}
COLOUR = PriorConfig(
    "house-numbers",
    width=32,
    latent=64,
    epochs=20,
    nll_samples=500,
    nll_images=1000,
    shown_epochs=(0, 10, 20),
)
MNIST_GAN = GanConfig(
    "mnist",
    noise=realnvp_prior.GAUSSIAN.latent,
    width=448,
    saturating=False,
    epochs=realnvp_prior.EPOCHS,
    batch_size=realnvp_prior.GAUSSIAN.batch_size,
    learning_rate=1e-3,
    discriminator_rate=1e-3,
    decay=True,
    shown_epochs=realnvp_prior.GAUSSIAN.shown_epochs,
    followed_every=10,
    validation=1 / 12,
)
COLOUR_GAN = GanConfig(
    "house-numbers",
    convolutional=True,
    noise=COLOUR.latent,
    width=40,
    dropout=0.2,
    saturating=False,
    fresh_noise=False,
    epochs=COLOUR.epochs,
    batch_size=COLOUR.batch_size,
    learning_rate=4e-4,
    discriminator_rate=2e-4,
    decay=True,
    precision="bfloat16",
    shown_epochs=COLOUR.shown_epochs,
    followed_every=10,
    validation=1 / 12,
)
CONVOLUTIONAL = replace(  # its generator is; within a tenth of the weights of both autoencoders
    MNIST_GAN, generator_width=52, epochs=10, shown_epochs=(), precision="bfloat16"
)
BOTH_CONVOLUTIONAL = replace(  # within a tenth of the weights of both autoencoders, too
    COLOUR_GAN, dataset="mnist", noise=MNIST_GAN.noise, width=44, epochs=10, shown_epochs=()
)


def compared(config: ComparedModelsConfig) -> Experiment[ComparedModelsConfig, nn.Module]:
    """Make the experiment that looks at the three recorded models of a data set side by side."""
    return measurement(
        f"compared-{config.dataset}",
        CHAPTER,
        f"the three models of {config.dataset}: lines between codes, nearest images trained on",
        config,
        comparing.evaluate,
        comparing.panels,
        needs=comparing.needs(config.dataset),
    )


def sent(
    config: SentThroughConfig, images: str, precision: str
) -> tuple[Experiment[Any, nn.Module], ...]:
    """Make the experiments that send images through the autoencoders of a data set.

    `images`: what those of the data set are called; `precision`: of the Inception network.
    """
    name = config.dataset
    needs = comparing.needs(name)
    again = "encoded and decoded again by the flow's model"
    return (
        measurement(
            f"sent-through-{name}",
            CHAPTER,
            f"test {images} sent through both autoencoders, and samples, held against other test {images}",
            config,
            sent_through.evaluate,
            needs=needs,
        ),
        measurement(
            f"redrawn-{name}",
            CHAPTER,
            f"samples of the flow's model and of the GAN, {again}",
            RedrawnConfig(name, precision=precision),
            sent_through.evaluate_redrawn,
            needs=needs,
        ),
        measurement(
            f"redrawn-real-{name}",
            CHAPTER,
            f"training {images}, {again}",
            RedrawnConfig(name, samples_of=("train",), precision=precision),
            sent_through.evaluate_redrawn,
            needs=needs,
        ),
    )


EXPERIMENTS = (
    gan.experiment(
        "gan-mnist", CHAPTER, "GAN with as many weights as vae-gaussian-mnist", MNIST_GAN
    ),
    gan.experiment(
        "gan-convolutional-generator-mnist",
        CHAPTER,
        "control: gan-mnist for ten epochs with a convolutional generator",
        CONVOLUTIONAL,
        seeds=(0,),
        evaluate=specks.evaluate_gan,
        panels=specks.few_samples,
        weights_stored=False,
    ),
    gan.experiment(
        "gan-both-convolutional-mnist",
        CHAPTER,
        "the GAN in colour's networks on MNIST for ten epochs: both convolutional",
        BOTH_CONVOLUTIONAL,
        evaluate=specks.evaluate_gan,
        panels=specks.few_samples,
        weights_stored=False,
    ),
    *(
        likelihood_vae.experiment(
            f"vae-{prior}-{name}",
            CHAPTER,
            f"convolutional VAE in colour on {name}: {prior} prior",
            replace(COLOUR, dataset=name, couplings=couplings, judged=name in JUDGED),
            seeds=SEEDS.get(name, (0, 1, 2)),
        )
        for name in COLOUR_SETS
        for prior, couplings in (("gaussian", 0), ("realnvp", 8))
    ),
    *(
        gan.experiment(
            f"gan-{name}",
            CHAPTER,
            f"convolutional GAN in colour on {name}, as many weights as the VAE beside it",
            replace(COLOUR_GAN, dataset=name, judged=name in JUDGED),
            seeds=SEEDS.get(name, (0, 1, 2)),
        )
        for name in COLOUR_SETS
    ),
    *(compared(ComparedModelsConfig(name)) for name in ("mnist", *COLOUR_SETS)),
    measurement(
        "specks-mnist",
        CHAPTER,
        "what single bright pixels on black do to the distances of the GAN and the flow's model",
        SpecksConfig("mnist"),
        specks.evaluate,
        specks.panels,
        needs=comparing.needs("mnist"),
    ),
    *sent(SentThroughConfig("mnist"), "images", "float32"),
)
