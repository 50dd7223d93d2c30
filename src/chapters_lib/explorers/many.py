"""Decoders whose codes have more numbers than a plane has: of a class and a code, and of noise."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from chapters_lib.explorers import packing
from chapters_lib.explorers.dense import Layer, closely, dense, layers, rounded
from chapters_lib.models.realnvp import Coupling, RealNVP

FITTED = 6000  # codes at which rounding errors are made up for
FRESH = 1000  # codes at which it is looked whether they are
INNER = 4_000  # weights: of a flow's networks, a layer with no more has sixteen bits for each
LOOKED_AT = 200  # codes at which it is asked what a step changes


@torch.no_grad()
def generator(network: nn.Module, noise: int, prior: nn.Module | None = None) -> dict[str, Any]:
    """Return what the page needs to draw from N(0, I) of so many numbers, and to walk between draws.

    A prior that is a flow comes between the draw and the network.
    """
    parts, shape = layers(network)
    codes = _normal(FITTED + FRESH, noise, 0)
    record: dict[str, Any] = {"shape": shape, "latent": noise}
    if isinstance(prior, RealNVP):
        record["couplings"] = couplings = []
        for layer in prior.layers():
            couplings.append(coupling(layer, codes))
            codes, _ = layer(codes)
    return record | {"layers": closely(parts, codes[:FITTED], codes[FITTED:])}


def coupling(layer: Coupling, points: Tensor) -> dict[str, Any]:
    """Return what the page needs of a layer of a flow; its rounding errors are made up for at these points."""
    parts = dense([*layer.net])
    _, records = rounded(parts, points[:, layer.kept], INNER, fine=len(parts))
    places = {"kept": layer.kept.tolist(), "moved": layer.moved.tolist()}
    return {**places, "bound": packing.numbers(layer.bound.detach()), "layers": records}


def conditional(network: nn.Module, latent: int, classes: int) -> dict[str, Any]:
    """Return what the page needs of a decoder of a code with a one-hot class behind it."""
    parts, shape = layers(network)
    named = torch.eye(classes)[torch.arange(FITTED) % classes]
    _, records = rounded(parts, torch.cat([_normal(FITTED, latent, 0), named], 1))
    directions = principal(parts, latent, classes)
    record = {"shape": shape, "latent": latent, "layers": records}
    return record | {"numbers": {"directions": packing.numbers(directions)}}


def principal(parts: list[Layer], latent: int, classes: int) -> Tensor:
    """Return the two directions of z that change images most, orthonormal, shape (2, latent).

    With J the derivative of the image by z, a small step s changes it by ‖J s‖². The two are the
    leading eigenvectors of the mean of JᵀJ over z ~ N(0, I) and all classes.
    """

    def image(z: Tensor, named: Tensor) -> Tensor:
        h = torch.cat([z, named])
        for part in parts:
            h = part(h)
        return h

    z = _normal(LOOKED_AT, latent, 1)
    named = torch.eye(classes)[torch.arange(LOOKED_AT) % classes]
    slopes = torch.func.vmap(torch.func.jacfwd(image))(z, named)
    _, vectors = torch.linalg.eigh(torch.einsum("nij,nik->jk", slopes, slopes))
    found = vectors.T.flip(0)[:2]
    return found * found.gather(1, found.abs().argmax(1, keepdim=True)).sign()


def _normal(count: int, size: int, seed: int) -> Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed))
