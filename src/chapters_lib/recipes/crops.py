"""Models of a few real crops: their samples held against real ones, as many on both sides, and the floors of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.evaluation.judge import features_and_probabilities
from chapters_lib.recipes import comparing
from chapters_lib.recipes.comparing import ComparedModelsConfig
from chapters_lib.recording import scoreboard
from chapters_lib.recording.experiment import Metrics
from chapters_lib.recording.judging import load_judge

C = TypeVar("C")
M = TypeVar("M", bound=nn.Module)
PARTS = ("val", "test")
PRECISION = "bfloat16"  # of the network
_NAMES = (("fid", "fid768", ""), ("kid", "kid", ""), ("kid", "kid", "_sem"))
TOLERANCES = {  # of a recomputed distance: convolutions of other processors round differently
    f"{part}_{key}": tolerance
    for part in PARTS
    for key, tolerance in (("fid768", 5e-3), ("kid", 2e-5), ("kid_sem", 5e-6))
}


@dataclass(frozen=True)
class FloorsConfig:
    """What is held against real crops that no model drew."""

    dataset: str
    rendered: str = "house-numbers"
    images: int = 500  # on both sides, or as many as the smaller has


def apart(one: Tensor, other: Tensor, prefix: str) -> Metrics:
    """Return both distances of two sets of images, of as many of each as the smaller has.

    In 768 features of the Inception network of 2015, in bfloat16: ``fid768`` is Fréchet's, ``kid``
    the kernel distance, whose expectation does not depend on the number of images.
    """
    count = min(len(one), len(other))
    net = scoreboard.network(precision=PRECISION)
    features = [scoreboard.features(net, images[:count]) for images in (one, other)]
    found = scoreboard.distances(net, features[0], features[1])
    names = {f"{kind}_{net.protocol}{end}": f"{short}{end}" for kind, short, end in _NAMES}
    return {f"{prefix}_{name}": found[key] for key, name in names.items()}


def beside_real(dataset: str, drawn: Tensor) -> Metrics:
    """Return the distances of new images from the real ones held out for choices, and from the test images."""
    metrics: Metrics = {}
    for part in PARTS:
        metrics |= apart(data.load(dataset, part).images, drawn, part)
    return metrics


def measured(
    evaluate: Callable[[C, M], Metrics], draw: Callable[[C, M, int], Tensor], dataset: str
) -> Callable[[C, M], Metrics]:
    """Return what measures a model as `evaluate` does, and its samples by `beside_real`."""

    def both(config: C, model: M) -> Metrics:
        count = max(len(data.load(dataset, part)) for part in PARTS)
        return evaluate(config, model) | beside_real(dataset, draw(config, model, count))

    return both


def measure_floors(config: FloorsConfig, model: nn.Module) -> Metrics:
    """Measure how far real crops are from other real ones, and rendered crops from real ones.

    Always against test crops: ``val_…`` those held out for choices, ``train_…`` those trained on,
    ``rendered_…`` rendered ones, and by their names samples of the models that learned from these
    alone. ``rendered_judge_accuracy`` is the share of the test crops that
    the judge of the rendered set reads right, which never saw a real one.
    """
    test = data.load(config.dataset, "test")
    others = {
        "val": data.load(config.dataset, "val"),
        "train": data.load(config.dataset, "train"),
        "rendered": data.load(config.rendered, "test"),
    }
    metrics: Metrics = {}
    for name, part in others.items():
        one = test.first(config.images)
        metrics |= apart(one.images, part.first(config.images).images, name)
        metrics[f"{name}_images"] = float(min(len(one), len(part), config.images))
    for name, drawer in comparing.recorded(config.rendered).items():
        drawn = comparing.drawn_by(drawer, ComparedModelsConfig(config.rendered, images=len(test)))
        metrics |= apart(test.images, drawn.images, name)
    known = test.labelled()
    judged = features_and_probabilities(load_judge(config.rendered), known.images)[1].argmax(1)
    share = float((judged == known.labels).double().mean())
    return metrics | {
        "rendered_judge_accuracy": share,
        "rendered_judge_accuracy_sem": (share * (1 - share) / len(known)) ** 0.5,
    }
