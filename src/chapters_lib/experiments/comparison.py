"""The GANs that stand beside the two VAEs: as many weights, the same training and validation images, as many epochs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.data import Dataset, stratified_split, to_float
from chapters_lib.experiments import gan, realnvp_prior
from chapters_lib.experiments.base import Metrics, Session
from chapters_lib.experiments.gan import Followed, GanConfig
from chapters_lib.experiments.judge import SAMPLES
from chapters_lib.experiments.learned_prior import FOLLOWED, first
from chapters_lib.models.gan import GAN
from chapters_lib.models.layers import count_parameters
from chapters_lib.objectives.adversarial import discriminator_loss
from chapters_lib.training import History

CHAPTER = "comparison"


@dataclass(frozen=True)
class ComparedConfig(GanConfig):
    """A GAN's numbers, and the share of the train split that is held out of training."""

    validation: float = 1 / 12


MNIST = ComparedConfig(
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
)
COLOUR = ComparedConfig(
    "house-numbers",
    convolutional=True,
    noise=realnvp_prior.COLOUR.latent,
    width=40,
    dropout=0.2,
    saturating=False,
    fresh_noise=False,
    epochs=realnvp_prior.COLOUR.epochs,
    batch_size=realnvp_prior.COLOUR.batch_size,
    learning_rate=4e-4,
    discriminator_rate=2e-4,
    decay=True,
    precision="bfloat16",
    shown_epochs=realnvp_prior.COLOUR.shown_epochs,
    followed_every=10,
)


def split(config: ComparedConfig) -> tuple[Dataset, Dataset]:
    """Return the images trained on and those held out of the train split: the same as of the VAEs."""
    whole = data.load(config.dataset, "train")
    rest, held = stratified_split(whole.labels, config.validation, seed=0)
    return whole.subset(rest), whole.subset(held)


@torch.no_grad()
def value(model: GAN, real: Tensor, drawn: Tensor) -> dict[str, float]:
    """Return the discriminator's loss −V, in nats, and the mean of D(x) on real images.

    Both sets are uint8, shape (N, C, H, W), on the model's device; the model is left in
    evaluation mode.
    """
    model.eval()
    on_real, on_drawn = (
        torch.cat([model.discriminator(to_float(part)) for part in images.split(1000)])
        for images in (real, drawn)
    )
    return {
        "discriminator_loss": float(discriminator_loss(on_real, on_drawn)),
        "real_probability": float(on_real.sigmoid().mean()),
    }


def train(config: ComparedConfig, model: nn.Module, session: Session) -> History:
    """Play the game on the training part, and look after each epoch at what D makes of images it was not shown.

    ``train_eval_…`` are of 2,000 training images, ``val_…`` of the held-out ones, both beside
    2,000 samples and in evaluation mode.
    """
    assert isinstance(model, Followed)
    training, held = split(config)
    parts = {
        "train_eval": first(training).images.to(session.device),
        "val": held.images.to(session.device),
    }

    def follow() -> dict[str, float]:
        drawn = gan.samples(config, model, FOLLOWED, device=session.device).to(session.device)
        return {
            f"{name}_{key}": number
            for name, images in parts.items()
            for key, number in value(model, images, drawn).items()
        }

    return gan.train(config, model, session, training=training, follow=follow)


def evaluate(config: ComparedConfig, model: nn.Module) -> Metrics:
    """Measure what `gan.evaluate` does, and −V on training, held-out and test images.

    ``…_discriminator_loss`` is the mean over real images of each part, plus that over as many
    samples as are judged; ``discriminator_parameters`` is the share of ``parameters`` that draws
    nothing.
    """
    assert isinstance(model, GAN)
    training, held = split(config)
    parts = {
        "train": first(training, SAMPLES),
        "val": held,
        "test": data.load(config.dataset, "test"),
    }
    drawn = gan.samples(config, model, SAMPLES)
    metrics = gan.evaluate(config, model)
    for name, part in parts.items():
        found = value(model, part.images, drawn)
        metrics |= {f"{name}_{key}": number for key, number in found.items()}
    metrics["discriminator_parameters"] = float(count_parameters(model.discriminator))
    return metrics


TOLERANCES = gan.TOLERANCES | {
    f"{part}_discriminator_loss": 2e-3 for part in ("train", "val", "test")
}

experiment = partial(gan.experiment, train=train, evaluate=evaluate, tolerances=TOLERANCES)

EXPERIMENTS = (
    experiment("gan-mnist", CHAPTER, "GAN with as many weights as vae-gaussian-mnist", MNIST),
    *(
        experiment(
            f"gan-{name}",
            CHAPTER,
            f"convolutional GAN in colour on {name}, as many weights as the VAE beside it",
            replace(COLOUR, dataset=name, judged=name in realnvp_prior.JUDGES),
            seeds=realnvp_prior.SEEDS.get(name, (0, 1, 2)),
        )
        for name in realnvp_prior.COLOUR_SETS
    ),
)
