"""The three networks' layers, and that the discriminator's features are a function of one image."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from chapters_lib.models.layers import output_shapes
from chapters_lib.models.vae import fully_connected
from chapters_lib.models.vae_gan import VAEGAN, convolutional, fully_connected_discriminator


def make(kind: str) -> VAEGAN:
    torch.manual_seed(0)
    if kind == "convolutional":
        return convolutional(latent=5, width=4)
    return VAEGAN(
        fully_connected(hidden=(16,), latent=5), fully_connected_discriminator((12, 10, 8))
    )


KINDS = ("fully connected", "convolutional")


def images(count: int = 6) -> Tensor:
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(7))


def test_the_convolutions_have_the_stated_shapes() -> None:
    """For w = 4: each network's feature maps as its docstring lists them."""
    model = make("convolutional")
    encoder = [s for _, s in output_shapes(model.encoder.net, images().flatten(1))]
    decoder = [s for _, s in output_shapes(model.decoder.net, torch.zeros(2, 5))]
    d = [s for _, s in output_shapes(model.discriminator.body, images())]
    for shape in ((1, 28, 28), (4, 14, 14), (8, 7, 7), (16, 4, 4), (10,)):
        assert shape in encoder
    for shape in ((16, 7, 7), (8, 14, 14), (4, 28, 28), (1, 28, 28), (784,)):
        assert shape in decoder
    assert d == [(4, 14, 14), (8, 7, 7), (16, 4, 4), (32,)]
    assert model.encoder(images()).mean.shape == (6, 5)
    assert model.decoder(torch.zeros(3, 5)).mean.shape == (3, 1, 28, 28)


def kinds(module: nn.Module) -> list[type]:
    return [type(part) for part in module.modules() if not list(part.children())]


def test_what_stands_behind_each_layer() -> None:
    """Normalisation, then the activation; neither in front of an image's first convolution nor behind its last."""
    model = make("convolutional")
    first = [nn.Conv2d, nn.LeakyReLU]
    down = [nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU]
    up = [nn.ConvTranspose2d, nn.BatchNorm2d, nn.ReLU]
    assert kinds(model.encoder) == [nn.Unflatten, *first, *down * 2, nn.Flatten, nn.Linear]
    assert kinds(model.decoder) == [
        *(nn.Linear, nn.Unflatten, nn.BatchNorm2d, nn.ReLU),
        *(*up * 2, nn.Conv2d, nn.Flatten),
    ]
    last = [nn.Linear, nn.LayerNorm, nn.LeakyReLU]
    alone = [nn.Conv2d, nn.GroupNorm, nn.LeakyReLU]
    assert kinds(model.discriminator) == [*first, *alone * 2, nn.Flatten, *last, nn.Linear]
    plain = make("fully connected").discriminator
    assert kinds(plain) == [nn.Flatten, *last * 3, nn.Linear]
    for part in (*model.modules(), *plain.modules()):
        if isinstance(part, nn.LeakyReLU):
            assert part.negative_slope == 0.2
        if isinstance(part, nn.GroupNorm):
            assert part.num_groups == 1


@pytest.mark.parametrize("kind", KINDS)
def test_layers_are_counted_from_the_image(kind: str) -> None:
    """Layer 0 is the image, layer l what the first l stages make of it, the last one what the logit sees."""
    d = make(kind).discriminator
    x = images()
    for layer in range(len(d.stages) + 1):
        seen, features = d.layer_and_features(x, layer)
        expected = nn.Sequential(*d.stages[:layer])(x)
        assert torch.equal(seen, expected.flatten(1))
        assert torch.equal(d.logits(features), d(x))
    assert torch.equal(d.layer_and_features(x, 0)[0], x.flatten(1))
    assert torch.equal(seen, features) and seen.shape[1] == d.head.in_features


@pytest.mark.parametrize("layer", [-1, 5])
def test_a_layer_that_is_not_there(layer: int) -> None:
    with pytest.raises(ValueError, match=f"no layer {layer}: there are 0 to"):
        make("convolutional").discriminator.layer_and_features(images(), layer)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_discriminator_sees_depends_on_one_image_alone(kind: str, training: bool) -> None:
    """No dropout, no batch statistics: in either mode an image has the same features alone and in company."""
    d = make(kind).discriminator.train(training)
    before = deepcopy(d.state_dict())
    x = images()
    for layer in range(len(d.stages) + 1):
        together, features = d.layer_and_features(x, layer)
        alone, feature = d.layer_and_features(x[2:3], layer)
        torch.testing.assert_close(alone[0], together[2], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(feature[0], features[2], rtol=1e-4, atol=1e-5)
    assert all(torch.equal(v, before[key]) for key, v in d.state_dict().items())


def test_logits_are_in_single_precision_whatever_made_the_features() -> None:
    d = make("fully connected").discriminator
    with torch.autocast("cpu", torch.bfloat16):
        _, features = d.layer_and_features(images(), 1)
        logits = d.logits(features.bfloat16())
    assert logits.dtype == torch.float32
    by_hand = features.bfloat16().float() @ d.head.weight[0] + d.head.bias
    torch.testing.assert_close(logits, by_hand)


def test_codes_are_standard_normal_from_torchs_generator() -> None:
    model = make("fully connected")
    torch.manual_seed(3)
    z = model.draw_codes(4000)
    assert z.shape == (4000, 5)
    assert abs(float(z.mean())) < 0.03 and abs(float(z.var()) - 1) < 0.05
    torch.manual_seed(3)
    assert torch.equal(z, model.draw_codes(4000))
