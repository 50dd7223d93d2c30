"""Samples judged by a classifier that was trained on the real images."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from chapters_lib.data import to_float
from chapters_lib.evaluation.arguments import checked
from chapters_lib.evaluation.fid import frechet_distance, moments
from chapters_lib.models.classifier import Classifier
from chapters_lib.models.layers import device_of

SURE = 0.9  # a sample is recognisable if its largest class probability is at least this


@checked
def to_bytes(images: Float[Tensor, "n c h w"]) -> UInt8[Tensor, "n c h w"]:
    """Return images in [0, 1] on the 256 grey levels that the real ones lie on."""
    return images.mul(255).round().clamp(0, 255).to(torch.uint8)


@checked
@torch.no_grad()
def features_and_probabilities(
    judge: Classifier,
    images: UInt8[Tensor, "n c h w"],
    batch_size: int = 1000,
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n k"]]:
    """Return the judge's penultimate features and class probabilities, in evaluation mode.

    The judge computes where it is; both come back to the CPU.
    """
    was_training = judge.training
    judge.eval()
    features = [
        judge.features(to_float(part.to(device_of(judge))))
        for part in images.split(batch_size)
    ]
    probabilities = [judge.head(part).softmax(1) for part in features]
    judge.train(was_training)
    return torch.cat(features).cpu(), torch.cat(probabilities).cpu()


@checked
def distance_to(
    judge: Classifier, reference: UInt8[Tensor, "m c h w"]
) -> Callable[[Tensor], float]:
    """Return what takes images to their Fréchet distance from reference images in the judge's features.

    The features of the reference are found once.
    """
    known = moments(features_and_probabilities(judge, reference)[0])

    def distance(images: Tensor) -> float:
        found = features_and_probabilities(judge, images)[0]
        return frechet_distance(*moments(found), *known)

    return distance


@checked
def class_entropy(histogram: Float[Tensor, " k"]) -> float:
    """Return −Σ p_k log p_k / log K of a histogram: 0 if one class has all, 1 if all are equal."""
    share = histogram.double() / histogram.sum()
    return float(torch.special.entr(share).sum() / math.log(len(share)))


@dataclass(frozen=True)
class Verdict:
    """What the judge says of a set of images.

    `recognisable`: share of the images to which the judge gives a class with probability at least
    0.9.
    `class_entropy`: entropy of the histogram of judged classes, divided by log K; 1 where all
    classes are equally frequent.
    `class_shares`: that histogram, K numbers which sum to 1.
    `fid_judge`: squared Fréchet distance between the judge's features of these images and of the
    reference images.
    """

    recognisable: float
    class_entropy: float
    class_shares: tuple[float, ...]
    fid_judge: float


@checked
def verdict(
    judge: Classifier,
    images: UInt8[Tensor, "n c h w"],
    reference: UInt8[Tensor, "m c h w"],
) -> Verdict:
    """Return the judge's verdict on `images`.

    Their distance to `reference` is with it; both are uint8. The book
    judges 10,000 samples against the 10,000 test images: the distance falls
    with the number of images, so one number serves throughout.
    """
    features, probabilities = features_and_probabilities(judge, images)
    reference_features, _ = features_and_probabilities(judge, reference)
    sure, label = probabilities.max(1)
    histogram = torch.bincount(
        label, minlength=probabilities.shape[1]
    ).double()
    return Verdict(
        recognisable=float((sure >= SURE).double().mean()),
        class_entropy=class_entropy(histogram),
        class_shares=tuple(float(v) for v in histogram / histogram.sum()),
        fid_judge=frechet_distance(
            *moments(features), *moments(reference_features)
        ),
    )


@checked
def scores(
    judge: Classifier,
    images: UInt8[Tensor, "n c h w"],
    reference: UInt8[Tensor, "m c h w"],
    prefix: str = "",
) -> dict[str, float]:
    """Return the scoreboard's three numbers as metrics, each key below `prefix`."""
    found = verdict(judge, images, reference)
    return {
        f"{prefix}recognisable": found.recognisable,
        f"{prefix}class_entropy": found.class_entropy,
        f"{prefix}fid_judge": found.fid_judge,
    }
