"""How like their originals reconstructions are: by the judged class, by pixels, by the judge's features."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from chapters_lib.data import to_float
from chapters_lib.evaluation.arguments import checked
from chapters_lib.evaluation.judge import features_and_probabilities
from chapters_lib.models.classifier import Classifier
from chapters_lib.reproducibility import generator


@checked
def squared_error(
    a: UInt8[Tensor, "n c h w"], b: UInt8[Tensor, "n c h w"]
) -> Float[Tensor, " n"]:
    """Return each pair's mean squared error per pixel, of grey levels in [0, 1]."""
    return (to_float(a) - to_float(b)).square().mean((1, 2, 3))


def shuffled(count: int, seed: int = 0) -> Tensor:
    """Return a fixed random order without any place that keeps its own, int64, shape (count,).

    A random cycle: each image is paired with that of its successor.
    """
    order = torch.randperm(count, generator=generator(seed))
    partner = torch.empty_like(order)
    partner[order] = order.roll(-1)
    return partner


@checked
def likeness(
    judge: Classifier,
    originals: UInt8[Tensor, "n c h w"],
    reconstructions: UInt8[Tensor, "n c h w"],
) -> dict[str, float]:
    """Return how like their originals reconstructions are, and how like they are other images' (``…_shuffled``).

    ``agreement``: share of the pairs whose judged classes are equal; ``test_mse``: mean squared
    error per pixel; ``feature_distance``: squared Euclidean distance of the judge's features,
    mean over pairs. The shuffled pairing leaves all images as they are, so what depends on the
    two sets alone stays as well.
    """
    features, probabilities = features_and_probabilities(judge, originals)
    theirs, their_probabilities = features_and_probabilities(
        judge, reconstructions
    )
    label, their_label = (
        probabilities.argmax(1),
        their_probabilities.argmax(1),
    )
    partner = shuffled(len(originals))
    found = {}
    for end, order in (
        ("", torch.arange(len(originals))),
        ("_shuffled", partner),
    ):
        error = squared_error(originals, reconstructions[order])
        distance = (features - theirs[order]).double().square().sum(1)
        found[f"agreement{end}"] = float(
            (label == their_label[order]).double().mean()
        )
        found[f"test_mse{end}"] = float(error.double().mean())
        found[f"feature_distance{end}"] = float(distance.mean())
    return found
