"""Images sent through a variational autoencoder: test images beside draws of its prior, and other models' samples."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.data import Dataset, to_float
from chapters_lib.evaluation.judge import to_bytes
from chapters_lib.evaluation.likelihood import encode
from chapters_lib.evaluation.sharpness import roughness
from chapters_lib.recipes import comparing, likelihood_vae
from chapters_lib.recipes.comparing import ComparedModelsConfig
from chapters_lib.recipes.likelihood_vae import PriorConfig
from chapters_lib.recording import scoreboard
from chapters_lib.recording.experiment import Metrics
from chapters_lib.recording.judging import distance_to, judged_scores, load_judge
from chapters_lib.reproducibility import generator

CHANGES = 5  # times that training images are changed at random


@dataclass(frozen=True)
class SentThroughConfig:
    """How many images are compared: as many of the test set's first half as of its second.

    MNIST's two halves are of different writers, which is part of their distance.
    """

    dataset: str
    images: int = 5_000


@torch.no_grad()
def sent_through(name: str, images: Dataset) -> Tensor:
    """Return images encoded, drawn from their posteriors and decoded to means, uint8 (N, C, H, W)."""
    config, model = likelihood_vae.recorded(name)
    loc, scale = encode(model, likelihood_vae.observed(config, images))
    codes = loc + scale * torch.randn(loc.shape, generator=generator(0))
    return likelihood_vae.decode(model, codes)


def changed(trained: PriorConfig, images: Tensor) -> list[Tensor]:
    """Return images several times as training changes them at random; torch's own generator stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return [to_bytes(likelihood_vae.seen(trained, to_float(images))) for _ in range(CHANGES)]


def evaluate(config: SentThroughConfig, _: nn.Module) -> Metrics:
    """Hold sets of images against the second half of the test set, and training images against all of it.

    ``real_…`` is the first half itself, ``training_…`` as many training images, ``…_through_…`` the first
    half sent through an autoencoder, ``…_drawn_…`` as many samples; ``train_…`` are scores as samples
    have them, of as many training images as there are test images, and ``train_changed_fid_judge`` is the
    distance of these as training changes them, where it does.
    """
    test, training = (data.load(config.dataset, part) for part in ("test", "train"))
    first = test.first(config.images)
    second = test.subset(torch.arange(config.images, 2 * config.images)).images
    sets = {"real": first.images, "training": training.images[: config.images]}
    for name in comparing.MODELS[:2]:
        sets[f"{name}_through"] = sent_through(f"{name}-{config.dataset}", first)
    drawn = ComparedModelsConfig(config.dataset, images=config.images)
    for name, model in comparing.recorded(config.dataset).items():
        sets[f"{name}_drawn"] = comparing.drawn_by(model, drawn).images
    distance = distance_to(load_judge(config.dataset), second)
    metrics: Metrics = {}
    for name, images in sets.items():
        metrics[f"{name}_fid_judge"] = distance(images)
        metrics[f"{name}_roughness"] = float(roughness(images).mean())
        metrics |= scoreboard.judged(config.dataset, second, images, f"{name}_")
    others = training.images[: len(test)]
    scores = judged_scores(config.dataset, others)
    scores |= scoreboard.judged(config.dataset, test.images, others)
    trained, _ = likelihood_vae.recorded(f"{comparing.MODELS[0]}-{config.dataset}")
    if trained.shift or trained.colour:
        distance = distance_to(load_judge(config.dataset), test.images)
        drawn_anew = [distance(of) for of in changed(trained, others)]
        scores["changed_fid_judge"] = sum(drawn_anew) / CHANGES
    return metrics | {f"train_{key}": value for key, value in scores.items()}


@dataclass(frozen=True)
class RedrawnConfig:
    """Whose samples are encoded and decoded again, and by which autoencoder; ``train`` are training images."""

    dataset: str
    samples_of: tuple[str, ...] = ("vae-realnvp", "gan")
    through: str = "vae-realnvp"
    images: int = 1_000  # of each, or as many as there are test images
    precision: str = "float32"  # of the Inception network


def evaluate_redrawn(config: RedrawnConfig, _: nn.Module) -> Metrics:
    """Measure samples, and the same sent through an autoencoder, which gives them the grain of its own images.

    ``MODEL_drawn_…`` and ``MODEL_through_…``, against as many test images.
    """
    net = scoreboard.network(precision=config.precision)
    test = data.load(config.dataset, "test").images[: config.images]
    real, models = scoreboard.features(net, test), comparing.recorded(config.dataset)
    metrics: Metrics = {}
    for name in config.samples_of:
        if name == "train":
            drawn = data.load(config.dataset, "train").first(len(test))
        else:
            count = ComparedModelsConfig(config.dataset, images=len(test))
            drawn = comparing.drawn_by(models[name], count)
        through = sent_through(f"{config.through}-{config.dataset}", drawn)
        for key, images in (("drawn", drawn.images), ("through", through)):
            scores = judged_scores(config.dataset, images)
            features = scoreboard.features(net, images, keep=False)
            scores |= scoreboard.distances(net, real, features)
            scores["relative_roughness"] = float(roughness(images).mean() / roughness(test).mean())
            metrics |= {f"{name}_{key}_{score}": value for score, value in scores.items()}
    return metrics
