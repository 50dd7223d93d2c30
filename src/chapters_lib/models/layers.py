"""Stacks of layers that several models share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn


def mlp(
    widths: Sequence[int],
    activation: Callable[[], nn.Module] = nn.SiLU,
    dropout: float = 0.0,
    *,
    norm: bool = False,
) -> nn.Sequential:
    """Return fully connected layers with `activation` only between them.

    `widths`: units from input to output; ``(784, 512, 2)`` makes two linear layers.
    `activation`: makes the module between two layers.
    `dropout`: share of each hidden layer's units set to zero while training.
    `norm`: whether hidden layers are brought to mean 0 and variance 1 over their units before the
    activation (layer normalisation), which leaves each image's output its own.
    """
    layers: list[nn.Module] = []
    for width_in, width_out in pairwise(widths[:-1]):
        layers += [
            nn.Linear(width_in, width_out),
            *([nn.LayerNorm(width_out)] if norm else []),
        ]
        layers += [
            activation(),
            *([nn.Dropout(dropout)] if dropout else []),
        ]
    return nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]))


class Residual(nn.Module):
    """h ↦ h + W silu(norm h) + b: what a layer adds to its input, so that the input also passes unchanged.

    Normalisation and activation before the layer, as He et al. (2016), "Identity mappings in deep
    residual networks", propose; with one layer a unit where they have two, SiLU for ReLU, and
    layer normalisation for that of batches.
    """

    def __init__(self, width: int):
        super().__init__()
        self.added = nn.Sequential(
            nn.LayerNorm(width), nn.SiLU(), nn.Linear(width, width)
        )

    def forward(
        self, h: Float[Tensor, "*batch p"]
    ) -> Float[Tensor, "*batch p"]:
        """Return h with what the layer makes of it added, same shape."""
        return h + self.added(h)


def residual_mlp(widths: Sequence[int]) -> nn.Sequential:
    """Return fully connected layers of which those between two hidden ones are residual.

    `widths`: units from input to output; ``(784, 400, 400, 80)`` makes a linear layer, one residual
    one, normalisation and activation, and a linear layer. Hidden widths have to be equal.
    """
    first, *hidden, last = widths
    if not hidden or len(set(hidden)) > 1:
        raise ValueError(
            f"what is added has the width of what it is added to: {list(hidden)}"
        )
    width = hidden[0]
    return nn.Sequential(
        nn.Linear(first, width),
        *(Residual(width) for _ in hidden[1:]),
        nn.LayerNorm(width),
        nn.SiLU(),
        nn.Linear(width, last),
    )


class Sine(nn.Module):
    """h ↦ sin h, element by element: after a first layer with large weights, features of many frequencies.

    Fully connected layers of a few inputs learn smooth functions first and fine ones late; fed
    with sines of the inputs they need not (Sitzmann et al. 2020; Tancik et al. 2020, Eq. 5).
    """

    def forward(self, h: Tensor) -> Tensor:
        """Return sin h, same shape."""
        return h.sin()


def count_parameters(module: nn.Module) -> int:
    """Return how many numbers are learned in `module`."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def output_shapes(
    layers: nn.Sequential, x: Tensor
) -> list[tuple[nn.Module, tuple[int, ...]]]:
    """Return each layer of a sequence with the shape of what it returns for a batch x, without the batch.

    The shapes are read off by forward hooks in one pass in evaluation mode; each layer is left
    in the mode it was in.
    """
    found: list[tuple[nn.Module, tuple[int, ...]]] = []
    modes = [(layer, layer.training) for layer in layers.modules()]
    hooks = [
        layer.register_forward_hook(
            lambda m, _, out: found.append((m, tuple(out.shape[1:])))
        )
        for layer in layers
    ]
    layers.eval()
    try:
        with torch.no_grad():
            layers(x)
    finally:
        for hook in hooks:
            hook.remove()
        for layer, mode in modes:
            layer.training = mode
    return found


def device_of(module: nn.Module) -> torch.device:
    """Return where a module's weights are; one without any is on the CPU."""
    first = next(chain(module.parameters(), module.buffers()), None)
    return torch.device("cpu") if first is None else first.device
