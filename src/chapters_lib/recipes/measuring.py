"""Studies of the measures: what the number of images, precision and resizing do; the stand-in beside SVHN."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.errors import ChaptersError
from chapters_lib.evaluation.fid import feature_distance
from chapters_lib.evaluation.judge import features_and_probabilities
from chapters_lib.evaluation.kid import kernel_distance
from chapters_lib.folders import root
from chapters_lib.recipes import gan
from chapters_lib.recording import scoreboard
from chapters_lib.recording.experiment import Metrics, Panels, Session
from chapters_lib.recording.judging import load_judge
from chapters_lib.reproducibility import generator
from chapters_lib.training import History

SHOWN = 24  # crops of each kind that a figure shows
_CROPS = "official_rgb_crops_845_32x32.npz"


@dataclass(frozen=True)
class SizesConfig:
    """What distances are measured between, and from how many images."""

    dataset: str
    model: str  # a recorded run whose samples are measured
    real_images: int = 5000  # of the test set, from which all draws are taken
    sizes: tuple[int, ...] = (100, 200, 500, 1000, 2000)
    draws: int = 5  # of each size; each takes other images as far as there are others
    precision: str = "bfloat16"  # of the network, for the sizes: half the time of float32
    effect_images: int = 500  # for the effects of precision and resizing
    timed_images: int = 50  # for the speed of both precisions


@dataclass(frozen=True)
class CropsConfig:
    """How many crops are held against real ones."""

    dataset: str = "house-numbers"
    images: int = 845


def _halves(count: int, size: int, draws: int) -> list[tuple[Tensor, Tensor]]:
    """Return pairs of disjoint index sets of `size` each, int64, drawn from 0 to count − 1."""
    found = []
    for number in range(draws):
        order = torch.randperm(count, generator=generator(number))
        found.append((order[:size], order[size : 2 * size]))
    return found


def measure_sizes(config: SizesConfig, model: nn.Module, session: Session) -> History:
    """Measure both distances for each number of images, in the judge's features and in Inception's.

    Rows tell the spaces apart by ``features`` (their number). ``same_…`` is between two disjoint
    sets of test images, ``drawn_…`` between samples and test images.
    """
    test = data.load(config.dataset, "test").images[: config.real_images]
    most = max(config.sizes)
    drawn = _samples(config, most)
    judge, net = load_judge(config.dataset), scoreboard.network(precision=config.precision)
    spaces = {
        "judge": [features_and_probabilities(judge, x)[0] for x in (test, drawn)],
        net.protocol: [
            scoreboard.features(net, test, f"{config.dataset} test"),
            scoreboard.features(net, drawn, config.model),
        ],
    }
    history = History()
    for real, new in spaces.values():
        for size in config.sizes:
            start = time.perf_counter()
            for number, (one, other) in enumerate(_halves(len(real), size, config.draws)):
                chosen = torch.randperm(len(new), generator=generator(number))[:size]
                row: dict[str, float] = {
                    "epoch": 1,
                    "features": real.shape[1],
                    "images": size,
                    "draw": number,
                }
                for name, found in (("same", real[other]), ("drawn", new[chosen])):
                    kernel = kernel_distance(real[one], found)
                    row[f"{name}_fid"] = feature_distance(real[one], found)
                    row[f"{name}_kid"], row[f"{name}_kid_sem"] = kernel
                history.append(row | {"seconds": time.perf_counter() - start})
                start = time.perf_counter()
    return history


def _samples(config: SizesConfig, count: int) -> Tensor:
    return gan.samples(*gan.recorded(config.model), count)


def measure_effects(config: SizesConfig, model: nn.Module) -> Metrics:
    """Measure what bfloat16, and leaving 32x32 out on the way to 299x299, do to features and distances.

    ``…_shift`` is the distance between features of the same test images found in both ways:
    bfloat16 against float32, and without 32x32 against with it, both in the study's precision.
    ``…_same_fid`` is between two sets of different test images found in one way,
    ``…_drawn_fid`` between samples and the first of these sets.
    """
    full = scoreboard.network()
    nets = {
        "float32": full,
        "bfloat16": full.like(precision="bfloat16"),
        "direct": full.like(precision=config.precision, by_way_of=0),
    }
    images, count = data.load(config.dataset, "test").images, config.effect_images
    samples = _samples(config, max(config.sizes))[:count]
    found, drawn = (
        {name: scoreboard.features(net, x) for name, net in nets.items()}
        for x in (images[:count], samples)
    )
    metrics = {f"{name}_drawn_fid": feature_distance(found[name], drawn[name]) for name in nets}
    beside = scoreboard.features(full, images[count : 2 * count])
    metrics["float32_same_fid"] = feature_distance(found["float32"], beside)
    for name, without in (("bfloat16", "float32"), ("direct", config.precision)):
        change = (found[name] - found[without]).norm() / found[without].norm()
        metrics |= {
            f"{name}_shift": feature_distance(found[without], found[name]),
            f"{name}_relative_change": float(change),
        }
    for name in ("float32", "bfloat16"):
        start = time.process_time()
        nets[name](images[: config.timed_images])
        speed = config.timed_images / (time.process_time() - start)
        metrics[f"{name}_images_per_second"] = speed
    return metrics


def real_crops(count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return real crops of SVHN's train split: uint8 (N, 3, 32, 32), labels, and which labels are official.

    From a file of a few hundred crops below the data's root where there is one, else the first
    `count` of SVHN itself.
    """
    path = root() / "svhn" / _CROPS
    if not path.is_file():
        whole = data.load("svhn", "train").subset(torch.arange(count))
        return whole.images, whole.labels, torch.ones(count, dtype=torch.bool)
    try:
        with np.load(path, allow_pickle=False) as kept:
            images = torch.from_numpy(kept["images"]).permute(0, 3, 1, 2).contiguous()[:count]
            labels = torch.from_numpy(kept["labels"].astype(np.int64))[:count]
            official = torch.from_numpy(kept["label_kind"] == "official")[:count]
    except Exception as error:  # what a damaged zip file raises is past listing
        raise ChaptersError(f"{path} is damaged ({type(error).__name__}): delete it") from error
    return images, labels, official


def hold_against_real(config: CropsConfig, model: nn.Module) -> Metrics:
    """Hold rendered crops against real ones, as many of each.

    ``real_accuracy``: the share of officially labelled real crops that the judge of the rendered
    ones reads; ``kid_…`` between rendered and real, ``halves_kid_…`` between two halves of the
    real ones, ``mnist_kid_…`` between MNIST's test images and the real ones.
    """
    real, labels, official = real_crops(config.images)
    rendered = data.load(config.dataset, "test").images[: len(real)]
    judge, net = load_judge(config.dataset), scoreboard.network()
    right = features_and_probabilities(judge, real)[1].argmax(1) == labels
    share = float(right[official].double().mean())
    known = scoreboard.features(net, real)
    order = torch.randperm(len(real), generator=generator(0))
    half = len(real) // 2
    metrics: Metrics = {
        "real_accuracy": share,
        "real_accuracy_sem": (share * (1 - share) / int(official.sum())) ** 0.5,
        "real_images": float(len(real)),
        "official_images": float(official.sum()),
        **scoreboard.distances(net, known, scoreboard.features(net, rendered)),
        **scoreboard.judged(config.dataset, real, rendered),
    }
    metrics |= scoreboard.distances(net, known[order[:half]], known[order[half:]], "halves_")
    digits = data.load("mnist", "test").images[: len(real)]
    return metrics | scoreboard.distances(net, known, scoreboard.features(net, digits), "mnist_")


def few_crops(config: CropsConfig, model: nn.Module) -> Panels:
    """Keep the few crops that a figure shows: real ones drawn at random, and the first rendered ones."""
    real, labels, _ = real_crops(config.images)
    chosen = torch.randperm(len(real), generator=generator(1))[:SHOWN]
    return {
        "real": real[chosen].numpy(),
        "real_labels": labels[chosen].numpy(),
        "rendered": data.load(config.dataset, "test").images[:SHOWN].numpy(),
    }


@dataclass(frozen=True)
class RealConfig:
    """Whose first training images are held against its first test images, as samples of a model are."""

    dataset: str
    images: int = scoreboard.SAMPLES  # on both sides
    precision: str = "bfloat16"  # of the network


def measure_real(config: RealConfig, _: nn.Module) -> Metrics:
    """Measure both distances between training and test images in Inception's features."""
    net = scoreboard.network(precision=config.precision)
    train, test = (
        scoreboard.features(net, data.load(config.dataset, part).images[: config.images])
        for part in ("train", "test")
    )
    return scoreboard.distances(net, test, train, "train_")
