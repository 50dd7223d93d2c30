"""Residual layers: what passes unchanged, and what the stack is made of."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from chapters_lib.models.layers import Residual, residual_mlp


@torch.no_grad()
def test_the_input_passes_a_residual_layer() -> None:
    """With nothing added it is the identity; what is added does not depend on the input's mean and scale."""
    torch.manual_seed(0)
    layer, h = Residual(5).double(), torch.randn(3, 2, 5).double()
    added = layer(h) - h
    assert added.shape == h.shape and float(added.abs().min()) > 0
    moved = 3 * h + 2
    torch.testing.assert_close(layer(moved) - moved, added, rtol=1e-4, atol=1e-4)
    for parameter in layer.added[-1].parameters():
        nn.init.zeros_(parameter)
    assert torch.equal(layer(h), h)


def test_stack_of_residual_layers() -> None:
    """One fewer of them than hidden widths; every weight has a gradient."""
    for depth in (1, 2, 3):
        layers = residual_mlp((7, *[4] * depth, 3))
        assert sum(isinstance(layer, Residual) for layer in layers) == depth - 1
        out = layers(torch.randn(6, 7))
        assert out.shape == (6, 3)
        out.square().sum().backward()
        assert all(bool((p.grad != 0).any()) for p in layers.parameters())


@torch.no_grad()
def test_normalisation_stands_before_the_activation() -> None:
    layers, x = residual_mlp((7, 4, 3)), torch.randn(2, 7)
    hidden = F.silu(F.layer_norm(layers[0](x), (4,)))
    torch.testing.assert_close(layers(x), layers[-1](hidden))


@pytest.mark.parametrize("widths", [(7, 3), (7, 4, 5, 3)])
def test_hidden_widths_have_to_be_equal(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="width of what it is added to"):
        residual_mlp(widths)
