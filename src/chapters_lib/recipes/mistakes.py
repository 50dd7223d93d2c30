"""Which test images a classifier gets wrong: linear layers on features, and networks trained end to end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.data import Dataset
from chapters_lib.evaluation.linear import linear_layer
from chapters_lib.models.gan import Discriminator
from chapters_lib.recipes import gan, pretraining
from chapters_lib.recipes.gan import GanConfig
from chapters_lib.recipes.pretraining import EndToEndConfig, percent
from chapters_lib.recipes.probing import Features, discriminator_features, labelled, pixels
from chapters_lib.recording import runs
from chapters_lib.recording.experiment import Metrics, Panels, Session
from chapters_lib.recording.study import Case, key, trained
from chapters_lib.training import History

KEPT = 24  # mistakes kept of each reader: the first in the order of the test set


@dataclass(frozen=True)
class MistakesConfig:
    """Of which probes mistakes are kept: on pixels and on a recorded discriminator, the first draw of the labels."""

    convolutional_gan: GanConfig
    dataset: str = "mnist"
    pretrained: str = "dcgan-mnist"
    probes: str = "dcgan-pretraining-mnist"  # whose weight decays are taken
    shares: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


def discriminator(config: MistakesConfig) -> Discriminator:
    """Return the recorded discriminator whose features are read."""
    return pretraining.recorded(config.pretrained, config.convolutional_gan)


def readers(config: MistakesConfig) -> dict[str, Features]:
    """Return the features that are read, by their name in the metrics."""
    return {"pixels": pixels, "dcgan": discriminator_features(discriminator(config))}


def build(config: MistakesConfig) -> nn.ModuleDict:
    """Make an untrained linear layer for each kind of features and share of the labels."""
    inside = gan.build(config.convolutional_gan).discriminator.head.in_features
    sizes = {"pixels": 28 * 28, "dcgan": inside}
    return nn.ModuleDict(
        {
            key(f"{name}_{percent(share)}"): nn.Linear(size, 10)
            for name, size in sizes.items()
            for share in config.shares
        }
    )


@torch.no_grad()
def train(config: MistakesConfig, layers: nn.ModuleDict, session: Session) -> History:
    """Train each layer on the first draw of its share, with the recorded weight decay."""
    begun, images = time.perf_counter(), data.load(config.dataset, "train")
    recorded = runs.load(config.probes)
    for name, features in readers(config).items():
        whole = features(images.images)
        for share in config.shares:
            index = labelled(images.labels, share, 0)
            drawn = whole if share == 1 else whole[index]
            decay = recorded[f"{name}_{percent(share)}_decay"]
            with torch.enable_grad():
                found, _ = linear_layer(drawn, images.labels[index], decays=(decay,))
            state = {"weight": found.weight, "bias": found.bias}
            layers[key(f"{name}_{percent(share)}")].load_state_dict(state)
    return History([{"epoch": 1, "seconds": time.perf_counter() - begun}])


@torch.no_grad()
def guesses(config: MistakesConfig, layers: nn.ModuleDict) -> dict[str, Tensor]:
    """Return the class that each layer gives each test image."""
    found = {}
    for name, features in readers(config).items():
        seen = features(data.load(config.dataset, "test").images)
        for share in config.shares:
            each = f"{name}_{percent(share)}"
            found[each] = layers[key(each)](seen).argmax(1)
    return found


def evaluate(config: MistakesConfig, layers: nn.ModuleDict) -> Metrics:
    """Return how many test images each layer gets wrong; keys are ``NAME_PERCENT_wrong``."""
    labels = data.load(config.dataset, "test").labels
    found = guesses(config, layers)
    return {f"{name}_wrong": float((said != labels).sum()) for name, said in found.items()}


def panels(config: MistakesConfig, layers: nn.ModuleDict) -> Panels:
    """Keep each layer's first mistakes; see `kept`."""
    return kept(guesses(config, layers), data.load(config.dataset, "test"))


def end_to_end_panels(cases: Sequence[Case[EndToEndConfig]], models: nn.ModuleDict) -> Panels:
    """Keep the first mistakes of each network that was trained end to end; see `kept`."""
    test = data.load(cases[0].config.dataset, "test")
    found = {
        f"end_to_end_{percent(config.shares[0])}": pretraining.guesses(model, test.images)
        for _, config, model in trained(cases, models)
    }
    return kept(found, test)


def kept(found: Mapping[str, Tensor], test: Dataset) -> Panels:
    """Return the first mistakes of each reader, and their images.

    Parameters
    ----------
    found
        by a reader's name, the classes that it gives the test images, shape (N,).

    Returns
    -------
    arrays
        ``NAME_at``, where the images of its mistakes are among ``images``, and ``NAME_said``, the
        classes it gave them; ``images`` uint8 (n, H, W), their ``labels``, and where in the test
        set they are, ``index``.
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
