"""The adversarial networks of the chapters GAN and DCGAN: how a pair is trained, measured and shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from chapters_lib import data
from chapters_lib.data import Batches, Dataset, to_float
from chapters_lib.data.augmentation import augmented
from chapters_lib.evaluation.judge import to_bytes
from chapters_lib.models.dcgan import colour, dcgan
from chapters_lib.models.gan import (
    GAN,
    Generator,
    frozen,
    fully_connected,
    unmoved,
    without_dropout,
)
from chapters_lib.models.layers import count_parameters, device_of
from chapters_lib.objectives.adversarial import (
    discriminator_loss,
    minmax_loss,
    nonsaturating_loss,
)
from chapters_lib.recipes import timeline
from chapters_lib.recipes.timeline import SHOWN, with_timeline
from chapters_lib.recording import runs
from chapters_lib.recording.experiment import Metrics, Panels, Session, no_panels, restored
from chapters_lib.recording.judging import (
    JUDGED,
    SAMPLES,
    class_shares,
    distance_to_training,
    judged,
    judged_scores,
)
from chapters_lib.reproducibility import generator
from chapters_lib.training import AfterEpoch, History, fit

Schedule = torch.optim.lr_scheduler.LRScheduler
FOLLOWED = 2_000  # images on which D is followed after each epoch


@dataclass(frozen=True)
class GanConfig:
    """A GAN's numbers."""

    dataset: str
    convolutional: bool = False
    noise: int = 100
    width: int = 256
    dropout: float = 0.3  # of the discriminator
    dropout_epochs: int = 0  # after which it has none; 0 for never
    discriminator_norm: bool = True  # whether the convolutional discriminator has batch norm
    discriminator_steps: int = 1  # k of Algorithm 1
    saturating: bool = True  # the min-max loss of Algorithm 1; else −log D(G(z))
    smoothing: float = 0.0  # of the labels of real images
    fresh_noise: bool = True  # new codes for the generator's step, as Algorithm 1 says
    epochs: int = 100
    batch_size: int = 100
    learning_rate: float = 2e-4  # of the generator
    discriminator_rate: float = 2e-4
    beta1: float = 0.5  # of both Adams
    decay: bool = False  # whether both rates fall to 0 along a cosine
    precision: str = "float32"  # of the matrix products and convolutions while training
    shown_epochs: tuple[int, ...] = ()  # after which the time line keeps samples; 0 is before any
    judged: bool = True  # whether samples are judged: the data set needs a recorded judge
    followed_every: int = 5  # epochs between two distances of 10,000 samples to training images
    validation: float = 0.0  # share of the train split that is held out of training
    begun: str = ""  # a run whose first weights training begins from
    shift: int = 0  # real images and samples are moved by up to this many pixels before D sees them
    colour: float = 0.0  # how far their contrast and brightness are changed, too
    generator_width: int = 0  # of a convolutional generator before a fully connected discriminator


def build(config: GanConfig) -> GAN:
    """Make the untrained pair, and the time line that it keeps samples on."""
    gan = convolutional_pair(config) if config.convolutional else fully_connected_pair(config)
    if config.generator_width:
        gan.generator = convolutional_generator(config)
    return with_timeline(gan, len(config.shown_epochs), gan.generator.image_shape)


def fully_connected_pair(config: GanConfig) -> GAN:
    """Make the untrained pair of fully connected networks."""
    return fully_connected(noise=config.noise, width=config.width, dropout=config.dropout)


def convolutional_pair(config: GanConfig) -> GAN:
    """Make the untrained pair of convolutional networks, grey or in colour as the data are."""
    make = colour if data.channels(config.dataset) == 3 else dcgan
    gan = make(
        noise=config.noise,
        width=config.width,
        dropout=config.dropout,
        discriminator_norm=config.discriminator_norm,
    )
    for part in (gan.generator, gan.discriminator):
        part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return gan


def convolutional_generator(config: GanConfig) -> Generator:
    """Make the untrained generator of a convolutional pair for grey images."""
    made = dcgan(noise=config.noise, width=config.generator_width).generator
    return made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


recorded = partial(restored, GanConfig, build)  # of a run's name


def train(
    config: GanConfig, model: GAN, session: Session, after_epoch: AfterEpoch | None = None
) -> History:
    """Play Algorithm 1 of Goodfellow et al. 2014 with Adam; an epoch is one pass over the real images.

    The history holds both losses and the mean of D on real images and on samples, while both
    networks learn; `after_epoch` may measure more.
    """
    training, _ = split(config)
    drawn = config.discriminator_steps * config.batch_size
    batches = Batches(training, drawn, device=session.device)
    rates = {"generator": config.learning_rate, "discriminator": config.discriminator_rate}
    optimizers = {
        name: torch.optim.Adam(
            getattr(model, name).parameters(), rate, betas=(config.beta1, 0.999), fused=True
        )
        for name, rate in rates.items()
    }
    steps = config.epochs * len(batches)
    schedules = {name: make_schedule(config, o, steps) for name, o in optimizers.items()}
    model.train()
    return fit(
        game(config, model, optimizers, schedules, config.dropout_epochs * len(batches)),
        batches,
        epochs=config.epochs,
        after_epoch=after_epoch,
        checkpoint=session.checkpoint,
        progress=session.progress,
        state={
            "model": model,
            **optimizers,
            **{f"{name}_schedule": schedule for name, schedule in schedules.items()},
        },
    )


def game(
    config: GanConfig,
    model: GAN,
    optimizers: Mapping[str, torch.optim.Optimizer],
    schedules: Mapping[str, Schedule],
    last_dropped: int,
) -> Callable[[Tensor, Tensor], dict[str, Tensor]]:
    """Return one round of the game: k steps of D, one of G.

    D has no dropout after `last_dropped` rounds, unless that is 0.
    """
    g, d = model.generator, model.discriminator
    generator_loss = minmax_loss if config.saturating else nonsaturating_loss
    device, low = device_of(g), config.precision == "bfloat16"

    def discriminate(x: Tensor) -> Tensor:
        x = augmented(x, config.shift, config.colour)  # differentiable: G learns through it
        with torch.autocast(device.type, torch.bfloat16, enabled=low):
            features = d.features(x)
        return d.head(features.float()).squeeze(1)  # logits and losses in single precision

    def generate() -> Tensor:
        z = model.draw_noise(config.batch_size, device)
        with torch.autocast(device.type, torch.bfloat16, enabled=low):
            return g(z)

    def generate_alone() -> Tensor:
        with torch.no_grad(), unmoved(g):
            return generate()

    def step(x: Tensor, _: Tensor) -> dict[str, Tensor]:
        if last_dropped and schedules["generator"].last_epoch >= last_dropped:  # counts rounds
            without_dropout(d)
        parts = x.split(config.batch_size)
        for k, real in enumerate(parts, 1):
            shared = k == len(parts) and not config.fresh_noise
            fake = generate() if shared else generate_alone()
            real_logits = discriminate(real)
            with unmoved(d):  # its running statistics are those of real images
                fake_logits = discriminate(fake.detach())
            d_loss = discriminator_loss(real_logits, fake_logits, config.smoothing)
            descend(d_loss, optimizers["discriminator"])
        with frozen(d):
            g_loss = generator_loss(discriminate(generate() if config.fresh_noise else fake))
            descend(g_loss, optimizers["generator"])
        for schedule in schedules.values():
            schedule.step()
        return {
            "discriminator_loss": d_loss.detach(),
            "generator_loss": g_loss.detach(),
            "real_probability": real_logits.detach().sigmoid().mean(),
            "fake_probability": fake_logits.detach().sigmoid().mean(),
        }

    return step


def descend(loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
    """Take one step along the gradient of a loss."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def train_watched(
    config: GanConfig,
    model: GAN,
    session: Session,
    distance: Callable[[Tensor], float] | None = None,
) -> History:
    """Train, keep samples on the time line, and follow what a distance and D make of the pair.

    Every few epochs ``train_fid_judge``, the distance of 10,000 samples. Where images are held
    out, after each epoch what D makes in evaluation mode of 2,000 training images
    (``train_eval_…``) and of the held-out ones (``val_…``), both beside 2,000 samples.
    """
    training, held = split(config)
    followed = {"train_eval": training.first(FOLLOWED), "val": held}

    def after_epoch(epoch: int) -> dict[str, float]:
        keep_samples(config, model, epoch)
        found = values(config, model, followed, FOLLOWED) if held else {}
        if distance is not None and epoch % config.followed_every == 0:
            drawn = samples(config, model, SAMPLES)
            found["train_fid_judge"] = distance(drawn)
        model.train()
        return found

    keep_samples(config, model, 0)
    return train(config, model, session, after_epoch)


def train_followed(config: GanConfig, model: GAN, session: Session) -> History:
    """Train as `train_watched` does, with the judge's distance to 10,000 training images.

    Both networks begin with another run's weights where the configuration names one.
    """
    if config.begun:
        for name in ("generator", "discriminator"):
            runs.load(config.begun).restore(model.get_submodule(name), f"model.{name}")
    distance = distance_to_training(config.dataset) if config.judged else None
    return train_watched(config, model, session, distance)


def make_schedule(config: GanConfig, optimizer: torch.optim.Optimizer, steps: int) -> Schedule:
    """Return the course of one network's learning rate over `steps` updates."""
    schedules = torch.optim.lr_scheduler
    if config.decay:
        return schedules.CosineAnnealingLR(optimizer, steps)
    return schedules.LambdaLR(optimizer, lambda _: 1.0)


def noise_codes(config: GanConfig, count: int, seed: int = 0) -> Tensor:
    """Draw codes from N(0, I), shape (count, noise), by a generator of its own."""
    return torch.randn(count, config.noise, generator=generator(seed))


@torch.no_grad()
def decode(model: GAN, codes: Tensor) -> Tensor:
    """Return the images of codes, uint8 (N, C, H, W), of the generator in evaluation mode, which it is left in."""
    model.generator.eval()
    parts = (part.to(device_of(model)) for part in codes.split(1000))
    return torch.cat([to_bytes(model.generator(z)).cpu() for z in parts])


def samples(config: GanConfig, model: GAN, count: int, seed: int = 0) -> Tensor:
    """Return new images, uint8 (count, C, H, W), of the generator in evaluation mode, which it is left in."""
    return decode(model, noise_codes(config, count, seed))


def keep_samples(config: GanConfig, model: GAN, epoch: int) -> None:
    """Put samples of fixed codes on the time line, if `epoch` is one of those shown."""
    if epoch not in config.shown_epochs:
        return
    training = model.generator.training
    timeline.keep(model, config.shown_epochs, epoch, samples(config, model, SHOWN))
    model.generator.train(training)


def split(config: GanConfig) -> tuple[Dataset, Dataset]:
    """Return the images trained on and those held out of the train split, if any; they are disjoint."""
    return data.training_split(config.dataset, config.validation)


@torch.no_grad()
def value(model: GAN, real: Tensor, drawn: Tensor) -> dict[str, float]:
    """Return the discriminator's loss −V, in nats, and mean D(x) on `real`.

    Both sets are uint8, shape (N, C, H, W); the model is left in evaluation
    mode.
    """
    model.eval()
    D, device = model.discriminator, device_of(model)
    on_real, on_drawn = (
        torch.cat([D(to_float(x.to(device))) for x in images.split(1000)])
        for images in (real, drawn)
    )
    return {
        "discriminator_loss": float(discriminator_loss(on_real, on_drawn)),
        "real_probability": float(on_real.sigmoid().mean()),
    }


def values(
    config: GanConfig, model: GAN, parts: Mapping[str, Dataset], count: int
) -> dict[str, float]:
    """Return `value` of each part of the data beside `count` samples, by the part's name."""
    drawn = samples(config, model, count)
    return {
        f"{name}_{key}": number
        for name, part in parts.items()
        for key, number in value(model, part.images, drawn).items()
    }


@torch.no_grad()
def probability_of_real(model: GAN, images: Tensor) -> Tensor:
    """Return D(x) of uint8 images in evaluation mode, float32, shape (N,)."""
    model.discriminator.eval()
    parts = (to_float(x.to(device_of(model))) for x in images.split(1000))
    return torch.cat([model.discriminator.probability(x) for x in parts]).cpu()


def evaluate(config: GanConfig, model: GAN) -> Metrics:
    """Judge 10,000 new images, and say what the final discriminator makes of them and of test images.

    ``real_probability`` and ``fake_probability`` are means of D over the test images and over
    the samples; ``discriminator_accuracy`` is the share it gets right of both, half each.
    ``train_fid_judge`` is the distance to 10,000 training images. Where images were held out,
    also −V on each part of the data beside as many samples as are judged, and
    ``discriminator_parameters``, the share of ``parameters`` that draws nothing.
    """
    test = data.load(config.dataset, "test")
    drawn = samples(config, model, SAMPLES if config.judged else 1000)
    real, fake = probability_of_real(model, test.images), probability_of_real(model, drawn)
    metrics = {
        "real_probability": float(real.mean()),
        "fake_probability": float(fake.mean()),
        "discriminator_accuracy": float(
            ((real > 0.5).double().mean() + (fake <= 0.5).double().mean()) / 2
        ),
    }
    if config.judged:
        metrics |= judged_scores(config.dataset, drawn)
    training, held = split(config)
    if held:
        parts = {"train": training.first(SAMPLES), "val": held, "test": test}
        metrics |= values(config, model, parts, SAMPLES)
        metrics["discriminator_parameters"] = float(count_parameters(model.discriminator))
    return metrics


def digits_drawn(config: GanConfig, model: GAN) -> Panels:
    """Keep the first ten judged samples, uint8 (10, C, H, W), and each class's share of them all, float64."""
    drawn = samples(config, model, SAMPLES)
    return {"samples": drawn[:10].numpy(), "class_shares": class_shares(config.dataset, drawn)}


TOLERANCES = {
    **JUDGED,
    "discriminator_accuracy": 2e-3,
    **{f"{part}_discriminator_loss": 2e-3 for part in ("train", "val", "test")},
}

experiment = judged(
    build, train_followed, evaluate, no_panels, samples={"": samples}, tolerances=TOLERANCES
)
