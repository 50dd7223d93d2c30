"""Fully connected networks, read off their modules and rounded for the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from chapters_lib.errors import ChaptersError
from chapters_lib.explorers import packing
from chapters_lib.models.gan import Generator
from chapters_lib.models.layers import Residual, Sine
from chapters_lib.models.vae import BernoulliDecoder, GaussianDecoder

ACTIVATIONS = {f.__name__.lower(): f for f in (nn.SiLU, nn.ReLU, nn.Tanh, nn.Sigmoid, Sine)}
WHOLE = (
    450_000  # weights: a network with no more has sixteen bits for each, and stays below a megabyte
)
CLOSE = 3.5 / 255  # of a pixel's range: how far images may be off
LARGE = 50_000  # weights: of a larger network, a layer with more has eight bits for each


class Layer(NamedTuple):
    """h ↦ activation(W h + b), with the activation's name ("identity" where there is none).

    `norm`, `before`: layer normalisation of h, and the activation behind it, before W.
    `adds`: whether h itself is added to what the layer makes of it.
    """

    weight: Tensor
    bias: Tensor
    activation: str
    norm: nn.LayerNorm | None = None
    before: str = "identity"
    adds: bool = False

    def entering(self, h: Tensor) -> Tensor:
        """Return what the weights see of a batch."""
        return _activate(self.before, h if self.norm is None else self.norm(h))

    def __call__(self, h: Tensor) -> Tensor:
        """Return what the layer makes of a batch."""
        out = _activate(self.activation, self.entering(h) @ self.weight.T + self.bias)
        return h + out if self.adds else out


def _activate(name: str, h: Tensor) -> Tensor:
    return h if name == "identity" else ACTIVATIONS[name]()(h)


def layers(decoder: nn.Module) -> tuple[list[Layer], tuple[int, int]]:
    """Read a fully connected decoder of grey images off its modules.

    Returns its layers and the image's (H, W). Batch normalisation behind a linear layer becomes
    part of it.

    Raises `ChaptersError` if it is made of anything but linear and residual layers, batch and layer
    normalisation, the activations SiLU, ReLU, tanh, sigmoid and sine, dropout, and a last Unflatten
    to (1, H, W).
    """
    modules = leaves(decoder)
    last = modules[-1] if isinstance(modules[-1], nn.Unflatten) else None
    shape = tuple(last.unflattened_size) if last is not None else ()
    found = dense(modules[:-1] if last is not None else modules)
    if len(shape) != 3 or shape[0] != 1 or not found:
        raise ChaptersError("the page shows grey images: end the decoder by Unflatten to (1, H, W)")
    return found, (shape[1], shape[2])


def dense(modules: Sequence[nn.Module]) -> list[Layer]:
    """Read fully connected layers off a sequence of modules; see `layers`."""
    found: list[Layer] = []
    norm: nn.LayerNorm | None = None
    before = "identity"
    for module in modules:
        kind = type(module).__name__.lower()
        bare = bool(found) and found[-1].activation == "identity" and not found[-1].adds
        if isinstance(module, nn.Linear):
            found.append(_linear(module)._replace(norm=norm, before=before))
            norm, before = None, "identity"
        elif isinstance(module, Residual) and norm is None:
            found.append(_residual(module))
        elif isinstance(module, nn.LayerNorm) and norm is None and found:
            norm = module
        elif norm is not None and before == "identity" and ACTIVATIONS.get(kind) is type(module):
            before = kind
        elif isinstance(module, nn.BatchNorm1d) and bare and norm is None:
            found[-1] = _normalised(found[-1], module)
        elif ACTIVATIONS.get(kind) is type(module) and bare:
            found[-1] = found[-1]._replace(activation=kind)
        elif not isinstance(module, nn.Dropout):
            raise ChaptersError(
                f"the page cannot run a decoder with {module} in this place{_ADVICE}"
            )
    if norm is not None:
        raise ChaptersError(f"the page cannot run a decoder with {norm} in this place{_ADVICE}")
    return found


_ADVICE = (
    ": export an nn.Sequential of Linear layers, each followed by SiLU, ReLU, Tanh, Sigmoid, Sine or nothing, "
    "and Unflatten"
)


def _linear(module: nn.Linear) -> Layer:
    bias = torch.zeros(module.out_features) if module.bias is None else module.bias
    return Layer(module.weight.detach(), bias.detach(), "identity")


def _residual(module: Residual) -> Layer:
    match [*module.added]:
        case [nn.LayerNorm() as norm, nn.SiLU(), nn.Linear() as linear]:
            return _linear(linear)._replace(norm=norm, before="silu", adds=True)
    raise ChaptersError(f"the page cannot run a decoder with {module} in this place{_ADVICE}")


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
def rounded(
    parts: list[Layer], codes: Tensor, large: int | None = None, fine: int = 0
) -> tuple[list[Layer], list[dict[str, Any]]]:
    """Round a network's weights for the page.

    `parts`: its layers.
    `codes`: where it is going to be used, shape (N, units): errors there are made up for.
    `large`: layers with more weights have eight bits for each; by default see `LARGE`.
    `fine`: of how many of the last layers, where they are large, weights have more levels than
    that.
    Returns layers and records: what the page computes with, and how core.js is told it.
    """
    found, records = [], []
    seen = meant = codes.float()
    if large is None:
        large = LARGE if sum(layer.weight.numel() for layer in parts) > WHOLE else WHOLE
    for left, layer in zip(range(len(parts), 0, -1), parts, strict=True):
        bias, weight = packing.rounded(layer.bias), packing.rounded(layer.weight)
        record: dict[str, Any] = {
            "bias": packing.numbers(layer.bias),
            "activation": layer.activation,
        }
        if layer.norm is not None:
            scale, shift = layer.norm.weight.detach(), layer.norm.bias.detach()
            record["norm"] = {"scale": packing.numbers(scale), "shift": packing.numbers(shift)}
        record |= {"before": layer.before, "adds": layer.adds}
        if layer.weight.numel() > large:
            most, pack = packing.FINE if left <= fine else packing.COARSE
            entering = layer.entering(seen), layer.entering(meant)
            levels, peaks = packing.fit(layer.weight, *entering, most)
            weight = (levels / most * peaks).float()
            whole = levels.long().numpy()
            record |= {"columns": whole.shape[1], "most": most, "levels": pack(whole)}
            record["peaks"] = packing.numbers(peaks)
        else:
            record["weight"] = packing.numbers(layer.weight)
        found.append(layer._replace(weight=weight, bias=bias))
        records.append(record)
        seen, meant = found[-1](seen), layer(meant)
    return found, records


@torch.no_grad()
def closely(parts: list[Layer], codes: Tensor, fresh: Tensor) -> list[dict[str, Any]]:
    """Round a network for the page with as few levels as leave the images of fresh codes what they are, nearly."""
    records: list[dict[str, Any]] = []
    for fine in (0, 1, len(parts)):
        found, records = rounded(parts, codes, fine=fine)
        h = meant = fresh
        for layer, true in zip(found, parts, strict=True):
            h, meant = layer(h), true(meant)
        if (h - meant).abs().max() <= CLOSE:
            break
    return records
