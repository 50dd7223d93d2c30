"""The VAE's distributions and layers: the pixels' score, the sheets' networks, where the class goes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Independent
from torch.nn import functional as F

from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.models.layers import Sine, count_parameters
from chapters_lib.models.vae import VAE, BernoulliImage, GaussianDecoder, fully_connected
from chapters_lib.objectives.elbo import elbo, negative_elbo
from chapters_lib.recipes.vae import build


def images(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, 1, 28, 28, generator=torch.Generator().manual_seed(seed))


def logits(*shape: int, scale: float = 3.0) -> Tensor:
    return torch.randn(*shape, 1, 28, 28, generator=torch.Generator().manual_seed(1)) * scale


def widths(module: nn.Module) -> list[tuple[int, int]]:
    """Return inputs and outputs of a module's linear layers, in their order."""
    return [(m.in_features, m.out_features) for m in module.modules() if isinstance(m, nn.Linear)]


def kinds(module: nn.Module) -> list[type]:
    """Return the types of a module's layers, in their order."""
    return [type(m) for m in module.modules() if not list(m.children())]


# the score of pixels


def test_binary_pixels_score_as_torchs_bernoulli() -> None:
    x, scores = images(5).round(), logits(5)
    expected = Independent(Bernoulli(logits=scores), 3).log_prob(x)
    torch.testing.assert_close(BernoulliImage(scores).log_prob(x), expected, rtol=1e-5, atol=1e-3)


def test_grey_pixels_score_as_their_cross_entropy() -> None:
    x, scores = images(5), logits(5)
    expected = F.binary_cross_entropy_with_logits(scores, x, reduction="none").sum((1, 2, 3))
    found = BernoulliImage(scores).log_prob(x)
    assert found.shape == (5,)
    torch.testing.assert_close(found, -expected, rtol=1e-5, atol=1e-3)
    mean = BernoulliImage(scores).mean.double()
    by_hand = (x * mean.log() + (1 - x) * (1 - mean).log()).sum((1, 2, 3))
    torch.testing.assert_close(found.double(), by_hand, rtol=1e-4, atol=1e-2)


def test_scores_of_several_codes_an_image() -> None:
    """K codes for each of n images, which are not repeated: shape (K, n)."""
    x, scores = images(4), logits(7, 4)
    found = BernoulliImage(scores).log_prob(x)
    assert found.shape == (7, 4)
    for k in range(7):
        torch.testing.assert_close(found[k], BernoulliImage(scores[k]).log_prob(x))


@pytest.mark.parametrize("size", [100.0, -100.0])
def test_scores_of_sure_decoders_are_finite(size: float) -> None:
    """exp(−100) is no float32 beside 1: a logarithm of the rounded mean would be infinite."""
    scores = torch.full((1, 1, 28, 28), size, requires_grad=True)
    right, wrong = float(size > 0), float(size < 0)
    p = BernoulliImage(scores)
    assert float(p.log_prob(torch.full((1, 1, 28, 28), right)).detach()) == pytest.approx(
        0, abs=1e-6
    )
    found = p.log_prob(torch.full((1, 1, 28, 28), wrong))
    assert float(found.detach()) == pytest.approx(-784 * 100, rel=1e-6)
    found.sum().backward()
    assert scores.grad is not None
    torch.testing.assert_close(scores.grad, torch.full_like(scores, wrong - right))


def test_means_are_logistic_sigmoids() -> None:
    """Each pixel its own, so that they do not sum to 1."""
    scores = logits(2)
    p = BernoulliImage(scores)
    torch.testing.assert_close(p.mean, scores.sigmoid())
    assert float(p.mean.min()) > 0 and float(p.mean.max()) < 1
    assert p.event_shape == (1, 28, 28) and p.batch_shape == (2,)


# shapes


@pytest.mark.parametrize("gaussian", [False, True])
@pytest.mark.parametrize("classes", [0, 10])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 8, 4)])
def test_shapes(gaussian: bool, classes: int, shape: tuple[int, int, int]) -> None:
    model = fully_connected(
        hidden=(12, 6), latent=3, gaussian=gaussian, classes=classes, image_shape=shape
    )
    x = torch.rand(5, *shape)
    y = (torch.eye(10)[:5],) if classes else ()
    q = model.encoder(x, *y)
    assert q.mean.shape == q.stddev.shape == (5, 3) and q.log_prob(q.mean).shape == (5,)
    assert bool((q.stddev > 0).all())
    p = model.decoder(q.rsample((7,)), *y)
    assert p.mean.shape == (7, 5, *shape) and p.log_prob(x).shape == (7, 5)
    z = model.prior().sample((4,))
    assert z.shape == (4, 3)
    x_hat = model(x, *y)
    assert x_hat.shape == x.shape and bool(((x_hat >= 0) & (x_hat <= 1)).all())
    torch.testing.assert_close(x_hat, model.decoder(q.mean, *y).mean)


def test_encoders_outputs_are_mean_and_log_variance() -> None:
    model = fully_connected(hidden=(), latent=2)
    outputs = model.encoder.net(images(3).flatten(1))
    q = model.encoder(images(3))
    torch.testing.assert_close(q.mean, outputs[:, :2])
    torch.testing.assert_close(q.variance, outputs[:, 2:].exp())


def test_prior_is_standard_normal() -> None:
    p = fully_connected(hidden=(4,), latent=3).prior()
    assert torch.equal(p.mean, torch.zeros(3)) and torch.equal(p.stddev, torch.ones(3))
    assert count_parameters(fully_connected(hidden=(4,), latent=3).prior) == 0


# the sheets' networks


def test_layers_of_the_first_sheet() -> None:
    """784-200-(2·32) with tanh and dropout; 32-200-784 with tanh, without."""
    for name in ("vae-fc-mnist", "vae-fc-mnist-weight-0.5"):
        model = build(EXPERIMENTS[name].config)
        assert widths(model.encoder) == [(784, 200), (200, 64)]
        assert kinds(model.encoder) == [nn.Linear, nn.Tanh, nn.Dropout, nn.Linear]
        assert widths(model.decoder) == [(32, 200), (200, 784)]
        assert kinds(model.decoder) == [nn.Linear, nn.Tanh, nn.Linear]
        assert 0 < model.get_submodule("encoder.net.2").p < 1
        assert isinstance(model.decoder(torch.zeros(1, 32)), BernoulliImage)
    bare = build(EXPERIMENTS["vae-fc-mnist-no-dropout"].config)
    assert kinds(bare.encoder) == [nn.Linear, nn.Tanh, nn.Linear]
    config = EXPERIMENTS["vae-fc-mnist"].config
    assert (config.epochs, config.batch_size, config.beta) == (150, 100, 1.0)


def test_layers_of_the_second_sheet() -> None:
    """fc1 784-400; fc21 and fc22 400-20 side by side in one layer of 40; fc3 20-400; fc4 400-784; ReLU."""
    config = EXPERIMENTS["vae-fashion-mnist"].config
    model = build(config)
    assert widths(model.encoder) == [(784, 400), (400, 40)]
    assert widths(model.decoder) == [(20, 400), (400, 784)]
    assert kinds(model.encoder) == kinds(model.decoder) == [nn.Linear, nn.ReLU, nn.Linear]
    two = 784 * 400 + 400 + 2 * (400 * 20 + 20) + 20 * 400 + 400 + 400 * 784 + 784
    assert count_parameters(model) == two
    assert (config.batch_size, config.learning_rate, config.beta) == (128, 1e-3, 1.0)


def test_layers_of_the_conditional_model() -> None:
    model = build(EXPERIMENTS["cvae-fashion-mnist"].config)
    assert widths(model.encoder) == [(794, 400), (400, 40)]
    assert widths(model.decoder) == [(30, 400), (400, 784)]
    control = build(EXPERIMENTS["cvae-decoder-only-fashion-mnist"].config)
    assert widths(control.encoder) == [(784, 400), (400, 40)]
    assert widths(control.decoder) == [(30, 400), (400, 784)]


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_layers_of_the_autoencoder_made_into_a_vae(name: str) -> None:
    """The first chapter's network, but for the two numbers a code unit now takes."""
    plain = EXPERIMENTS[f"ae-{name}"]
    old = plain.build(plain.config)
    model = build(EXPERIMENTS[f"vae-2d-{name}"].config)
    assert widths(model.encoder)[:-1] == widths(old.encoder)[:-1]
    assert widths(model.encoder)[-1] == (widths(old.encoder)[-1][0], 4)
    assert widths(model.decoder) == widths(old.decoder)
    assert isinstance(model.decoder, GaussianDecoder)
    assert (Sine in kinds(model.decoder)) == (Sine in kinds(old.decoder))


def test_dropout_is_the_encoders_and_of_training_alone() -> None:
    torch.manual_seed(0)
    model = fully_connected(hidden=(50,), latent=2, dropout=0.5, input_dropout=0.1)
    x, z = images(4), torch.randn(4, 2)
    assert kinds(model.encoder)[0] is nn.Dropout and nn.Dropout not in kinds(model.decoder)
    assert not torch.equal(model.encoder(x).mean, model.encoder(x).mean)
    assert torch.equal(model.decoder(z).logits, model.decoder(z).logits)
    model.eval()
    assert torch.equal(model.encoder(x).mean, model.encoder(x).mean)


def test_decoder_of_sines() -> None:
    torch.manual_seed(0)
    model = fully_connected(hidden=(60, 50), latent=2, frequency=4.0)
    assert kinds(model.decoder) == [nn.Linear, Sine, nn.Linear, nn.ReLU, nn.Linear]
    weight = model.get_parameter("decoder.net.0.weight").detach()
    assert 3.5 < float(weight.abs().max()) <= 4
    assert Sine not in kinds(model.encoder)


# the class


def conditional(**settings: object) -> VAE:
    torch.manual_seed(2)
    return fully_connected(**({"hidden": (30,), "latent": 3, "classes": 10} | settings)).eval()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": (), "frequency": 4.0}, "sines are a hidden layer"),
        ({"hidden": (4,), "input_dropout": 0.1, "classes": 10}, "drop the class"),
    ],
)
def test_settings_that_contradict_each_other(settings: dict[str, Any], message: str) -> None:
    """They are refused; with the class left to the decoder pixels may be dropped."""
    with pytest.raises(ValueError, match=message):
        fully_connected(latent=2, **settings)
    fully_connected(hidden=(4,), latent=2, input_dropout=0.1, classes=10, encoder_sees_class=False)


def test_the_class_reaches_both_halves() -> None:
    model, x, z = conditional(), images(6), torch.randn(6, 3)
    y, other = F.one_hot(torch.arange(6), 10).float(), F.one_hot(torch.arange(6) + 1, 10).float()
    for before, after in (
        (model.encoder(x, y).mean, model.encoder(x, other).mean),
        (model.encoder(x, y).stddev, model.encoder(x, other).stddev),
        (model.decoder(z, y).mean, model.decoder(z, other).mean),
        (model(x, y), model(x, other)),
    ):
        changed = (before - after).abs().flatten(1).amax(1)
        assert bool((changed > 1e-4).all())
    with pytest.raises(RuntimeError):
        model(x)  # it cannot do without


def test_the_control_shows_the_class_to_its_decoder_alone() -> None:
    model, x, z = conditional(encoder_sees_class=False), images(6), torch.randn(6, 3)
    y, other = F.one_hot(torch.arange(6), 10).float(), F.one_hot(torch.arange(6) + 1, 10).float()
    assert torch.equal(model.encoder(x, y).mean, model.encoder(x, other).mean)
    assert torch.equal(model.encoder(x, y).stddev, model.encoder(x, other).stddev)
    assert not torch.allclose(model.decoder(z, y).mean, model.decoder(z, other).mean)


def test_each_code_is_given_its_images_class() -> None:
    """Over leading dimensions too: (K, n) codes, n classes."""
    model, z = conditional(), torch.randn(4, 6, 3)
    y = F.one_hot(torch.arange(6), 10).float()
    found = model.decoder(z, y).mean
    for k in range(4):
        torch.testing.assert_close(found[k], model.decoder(z[k], y).mean)
    torch.testing.assert_close(found[1, 2:3], model.decoder(z[1, 2:3], y[2:3]).mean)


# the Gaussian decoder


def test_learned_scale_comes_to_be_the_error() -> None:
    """Where the network cannot move, s² becomes the mean squared error."""
    torch.manual_seed(3)
    model = fully_connected(hidden=(4,), latent=2, gaussian=True)
    scale = model.get_parameter("decoder.log_scale")
    x, z, before = images(20), torch.zeros(20, 2), float(scale.detach().exp())
    optimizer = torch.optim.Adam([scale], 0.05)
    for _ in range(200):
        optimizer.zero_grad()
        (-model.decoder(z).log_prob(x).mean()).backward()
        optimizer.step()
    error = float((x - model.decoder(z).mean).detach().square().mean())
    assert float(scale.detach().exp()) == pytest.approx(error**0.5, rel=1e-3)
    assert abs(before - error**0.5) > 0.05


def test_scale_is_one_number_and_gets_a_gradient() -> None:
    model = fully_connected(hidden=(4,), latent=2, gaussian=True)
    assert model.get_parameter("decoder.log_scale").shape == ()
    negative_elbo(elbo(model, images(3))).backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in model.decoder.parameters())
