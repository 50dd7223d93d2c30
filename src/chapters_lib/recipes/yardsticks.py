"""How far a trained discriminator is ahead of others with first weights, and of random maps without convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.evaluation.linear import DECAYS, linear_layer
from chapters_lib.models.gan import Discriminator
from chapters_lib.recipes import pretraining
from chapters_lib.recipes.pretraining import PretrainingConfig
from chapters_lib.recipes.probing import Features, discriminator_features, labelled, pixels
from chapters_lib.recording.experiment import Metrics


@dataclass(frozen=True)
class YardsticksConfig:
    """How many yardsticks of each kind, by seeds 0, 1, …; all read the first draw of the labels."""

    compared: PretrainingConfig
    dataset: str = "mnist"
    share: float = 0.1
    untrained: int = 5
    random_maps: int = 3
    decays: tuple[float, ...] = (*DECAYS, 1e-7, 1e-8)


def random_map(config: PretrainingConfig, seed: int) -> Discriminator:
    """Return one random layer, with batch normalisation and leaky ReLU, of as many features as the discriminator's."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        count = pretraining.build_discriminator(config.convolutional_gan).head.in_features
        layers = [nn.Flatten(), nn.LazyLinear(count, bias=False), nn.BatchNorm1d(count)]
        map_ = Discriminator(nn.Sequential(*layers, nn.LeakyReLU(0.2)), count)
        return pretraining.with_statistics(map_, config)


def readers(config: YardsticksConfig) -> Iterator[tuple[str, Features]]:
    """Yield what the class is read from, by name."""
    compared = config.compared
    trained = pretraining.recorded(compared.pretrained, compared.convolutional_gan)
    yield "dcgan", discriminator_features(trained)
    yield "pixels", pixels
    for seed in range(config.untrained):
        fresh = pretraining.untrained(replace(compared, untrained_seed=seed))
        yield f"untrained_{seed}", discriminator_features(fresh)
    for seed in range(config.random_maps):
        yield f"random_{seed}", discriminator_features(random_map(compared, seed))


def evaluate(config: YardsticksConfig, model: nn.Module) -> Metrics:
    """Read the class from each of `readers`.

    Keys are ``NAME_test_accuracy`` and ``NAME_decay``; ``NAME_alone_beside_OTHER`` is the number of
    test images that NAME reads rightly and OTHER does not, OTHER or NAME being dcgan or pixels.
    """
    training, test = (data.load(config.dataset, split) for split in ("train", "test"))
    part = training.subset(labelled(training.labels, config.share, 0))
    metrics: Metrics = {}
    right: dict[str, Tensor] = {}
    for name, features in readers(config):
        layer, decay = linear_layer(features(part.images), part.labels, decays=config.decays)
        right[name] = layer.logits(features(test.images)).argmax(1) == test.labels
        metrics[f"{name}_test_accuracy"] = float(right[name].double().mean())
        metrics[f"{name}_decay"] = decay
        for other in sorted({"dcgan", "pixels"} & set(right) - {name}):
            for a, b in ((name, other), (other, name)):
                metrics[f"{a}_alone_beside_{b}"] = float((right[a] & ~right[b]).sum())
    return metrics


def tolerances(config: YardsticksConfig) -> dict[str, float]:
    """Allow what `probing.PROBE_TOLERANCES` does, of counts as of shares."""
    named = [f"untrained_{seed}" for seed in range(config.untrained)]
    named += [f"random_{seed}" for seed in range(config.random_maps)]
    pairs = [(name, other) for name in named for other in ("dcgan", "pixels")]
    pairs += [("pixels", "dcgan"), *((b, a) for a, b in pairs), ("dcgan", "pixels")]
    shares = {f"{name}_test_accuracy": 2e-3 for name in ("dcgan", "pixels", *named)}
    return shares | {f"{a}_alone_beside_{b}": 20.0 for a, b in pairs}
