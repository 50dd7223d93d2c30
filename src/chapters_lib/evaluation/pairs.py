"""Pairs of images that are alike in different ways, and what two measures of likeness make of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor
from torch.nn import functional as F

from chapters_lib.data import to_float
from chapters_lib.evaluation.arguments import checked
from chapters_lib.evaluation.judge import to_bytes
from chapters_lib.evaluation.likeness import squared_error
from chapters_lib.reproducibility import generator

Measure = Callable[
    [Tensor, Tensor], Tensor
]  # of uint8 images in pairs, to a number each


@checked
def shifted(images: UInt8[Tensor, "n c h w"]) -> UInt8[Tensor, "n c h w"]:
    """Return images moved one pixel to the right; the column that comes in is black."""
    return F.pad(images, (1, 0))[..., :-1]


@checked
def blurred(images: UInt8[Tensor, "n c h w"]) -> UInt8[Tensor, "n c h w"]:
    """Return images each of whose pixels is the mean of its 3x3 neighbourhood, black outside."""
    return to_bytes(F.avg_pool2d(to_float(images), 3, 1, 1))


@checked
def noisy(images: UInt8[Tensor, "n c h w"]) -> UInt8[Tensor, "n c h w"]:
    """Return images with normal noise, scaled to the squared error that the shift makes before rounding."""
    scale = squared_error(images, shifted(images)).sqrt()[
        :, None, None, None
    ]
    noise = torch.randn(images.shape, generator=generator(0))
    return to_bytes(to_float(images) + scale * noise)


@checked
def nearest_of_another_class(
    images: UInt8[Tensor, "n c h w"], labels: Int64[Tensor, " n"]
) -> UInt8[Tensor, "n c h w"]:
    """Return, for each image, the one of another class among them with the least squared error.

    ValueError where all are of one class: there is no other to choose from.
    """
    _require_two_classes(labels)
    flat = to_float(images).flatten(1)
    distance = torch.cdist(flat, flat)
    distance[labels[:, None] == labels] = float("inf")
    return images[distance.argmin(1)]


@checked
def alike(
    images: UInt8[Tensor, "n c h w"], labels: Int64[Tensor, " n"]
) -> dict[str, UInt8[Tensor, "n c h w"]]:
    """Return a partner for each image by the way in which it is alike."""
    return {
        "shifted": shifted(images),
        "blurred": blurred(images),
        "noisy": noisy(images),
        "other": nearest_of_another_class(images, labels),
    }


@checked
def measured(
    images: UInt8[Tensor, "n c h w"],
    partners: Mapping[str, Tensor],
    measures: Mapping[str, Measure],
) -> dict[str, Float[Tensor, "kinds n"]]:
    """Return every measure of each image's pairs, one row a kind of partner."""
    return {
        name: torch.stack(
            [measure(images, partner) for partner in partners.values()]
        )
        for name, measure in measures.items()
    }


@checked
def share_nearer(
    found: Float[Tensor, "kinds n"],
    kinds: Mapping[str, Tensor],
    a: str,
    b: str,
) -> float:
    """Return the share of the images whose partner of kind `a` is nearer than that of kind `b`."""
    order = list(kinds)
    return float(
        (found[order.index(a)] < found[order.index(b)]).double().mean()
    )


@checked
def before_own_rival(
    seen: Float[Tensor, "n d"],
    shifted_seen: Float[Tensor, "n d"],
    labels: Int64[Tensor, " n"],
) -> Bool[Tensor, " n"]:
    """Return whether an image's shifted copy is nearer than all of other classes.

    All in one measure, the squared distance of what it sees of the images
    (pixels, a layer's units): each measure has the rival that is nearest by
    itself. The nearest *in pixels* would be chosen by what one of the measures
    minimises, and be farther off by all the others.
    """
    _require_two_classes(labels)
    own = (seen - shifted_seen).square().sum(1)
    between = torch.cdist(
        seen, seen, compute_mode="donot_use_mm_for_euclid_dist"
    ).square()
    between[labels[:, None] == labels] = float("inf")
    return own < between.amin(1)


def _require_two_classes(labels: Tensor) -> None:
    if len(labels.unique()) < 2:
        raise ValueError(
            "no rival: images of another class need a second class"
        )
