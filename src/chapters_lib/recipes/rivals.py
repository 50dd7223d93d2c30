"""Shifted copy or another garment: each measure against the rival of its own choice, trained or untrained layers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.data import to_float
from chapters_lib.evaluation import pairs
from chapters_lib.evaluation.intervals import paired
from chapters_lib.evaluation.judge import features_and_probabilities
from chapters_lib.models.vae_gan import VAEGAN
from chapters_lib.recipes import vae_gan
from chapters_lib.recipes.vae_gan import VaeGanConfig
from chapters_lib.recording.experiment import Metrics
from chapters_lib.recording.judging import load_judge

Seeing = Callable[[Tensor], Tensor]  # uint8 images to vectors; likeness is their squared distance
LAYERS = {"full": "vaegan-disl-fashion-mnist", "conv": "vaegan-conv-fashion-mnist"}


@dataclass(frozen=True)
class RivalsConfig:
    """How many images are looked at, and by how many untrained discriminators."""

    dataset: str = "fashion-mnist"
    images: int = 1000  # the first of the test split; rivals are chosen among them
    untrained: int = 5  # discriminators with their first weights, of seeds 0, 1, …


def layer_of(config: VaeGanConfig, model: VAEGAN) -> Seeing:
    """Return the discriminator's layer that the likeness is measured in, as a function of images."""

    @torch.no_grad()
    def seen(images: Tensor) -> Tensor:
        layer = config.layer or 0
        parts = [
            model.discriminator.layer_and_features(to_float(x), layer)[0] for x in images.split(500)
        ]
        return torch.cat(parts)

    return seen


def measures(config: RivalsConfig) -> dict[str, list[Seeing]]:
    """Return the measures by name: pixels, both trained layers, as many untrained ones of each kind, the judge."""
    judge = load_judge(config.dataset)
    found: dict[str, list[Seeing]] = {"pixel": [lambda images: to_float(images).flatten(1)]}
    for name, run in LAYERS.items():
        its, trained = vae_gan.recorded(run)
        fresh = []
        with torch.random.fork_rng(devices=[]):
            for seed in range(config.untrained):
                torch.manual_seed(seed)
                fresh.append(vae_gan.build(its).eval())
        found[name] = [layer_of(its, trained)]
        found[f"{name}_untrained"] = [layer_of(its, model) for model in fresh]
    return found | {"judge": [lambda images: features_and_probabilities(judge, images)[0]]}


def shifts_first(config: RivalsConfig) -> dict[str, dict[str, Tensor]]:
    """Return by measure, and by who chose the rival, which images' shifted copies are nearer, float64 (draws, N).

    ``own``: the nearest image of another class by the measure itself; ``pixel``: the nearest in
    pixels, whatever the measure.
    """
    test = data.load(config.dataset, "test")
    images, labels = test.images[: config.images], test.labels[: config.images]
    shifted = pairs.shifted(images)
    pixel_rival = pairs.nearest_of_another_class(images, labels)
    found: dict[str, dict[str, Tensor]] = {}
    for name, draws in measures(config).items():
        own, pixel = [], []
        for see in draws:
            seen, moved, rival = see(images), see(shifted), see(pixel_rival)
            own.append(pairs.before_own_rival(seen, moved, labels))
            to_moved, to_rival = ((seen - x).square().sum(1) for x in (moved, rival))
            pixel.append(to_moved < to_rival)
        found[name] = {"own": torch.stack(own).double(), "pixel": torch.stack(pixel).double()}
    return found


def evaluate(config: RivalsConfig, _: nn.Module) -> Metrics:
    """Measure how often the shifted copy is nearer than the rival, by each measure.

    ``MEASURE_own_rival`` and ``MEASURE_pixel_rival`` are shares, with standard errors over the
    images; untrained layers' are means over the draws of their weights, with ``…_over_draws_sem``.
    ``…_less_pixel`` is the share less that of the pixels, each with its own rival, over the same
    images; ``…_less_untrained`` a trained layer's less that of its untrained kind.
    """
    found = shifts_first(config)
    metrics: Metrics = {}
    for name, by in found.items():
        for chosen, nearer in by.items():
            key, of_image = f"{name}_{chosen}_rival", nearer.mean(0)
            metrics[key] = float(of_image.mean())
            metrics[f"{key}_sem"] = float(of_image.std()) / math.sqrt(len(of_image))
            if len(nearer) > 1:
                spread = nearer.mean(1).std() / math.sqrt(len(nearer))
                metrics[f"{key}_over_draws_sem"] = float(spread)
    for name in found:
        for other in ("pixel", f"{name}_untrained"):
            if other != name and other in found:
                less = paired(found[name]["own"].mean(0), found[other]["own"].mean(0))
                key = f"{name}_less_{'pixel' if other == 'pixel' else 'untrained'}"
                metrics |= {key: less.difference, f"{key}_sem": less.sem}
    return metrics
