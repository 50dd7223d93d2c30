"""The autoencoder: one narrowest layer, outputs in [0, 1], and what a normalised bottleneck does when."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from chapters_lib.models.autoencoder import Autoencoder
from chapters_lib.models.layers import count_parameters, mlp


def images(count: int, seed: int = 0) -> Tensor:
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(seed))


def trained(normalized: bool = True) -> Autoencoder:
    """Return an autoencoder whose running averages have settled on 256 images."""
    torch.manual_seed(0)
    model = Autoencoder(hidden=(32, 16), normalized=normalized)
    with torch.no_grad():
        for _ in range(120):
            model(images(256))
    return model


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("code", [1, 2, 8])
def test_one_narrowest_layer(code: int, normalized: bool) -> None:
    model = Autoencoder(code=code, normalized=normalized)
    widths = [m.out_features for m in model.modules() if isinstance(m, nn.Linear)]
    assert min(widths) == code and widths.count(code) == 1
    assert widths == [512, 256, 128, code, 128, 256, 512, 784]
    assert model.encoder(images(3)).shape == (3, code)


def test_bottleneck_is_linear() -> None:
    """Codes reach all four quadrants, and no activation follows the last layer of the encoder."""
    model = Autoencoder()
    assert isinstance(list(model.encoder.modules())[-1], nn.Linear)
    z = Autoencoder(hidden=()).encoder(
        images(500) * torch.linspace(-1, 1, 500)[:, None, None, None]
    )
    assert (z.amin(0) < 0).all() and (z.amax(0) > 0).all()


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
def test_output_has_the_shape_and_range_of_images(shape: tuple[int, int, int]) -> None:
    model = Autoencoder(image_shape=shape)
    x_hat = model(torch.rand(4, *shape)).detach()
    assert x_hat.shape == (4, *shape)
    far = model.decoder(torch.tensor([[1e4, -1e4], [0.0, 0.0], [-1e4, 3.0]])).detach()
    for x in (x_hat, far):
        assert float(x.min()) >= 0 and float(x.max()) <= 1


def test_normalised_code_in_training() -> None:
    """Whatever the batch, its own mean is 0 and its variance 1 (of the n, not n - 1, kind)."""
    model = trained()
    for seed, scale in ((1, 1.0), (2, 0.3)):
        z = model.encoder(images(200, seed) * scale).double()
        assert z.mean(0).abs().max() < 1e-5
        # batch normalisation divides by sqrt(variance + 1e-5)
        raw = model.encoder[:-1](images(200, seed) * scale).double()
        variance = raw.var(0, unbiased=False)
        torch.testing.assert_close(
            z.var(0, unbiased=False), variance / (variance + 1e-5), rtol=1e-4, atol=1e-6
        )


def test_normalised_code_in_evaluation() -> None:
    """Running averages: z = (h - m) / sqrt(v + ε) with the batch statistics' averages m and v."""
    model = trained().eval()
    normalisation = model.encoder[-1]
    h = model.encoder[:-1](images(50, 3))
    expected = (h - normalisation.running_mean) / (normalisation.running_var + 1e-5).sqrt()
    torch.testing.assert_close(model.encoder(images(50, 3)), expected)
    # they have settled on the images that they saw
    z = model.encoder(images(256)).double()
    assert z.mean(0).abs().max() < 1e-2 and (z.var(0) - 1).abs().max() < 1e-2
    # other images keep their other mean, which training mode would hide
    dark = model.encoder(images(256) * 0.3).double()
    assert dark.mean(0).abs().max() > 0.1


@pytest.mark.parametrize("normalized", [False, True])
def test_one_image_alone_equals_itself_in_a_batch(normalized: bool) -> None:
    model = trained(normalized).eval()
    batch = images(64, 5)
    alone = torch.cat([model(batch[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(alone, model(batch)[:4], rtol=1e-5, atol=1e-6)


def test_in_training_an_image_depends_on_its_batch() -> None:
    """The control of the test above: batch statistics do look at the neighbours."""
    model = trained().train()
    z = model.encoder(images(64, 5))[:4]
    other = model.encoder(torch.cat([images(4, 5), images(60, 6) * 0.3]))[:4]
    assert (z - other).abs().max() > 0.1


def test_no_scale_or_shift_is_learned_at_the_code() -> None:
    """Else the code's variance would not be 1."""
    plain, normalised = Autoencoder(), Autoencoder(normalized=True)
    assert count_parameters(plain) == count_parameters(normalised)
    assert count_parameters(nn.Linear(3, 2)) == 8


def test_mlp() -> None:
    layers = mlp((5, 4, 3), nn.ReLU)
    assert [type(layer) for layer in layers] == [nn.Linear, nn.ReLU, nn.Linear]
    assert mlp((5, 4))(torch.zeros(2, 5)).shape == (2, 4)
    shared = mlp((5, 4, 4, 3))
    assert shared[1] is not shared[3]


def test_dropout_touches_training_alone() -> None:
    """A share of the input pixels is left out and the others scaled up, so that their expectation stays."""
    torch.manual_seed(0)
    model = Autoencoder(hidden=(8,), dropout=0.3)
    seen: list[Tensor] = []
    first = next(m for m in model.encoder if isinstance(m, nn.Linear))
    first.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    ones = torch.ones(100, 1, 28, 28)
    model.train()(ones)
    model.eval()(ones)
    trained_on, evaluated_on = seen
    n = trained_on.numel()
    assert trained_on.unique().tolist() == pytest.approx([0, 1 / 0.7])
    dropped = float((trained_on == 0).double().mean())
    assert dropped == pytest.approx(0.3, abs=4 * (0.21 / n) ** 0.5)
    assert (evaluated_on == 1).all()


def test_decoder_of_sines() -> None:
    """The first hidden layer is sin(Wz + b) with W even between −frequency and frequency; the rest is as without."""
    torch.manual_seed(0)
    plain, waves = Autoencoder(), Autoencoder(frequency=1.5)
    first, sine = list(waves.decoder)[:2]
    assert isinstance(first, nn.Linear) and first.in_features == 2
    weight = first.weight.detach()
    assert weight.abs().max() <= 1.5 and weight.abs().max() > 1.4
    assert abs(float(weight.var()) - 1.5**2 / 3) < 4 * 1.5**2 * (4 / 45 / weight.numel()) ** 0.5
    h = torch.linspace(-9, 9, 50)
    torch.testing.assert_close(sine(h), h.sin())
    assert count_parameters(plain) == count_parameters(waves)
    kinds = [type(layer) for layer in waves.decoder]
    assert [type(layer) for layer in plain.decoder][2:] == kinds[2:]
    assert waves.state_dict().keys() == plain.state_dict().keys()


def inputs_of(model: Autoencoder, layer: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return what reaches `layer` in training and in evaluation."""
    seen: list[Tensor] = []
    with torch.no_grad(), layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])):
        model.train()(x)
        model.eval()(x)
    return seen[0], seen[1]


def test_hidden_dropout_touches_training_alone() -> None:
    """A share of what enters the encoder's last hidden layer is left out, the rest scaled up; the decoder has none."""
    torch.manual_seed(0)
    model = Autoencoder(hidden=(300, 200, 20), hidden_dropout=0.25)
    linear = [m for m in model.encoder if isinstance(m, nn.Linear)]
    trained_on, evaluated_on = inputs_of(model, linear[2], images(50))
    kept = trained_on != 0
    n = kept.numel()
    assert float((~kept).double().mean()) == pytest.approx(0.25, abs=4 * (0.1875 / n) ** 0.5)
    torch.testing.assert_close(trained_on[kept], evaluated_on[kept] / 0.75)
    assert bool((evaluated_on != 0).all())
    shares = [m.p for m in model.modules() if isinstance(m, nn.Dropout)]
    assert sorted(shares) == [0.0, 0.25]
    assert not any(isinstance(m, nn.Dropout) for m in model.decoder)


def test_code_noise_touches_training_alone() -> None:
    """Normal, of that share of each unit's own deviation over the batch, and no gradient goes through the deviation."""
    torch.manual_seed(0)
    model = Autoencoder(hidden=(8,), code_noise=0.1)
    with torch.no_grad():
        model.encoder[-1].weight *= torch.tensor([[1.0], [20.0]])
    x, n = images(4000), 4000
    decoded_in_training, decoded_in_evaluation = inputs_of(model, model.decoder[0], x)
    z = model.encoder(x).detach()
    torch.testing.assert_close(decoded_in_evaluation, z)
    noise = (decoded_in_training - z) / z.std(0)
    assert noise.std(0).tolist() == pytest.approx([0.1, 0.1], abs=0.4 / (2 * n) ** 0.5)
    assert noise.mean(0).tolist() == pytest.approx([0, 0], abs=0.4 / n**0.5)
    assert float(z[:, 1].std()) > 5 * float(z[:, 0].std())  # the units do differ


def test_no_gradient_goes_through_the_scale_of_the_code_noise() -> None:
    """The noise is added, and no more: a decoder that returns its code has the encoder's gradient unchanged.

    Through the deviation the loss would have a say in how wide the noise is, against its purpose.
    """
    torch.manual_seed(0)
    model = Autoencoder(hidden=(8,), code=784, code_noise=0.5)
    codes: list[Tensor] = []
    model.encoder.register_forward_hook(lambda *found: codes.append(found[2]))
    model.decoder = nn.Sequential(nn.Unflatten(1, (1, 28, 28)))
    decoded = model.train()(images(50)).flatten(1)
    assert not torch.equal(decoded, codes[0])
    slope = torch.randn(decoded.shape)
    assert torch.equal(torch.autograd.grad(decoded, codes[0], slope)[0], slope)


@pytest.mark.parametrize("option", ["frequency", "hidden_dropout"])
def test_without_a_hidden_layer_its_options_are_refused(option: str) -> None:
    with pytest.raises(ValueError, match="hidden layer"):
        Autoencoder(hidden=(), **{option: 0.5})
    Autoencoder(hidden=(), code_noise=0.5)
