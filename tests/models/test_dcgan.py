"""The convolutional pair: the figure's shapes, the arithmetic of its layers, even cover by its kernels."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from chapters_lib.models.dcgan import INITIAL_SCALE, colour, dcgan
from chapters_lib.models.discretised import convolutional
from chapters_lib.models.gan import GAN
from chapters_lib.models.layers import count_parameters, output_shapes

Shape = tuple[int, ...]
DISCRIMINATOR = [(1, 28, 28), (64, 14, 14), (128, 7, 7), (256, 4, 4), (512, 4, 4)]
GENERATOR = [(100,), (256, 7, 7), (128, 14, 14), (64, 28, 28), (32, 28, 28), (1, 28, 28)]


def shapes(body: nn.Module, x: Tensor) -> list[Shape]:
    """Return the shape of the input and of what each linear or convolutional layer returns, without the batch."""
    found: list[Shape] = [tuple(x.shape[1:])]
    hooks = []
    for part in body.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Unflatten):
            hooks.append(part.register_forward_hook(lambda *a: found.append(tuple(a[2].shape[1:]))))
    with torch.no_grad():
        body(x)
    for hook in hooks:
        hook.remove()
    return found


def test_shapes_are_the_figures() -> None:
    pair = dcgan()
    assert shapes(pair.discriminator.body, torch.rand(2, 1, 28, 28)) == DISCRIMINATOR
    assert shapes(pair.generator.body, torch.randn(2, 100)) == GENERATOR
    assert pair.discriminator.features(torch.rand(2, 1, 28, 28)).shape == (2, 4 * 4 * 512)
    assert (pair.discriminator.head.in_features, pair.discriminator.head.out_features) == (8192, 1)
    assert pair.discriminator(torch.rand(2, 1, 28, 28)).shape == (2,)
    images = pair.generator(pair.draw_noise(2))
    assert images.shape == (2, 1, 28, 28) and images.min() > 0 and images.max() < 1


def test_shapes_are_read_off_without_a_trace() -> None:
    """What the hooks report is what each layer returns one by one; modes, statistics and hooks are as before."""
    body = dcgan(width=2).discriminator.body
    body[0].eval()
    modes, before = (
        [part.training for part in body],
        {k: v.clone() for k, v in body.state_dict().items()},
    )
    x = torch.rand(2, 1, 28, 28)
    found = output_shapes(body, x)
    assert modes == [part.training for part in body]
    assert all(torch.equal(v, before[k]) for k, v in body.state_dict().items())
    assert not any(part._forward_hooks for part in body)
    for layer, (same, shape) in zip(body, found, strict=True):
        x = layer(x)
        assert same is layer and shape == tuple(x.shape[1:])


@pytest.mark.parametrize("width", [2, 8, 64])
def test_parameters_are_those_counted_by_hand(width: int) -> None:
    """Weights of each layer as inputs · outputs · kernel; two numbers a channel of batch norm; few biases."""
    w, pair = width, dcgan(noise=100, width=width)
    generator = (
        100 * 49 * 4 * w  # the linear layer
        + 4 * w * 2 * w * 16
        + 2 * w * w * 16
        + w * (w // 2) * 9
        + (w // 2) * 9
        + 1  # a bias, in the last layer alone
        + 2 * (4 * w + 2 * w + w + w // 2)
    )
    discriminator = (
        w * 16
        + w  # a bias, where no batch norm follows
        + w * 2 * w * 16
        + 2 * w * 4 * w * 9
        + 4 * w * 8 * w * 9
        + 2 * (2 * w + 4 * w + 8 * w)
        + 16 * 8 * w
        + 1
    )
    assert count_parameters(pair.generator) == generator
    assert count_parameters(pair.discriminator) == discriminator
    plain = dcgan(noise=100, width=width, discriminator_norm=False)  # a bias for the norm's two
    assert count_parameters(plain.discriminator) == discriminator - (2 * w + 4 * w + 8 * w)


def test_every_layer_has_the_size_of_the_formulas() -> None:
    """⌊(n + 2p − k)/s⌋ + 1 of a convolution, (n − 1)s − 2p + k of its transpose."""
    pair, sizes = dcgan(width=2), []
    for body, x in (
        (pair.discriminator.body, torch.rand(2, 1, 28, 28)),
        (pair.generator.body, torch.randn(2, 100)),
    ):
        for part in body:
            before, x = x, part(x)
            if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
                (k, _), (s, _), (p, *_) = part.kernel_size, part.stride, part.padding
                n = before.shape[-1]
                if isinstance(part, nn.Conv2d):
                    expected = (n + 2 * int(p) - k) // s + 1
                else:
                    expected = (n - 1) * s - 2 * int(p) + k
                assert x.shape[-1] == expected
                sizes.append(expected)
    assert sizes == [14, 7, 4, 4, 14, 28, 28, 28]


def cover(layer: nn.ConvTranspose2d, size: int) -> Tensor:
    """Return how often each output pixel is written to: all weights one, all inputs one."""
    with torch.no_grad():
        return nn.functional.conv_transpose2d(
            torch.ones(1, 1, size, size),
            torch.ones(1, 1, *layer.kernel_size),
            stride=layer.stride,
            padding=layer.padding,
            output_padding=layer.output_padding,
        )[0, 0]


def test_the_generators_kernels_cover_evenly() -> None:
    """Four times each pixel away from the border; kernels of 3 at stride 2 would do it 1, 2 or 4 times."""
    layers = [m for m in dcgan().generator.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert len(layers) == 2
    for layer, size in zip(layers, (7, 14), strict=True):
        inside = cover(layer, size)[1:-1, 1:-1]
        assert inside.shape == (2 * size - 2, 2 * size - 2) and inside.unique().tolist() == [4]
    uneven = cover(nn.ConvTranspose2d(1, 1, 3, 2, 1, output_padding=1), 7)[1:-1, 1:-1]
    assert uneven.unique().tolist() == [1, 2, 4]


def test_a_transposed_convolution_is_the_transpose() -> None:
    """⟨Ax, y⟩ = ⟨x, Aᵀy⟩ for the layers of the generator and the convolution with their weights."""
    torch.manual_seed(0)
    layers = [m for m in dcgan(width=4).double().modules() if isinstance(m, nn.ConvTranspose2d)]
    for layer, size in zip(layers, (7, 14), strict=True):
        y = torch.randn(1, layer.in_channels, size, size, dtype=torch.float64)
        x = torch.randn(1, layer.out_channels, 2 * size, 2 * size, dtype=torch.float64)
        ax = nn.functional.conv2d(x, layer.weight, stride=2, padding=1)
        assert ax.shape == y.shape
        torch.testing.assert_close((ax * y).sum(), (x * layer(y)).sum())


def test_first_weights_have_the_papers_scale() -> None:
    """Normal with standard deviation 0.02, within four standard errors; batch norm at scale 1, shift 0."""
    torch.manual_seed(0)
    for part in dcgan().modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            error = INITIAL_SCALE / math.sqrt(2 * part.weight.numel())
            assert abs(float(part.weight.detach().std()) - INITIAL_SCALE) < 4 * error
        if isinstance(part, nn.BatchNorm2d):
            assert (part.weight == 1).all() and (part.bias == 0).all()


def test_dropout_acts_while_training_alone() -> None:
    torch.manual_seed(0)
    discriminator = dcgan(width=4, dropout=0.5).discriminator
    x = torch.rand(2, 1, 28, 28)
    discriminator.eval()
    assert torch.equal(discriminator(x), discriminator(x))
    discriminator.train()
    with torch.no_grad():
        assert not torch.equal(discriminator(x), discriminator(x))


def test_the_colour_pair_has_the_shapes_of_the_vae_beside_it() -> None:
    """Three convolutions down to 4x4 and three up, on what the VAE's encoder and decoder work on."""
    pair, vae = colour(noise=8, width=16), convolutional(latent=8, width=16, prior=nn.Identity())
    x = torch.rand(2, 3, 32, 32)
    down = shapes(pair.discriminator.body, x)
    assert down == [(3, 32, 32), (16, 16, 16), (32, 8, 8), (64, 4, 4)]
    assert down[1:] == shapes(vae.encoder.net, x.flatten(1))[2:]  # the first there unflattens
    up = shapes(pair.generator.body, torch.randn(2, 8))
    assert up == [(8,), (64, 4, 4), (32, 8, 8), (16, 16, 16), (3, 32, 32)]
    assert up[:-1] == shapes(vae.decoder.net, torch.randn(2, 8))[:-1]
    assert pair.discriminator(x).shape == (2,)
    images = pair.generator(pair.draw_noise(2))
    assert images.shape == x.shape and images.min() > 0 and images.max() < 1


def test_the_colour_pair_starts_small_and_every_weight_is_reached() -> None:
    torch.manual_seed(0)
    pair = colour(noise=8, width=16, dropout=0.1)
    for part in pair.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            assert float(part.weight.detach().std()) == pytest.approx(INITIAL_SCALE, rel=0.15)
    pair.discriminator(pair.generator(pair.draw_noise(4))).sum().backward()
    assert all(bool(p.grad is not None and p.grad.any()) for p in pair.parameters())
    assert sum(isinstance(part, nn.Dropout) for part in pair.discriminator.modules()) == 3
    plain = colour(discriminator_norm=False).discriminator
    assert not any(isinstance(part, nn.BatchNorm2d) for part in plain.modules())


UP = [nn.ConvTranspose2d, nn.BatchNorm2d, nn.ReLU]


@pytest.mark.parametrize(("make", "hidden"), [(dcgan, 3), (colour, 2)])
def test_what_stands_behind_each_layer(make: Callable[..., GAN], hidden: int) -> None:
    """Batch norm, then ReLU, or a leaky one of slope 0.2 (Radford et al. 2016, Section 3); dropout last."""
    pair = make(width=2, dropout=0.1)
    leaky = [nn.LeakyReLU, nn.Dropout]
    down = [nn.Conv2d, *leaky, *[nn.Conv2d, nn.BatchNorm2d, *leaky] * hidden, nn.Flatten]
    assert [type(part) for part in pair.discriminator.body] == down
    slopes = {p.negative_slope for p in pair.modules() if isinstance(p, nn.LeakyReLU)}
    assert slopes == {0.2}
    last = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.Conv2d] if make is dcgan else UP[:1]
    first = [nn.Linear, nn.Unflatten, nn.BatchNorm2d, nn.ReLU]
    assert [type(part) for part in pair.generator.body] == [*first, *UP * 2, *last]
