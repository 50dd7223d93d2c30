"""Fully connected networks, read off their modules and rounded for the page."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from chapters_lib.errors import ChaptersError
from chapters_lib.explorers import packing
from chapters_lib.models.gan import Generator
from chapters_lib.models.layers import Sine
from chapters_lib.models.vae import BernoulliDecoder, GaussianDecoder

ACTIVATIONS = {f.__name__.lower(): f for f in (nn.SiLU, nn.ReLU, nn.Tanh, nn.Sigmoid, Sine)}
LARGE = 50_000  # weights: a layer with more gets eight bits for each, the others sixteen


class Layer(NamedTuple):
    """h ↦ activation(W h + b), with the activation's name ("identity" where there is none)."""

    weight: Tensor
    bias: Tensor
    activation: str

    def __call__(self, h: Tensor) -> Tensor:
        """Return what the layer makes of a batch."""
        out = h @ self.weight.T + self.bias
        return out if self.activation == "identity" else ACTIVATIONS[self.activation]()(out)


def layers(decoder: nn.Module) -> tuple[list[Layer], tuple[int, int]]:
    """Read a fully connected decoder of grey images off its modules.

    Returns its linear layers with what follows each, and the image's (H, W). Batch normalisation
    behind a linear layer becomes part of it.

    Raises
    ------
    ChaptersError
        if it is made of anything but linear layers, batch normalisation, the activations SiLU,
        ReLU, tanh, sigmoid and sine, dropout, and a last Unflatten to (1, H, W).
    """
    found: list[Layer] = []
    shape: tuple[int, ...] = ()
    for module in leaves(decoder):
        kind = type(module).__name__.lower()
        bare = bool(found) and found[-1].activation == "identity" and not shape
        if isinstance(module, nn.Linear) and not shape:
            bias = torch.zeros(module.out_features) if module.bias is None else module.bias
            found.append(Layer(module.weight.detach(), bias.detach(), "identity"))
        elif isinstance(module, nn.BatchNorm1d) and bare:
            found[-1] = _normalised(found[-1], module)
        elif ACTIVATIONS.get(kind) is type(module) and bare:
            found[-1] = found[-1]._replace(activation=kind)
        elif isinstance(module, nn.Unflatten) and not shape:
            shape = tuple(module.unflattened_size)
        elif not isinstance(module, nn.Dropout):
            raise ChaptersError(
                f"the page cannot run a decoder with {module} in this place: export an nn.Sequential of "
                "Linear layers, each followed by SiLU, ReLU, Tanh, Sigmoid, Sine or nothing, and Unflatten"
            )
    if len(shape) != 3 or shape[0] != 1 or not found:
        raise ChaptersError("the page shows grey images: end the decoder by Unflatten to (1, H, W)")
    return found, (shape[1], shape[2])


def leaves(module: nn.Module) -> list[nn.Module]:
    """Return the modules of nested sequences, in their order."""
    if not isinstance(module, nn.Sequential):
        return [module]
    return [leaf for child in module for leaf in leaves(child)]


def _normalised(layer: Layer, norm: nn.BatchNorm1d) -> Layer:
    """Return the layer with its batch normalisation, as it is in evaluation mode."""
    mean, var = norm.running_mean, norm.running_var
    assert mean is not None and var is not None
    scale = (norm.weight if norm.affine else 1.0) / (var + norm.eps).sqrt()
    shift = norm.bias if norm.affine else 0.0
    weight, bias = layer.weight * scale[:, None], (layer.bias - mean) * scale + shift
    return Layer(weight.detach(), bias.detach(), "identity")


def image_of(decoder: nn.Module) -> nn.Module:
    """Return the network that draws: the mean of a p(x|z), or the image of a generator."""
    if isinstance(decoder, GaussianDecoder):
        return decoder.net
    if isinstance(decoder, BernoulliDecoder | Generator):
        net = decoder.net if isinstance(decoder, BernoulliDecoder) else decoder.body
        return nn.Sequential(net, nn.Sigmoid(), nn.Unflatten(1, decoder.image_shape))
    return decoder


@torch.no_grad()
def rounded(parts: list[Layer], codes: Tensor) -> tuple[list[Layer], list[dict[str, Any]]]:
    """Round a network's weights for the page.

    Parameters
    ----------
    parts
        its layers.
    codes
        where it is going to be used, shape (N, units): errors there are made up for.

    Returns
    -------
    layers and records
        what the page computes with, and how core.js is told it.
    """
    found, records = [], []
    seen = meant = codes.float()
    for layer in parts:
        bias, weight = packing.rounded(layer.bias), packing.rounded(layer.weight)
        record = {"bias": packing.numbers(layer.bias), "activation": layer.activation}
        if layer.weight.numel() > LARGE:
            levels, peaks = packing.fit(layer.weight, seen, meant)
            weight = (levels / packing.LEVELS * peaks).float()
            whole = levels.long().numpy()
            record |= {"columns": whole.shape[1], "levels": packing.pairs(whole)}
            record["peaks"] = packing.numbers(peaks)
        else:
            record["weight"] = packing.numbers(layer.weight)
        found.append(layer._replace(weight=weight, bias=bias))
        records.append(record)
        seen, meant = found[-1](seen), layer(meant)
    return found, records
