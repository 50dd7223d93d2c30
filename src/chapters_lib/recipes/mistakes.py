"""Which test images a classifier gets wrong: linear layers on features, and networks trained end to end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.data import Dataset
from chapters_lib.evaluation.linear import linear_layer
from chapters_lib.recipes import pretraining
from chapters_lib.recipes.gan import GanConfig
from chapters_lib.recipes.pretraining import EndToEndConfig, by_share, percent
from chapters_lib.recipes.probing import Features, discriminator_features, labelled, pixels
from chapters_lib.recording import runs
from chapters_lib.recording.experiment import Metrics, Panels, Session
from chapters_lib.recording.study import build_cases, train_cases, trained
from chapters_lib.reproducibility import seed_everything
from chapters_lib.training import History

KEPT = 24  # mistakes kept of each reader: the first in the order of the test set


@dataclass(frozen=True)
class MistakesConfig:
    """Of which readers mistakes are kept, always the first draw of the labels.

    `shares`: of the labels, at which one linear layer reads pixels and a recorded discriminator's
    features.
    `end_to_end`: what is trained on the labels alone.
    """

    convolutional_gan: GanConfig
    end_to_end: EndToEndConfig
    dataset: str = "mnist"
    pretrained: str = "dcgan-mnist"
    probes: str = "dcgan-pretraining-mnist"  # whose weight decays are taken
    shares: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1)


class Guesses(nn.Module):
    """The class that each reader gives each test image; of none before they are trained."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Tensor] = {}


def build(config: MistakesConfig) -> Guesses:
    """Make what `train` fills."""
    return Guesses()


def train(config: MistakesConfig, model: Guesses, session: Session) -> History:
    """Train every reader, and let it read the test images."""
    cases = by_share(config.end_to_end)
    seed_everything(session.seed)
    networks = build_cases(cases, pretraining.build)
    history = train_cases(cases, networks.to(session.device), session, pretraining.train)
    images = data.load(config.dataset, "test").images
    for _, case, network in trained(cases, networks):
        model.found[f"end_to_end_{percent(case.shares[0])}"] = pretraining.guesses(network, images)
    discriminator = pretraining.recorded(config.pretrained, config.convolutional_gan)
    model.found |= probed("pixels", pixels, config)
    model.found |= probed("dcgan", discriminator_features(discriminator), config)
    return history


def probed(name: str, features: Features, config: MistakesConfig) -> dict[str, Tensor]:
    """Return what a linear layer makes of the test images, trained on each share with the recorded weight decay."""
    training, recorded = data.load(config.dataset, "train"), runs.load(config.probes)
    seen, found = features(data.load(config.dataset, "test").images), {}
    for share in config.shares:
        part = training.subset(labelled(training.labels, share, 0))
        each = f"{name}_{percent(share)}"
        decays = (recorded[f"{each}_decay"],)
        layer, _ = linear_layer(features(part.images), part.labels, decays=decays)
        found[each] = layer.logits(seen).argmax(1)
    return found


def evaluate(config: MistakesConfig, model: Guesses) -> Metrics:
    """Return how many test images each reader gets wrong; keys are ``NAME_PERCENT_wrong``."""
    labels = data.load(config.dataset, "test").labels
    return {f"{name}_wrong": float((said != labels).sum()) for name, said in model.found.items()}


def panels(config: MistakesConfig, model: Guesses) -> Panels:
    """Keep each reader's first mistakes; see `kept`."""
    return kept(model.found, data.load(config.dataset, "test"))


def kept(found: Mapping[str, Tensor], test: Dataset) -> Panels:
    """Return the first mistakes of each reader, and their images.

    `found`: by a reader's name, the classes that it gives the test images, shape (N,).
    Returns arrays: ``NAME_at``, where the images of its mistakes are among ``images``, and
    ``NAME_said``, the classes it gave them; ``images`` uint8 (n, H, W), their ``labels``, and where
    in the test set they are, ``index``.
    """
    wrong = {name: (said != test.labels).nonzero()[:KEPT, 0] for name, said in found.items()}
    index = torch.cat([*wrong.values()]).unique()
    arrays = {
        "index": index,
        "images": test.images[index, 0],
        "labels": test.labels[index].to(torch.uint8),
    }
    for name, places in wrong.items():
        arrays[f"{name}_at"] = torch.searchsorted(index, places)
        arrays[f"{name}_said"] = found[name][places].to(torch.uint8)
    small = {name: a.to(torch.int16) if a.dtype == torch.int64 else a for name, a in arrays.items()}
    return {name: array.numpy() for name, array in small.items()}
