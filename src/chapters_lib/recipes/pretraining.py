"""What pre-training buys: the discriminator's features beside other features, and beside training end to end."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.data import Dataset, to_float
from chapters_lib.data.batches import Rounds
from chapters_lib.evaluation.linear import DECAYS, train_linear
from chapters_lib.models.gan import BATCH_NORMS, Discriminator
from chapters_lib.recipes import gan
from chapters_lib.recipes.gan import GanConfig
from chapters_lib.recipes.probing import (
    Features,
    Reading,
    discriminator_features,
    labelled,
    pixels,
    read,
    summary,
)
from chapters_lib.recording import runs
from chapters_lib.recording.experiment import Metrics, Session
from chapters_lib.recording.study import Case, trained
from chapters_lib.training import History, fit


@dataclass(frozen=True)
class PretrainingConfig:
    """Which features are compared, and at which shares of the labels."""

    convolutional_gan: GanConfig
    fully_connected_gan: GanConfig
    dataset: str = "mnist"
    pretrained: str = "dcgan-mnist"  # recorded runs, whose discriminators are read
    fully_connected: str = "gan-fc-mnist"
    shares: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
    draws: tuple[int, ...] = (5, 3, 3, 3, 5, 1, 1)
    searched: float = 0.1  # the largest share at which the weight decay is searched for
    untrained_seed: int = 0
    statistics_images: int = 5_000  # without labels, for the untrained network's running statistics


@dataclass(frozen=True)
class EndToEndConfig:
    """How the discriminator's layers are trained from nothing to tell the classes, at which shares of the labels."""

    convolutional_gan: GanConfig
    dataset: str = "mnist"
    shares: tuple[float, ...] = (0.01, 0.1, 1.0)
    updates: int = 600
    passes: int = 0  # at least so many over the share, where that makes more updates
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    precision: str = "bfloat16"


def percent(share: float) -> str:
    """Return a share as it stands in a metric's name: 0.1 to 100, in percent."""
    return f"{100 * share:g}"


def by_share(config: EndToEndConfig) -> tuple[Case[EndToEndConfig], ...]:
    """Return one case a share of the labels; its rows carry ``share``."""
    return tuple(
        Case(f"share-{percent(share)}", replace(config, shares=(share,)), {"share": share})
        for share in config.shares
    )


def build(config: EndToEndConfig) -> nn.Sequential:
    """Make a classifier: the discriminator's body, and ten linear units for its one."""
    discriminator = build_discriminator(config.convolutional_gan)
    head = nn.Linear(discriminator.head.in_features, 10)
    return nn.Sequential(discriminator.body, head)


def build_discriminator(config: GanConfig) -> Discriminator:
    """Make the discriminator's layers, with batch normalisation whether or not the recorded one has it."""
    return gan.build(replace(config, discriminator_norm=True)).discriminator


def labelled_part(config: EndToEndConfig) -> Dataset:
    """Return the first draw of the share of the training images that a case is trained on."""
    (share,) = config.shares
    training = data.load(config.dataset, "train")
    return training.subset(labelled(training.labels, share, 0))


def train(config: EndToEndConfig, model: nn.Sequential, session: Session) -> History:
    """Train a classifier on its share by AdamW under a one-cycle rate; small shares make equally many updates."""
    epochs, part = 10, labelled_part(config)
    size = min(config.batch_size, len(part))
    updates = max(config.updates, config.passes * math.ceil(len(part) / size))
    batches = Rounds(part, size, updates // epochs, session.device)
    optimizer = torch.optim.AdamW(
        model.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.learning_rate, total_steps=epochs * len(batches) + 1, pct_start=0.2
    )
    low = config.precision == "bfloat16"

    def step(x: Tensor, y: Tensor) -> dict[str, Tensor]:
        with torch.autocast(session.device.type, torch.bfloat16, enabled=low):
            logits = model(x)
        loss = F.cross_entropy(logits.float(), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        return {"train_cross_entropy": loss.detach()}

    model.train()
    return fit(
        step,
        batches,
        epochs=epochs,
        checkpoint=session.checkpoint,
        progress=session.progress,
        state={"model": model, "optimizer": optimizer, "schedule": schedule},
    )


def untrained(config: PretrainingConfig) -> Discriminator:
    """Return a discriminator with its first weights, the same at every call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.untrained_seed)
        return with_statistics(build_discriminator(config.convolutional_gan), config)


@torch.no_grad()
def with_statistics(discriminator: Discriminator, config: PretrainingConfig) -> Discriminator:
    """Set the running statistics of batch normalisation to their means over some training images.

    Without that its small first weights would leave the leaky ReLUs next to nothing to bend, and
    the yardstick would be too short.
    """
    discriminator.eval()
    norms = [m for m in discriminator.modules() if isinstance(m, BATCH_NORMS)]
    for norm in norms:
        norm.momentum = None  # the plain mean over the batches
        norm.train()  # and no dropout, which would widen the spread of what follows it
    images = data.load(config.dataset, "train").images[: config.statistics_images]
    for x in images.split(500):
        discriminator.features(to_float(x))
    return discriminator.eval()


def recorded(name: str, config: GanConfig) -> Discriminator:
    """Return the discriminator of a recorded GAN."""
    return runs.load(name).restore(gan.build(config)).discriminator


def compared(config: PretrainingConfig) -> Iterator[tuple[str, Features]]:
    """Yield the features that are compared, by their name in the metrics."""
    yield "pixels", pixels
    convolutional = recorded(config.pretrained, config.convolutional_gan)
    yield "dcgan", discriminator_features(convolutional)
    yield "untrained", discriminator_features(untrained(config))
    connected = recorded(config.fully_connected, config.fully_connected_gan)
    yield "fc_gan", discriminator_features(connected)


def evaluate_features(config: PretrainingConfig, model: nn.Module) -> Metrics:
    """Read the class from each kind of features at each share of the labels.

    Keys are ``NAME_PERCENT_…`` as `probing.summary` names them, ``dcgan_10_test_accuracy`` say;
    ``NAME_PERCENT_decay`` is the first draw's weight decay, and `solved` names the others.
    """
    training, test = data.load(config.dataset, "train"), data.load(config.dataset, "test")
    metrics: Metrics = {}
    for name, features in compared(config):
        whole, of_test = features(training.images), features(test.images)
        decays: Sequence[float] = DECAYS
        for share, draws in zip(config.shares, config.draws, strict=True):
            found = []
            for seed in range(draws):
                index = labelled(training.labels, share, seed)
                drawn = whole if share == 1 else whole[index]
                labels = training.labels[index]
                found.append(read(drawn, labels, of_test, test.labels, seed=seed, decays=decays))
            prefix = f"{name}_{percent(share)}_"
            metrics |= summary(found, prefix) | {f"{prefix}decay": found[0].decay}
            if share == config.searched:
                decays = (found[0].decay,)
                index = labelled(training.labels, share, 0)
                drawn, labels = whole[index], training.labels[index]
                metrics |= solved(prefix, found[0], drawn, labels, of_test, test.labels)
        del whole, of_test, drawn
    return metrics


LONGER, WEAKER = 1000, 1e-2  # steps of the solver, and a factor of the weight decay


def solved(
    prefix: str, first: Reading, train: Tensor, labels: Tensor, test: Tensor, test_labels: Tensor
) -> Metrics:
    """Return the first draw's test accuracy: ``once_``, after more steps ``longer_``, with less decay ``weaker_``."""
    metrics = {f"{prefix}once_test_accuracy": first.test_accuracy}
    for name, decay in (("longer", first.decay), ("weaker", WEAKER * first.decay)):
        (layer,) = train_linear(train, labels, (decay,), steps=LONGER)
        metrics[f"{prefix}{name}_test_accuracy"] = layer.accuracy(test, test_labels)
    return metrics


def evaluate_end_to_end(cases: Sequence[Case[EndToEndConfig]], models: nn.ModuleDict) -> Metrics:
    """Test the trained networks, one draw of the labels each; keys are ``end_to_end_PERCENT_…``."""
    metrics: Metrics = {}
    for _, config, model in trained(cases, models):
        seen, test = labelled_part(config), data.load(config.dataset, "test")
        reading = Reading(accuracy(model, seen), accuracy(model, test), config.weight_decay)
        metrics |= summary([reading], f"end_to_end_{percent(config.shares[0])}_")
    return metrics


@torch.no_grad()
def guesses(model: nn.Module, images: Tensor) -> Tensor:
    """Return the class of the largest logit for each of uint8 images, in evaluation mode."""
    model.eval()
    return torch.cat([model(to_float(x)).argmax(1) for x in images.split(500)])


def accuracy(model: nn.Module, dataset: Dataset) -> float:
    """Return the share of the images whose largest logit is their class's."""
    return float((guesses(model, dataset.images) == dataset.labels).double().mean())


def tolerances(config: PretrainingConfig) -> dict[str, float]:
    """Allow what `dcgan.PROBE_TOLERANCES` does; more where a few dozen images decide which decay is chosen."""
    named = ("pixels", "dcgan", "untrained", "fc_gan")
    return {
        f"{name}_{percent(share)}_{split}_accuracy{spread}": 2e-3 if share > 0.005 else 1e-2
        for name in named
        for share in config.shares
        for split in ("train", "test")
        for spread in ("", "_sd", "_min", "_max")
    }
