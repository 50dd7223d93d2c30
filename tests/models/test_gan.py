"""The fully connected pair layer by layer, and what is left alone while the other network is trained."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.models.gan import GAN, frozen, fully_connected, unmoved, without_dropout
from chapters_lib.models.layers import count_parameters
from chapters_lib.recipes.gan import build


@pytest.fixture
def gan() -> GAN:
    torch.manual_seed(0)
    return fully_connected(noise=5, width=12, dropout=0.3)


def images(count: int = 8) -> Tensor:
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(7))


def leaves(module: nn.Module) -> list[nn.Module]:
    return [part for part in module.modules() if not list(part.children())]


def widths(module: nn.Module) -> list[tuple[int, int]]:
    return [(p.in_features, p.out_features) for p in leaves(module) if isinstance(p, nn.Linear)]


def state(module: nn.Module) -> dict[str, Tensor]:
    return deepcopy(module.state_dict())


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


# the sheet's layers

BETWEEN = [nn.Linear, nn.BatchNorm1d, nn.ReLU]


def test_layers_of_the_sheet() -> None:
    """G: four linear layers; D: dropout first, then three; ReLU and batch norm between, 256 wide."""
    config = EXPERIMENTS["gan-fc-mnist"].config
    model = build(config)
    g, d = model.generator, model.discriminator
    assert [type(part) for part in leaves(g)] == [*BETWEEN * 3, nn.Linear]
    assert widths(g) == [(config.noise, 256), (256, 256), (256, 256), (256, 784)]
    assert [type(part) for part in leaves(d)] == [nn.Dropout, nn.Flatten, *BETWEEN * 2, nn.Linear]
    assert widths(d) == [(784, 256), (256, 256), (256, 1)]
    in_layers = sum((a + 1) * b for a, b in widths(g) + widths(d))
    assert count_parameters(model) == in_layers + 2 * 256 * (3 + 2)
    assert config.saturating and config.discriminator_steps == 1 and config.fresh_noise


def test_the_last_layers_are_a_sigmoid_and_a_logit(gan: GAN) -> None:
    gan.eval()
    z = 3 * torch.randn(6, 5)
    x = gan.generator(z)
    assert x.shape == (6, 1, 28, 28) and 0 < float(x.detach().min()) < float(x.detach().max()) < 1
    torch.testing.assert_close(x.flatten(1), gan.generator.body(z).sigmoid())
    logits = gan.discriminator(images())
    assert logits.shape == (8,)
    by_hand = gan.discriminator.features(images()) @ gan.discriminator.head.weight[0]
    torch.testing.assert_close(logits, by_hand + gan.discriminator.head.bias)
    torch.testing.assert_close(gan.discriminator.probability(images()), 1 / (1 + (-logits).exp()))


def test_dropout_hides_pixels_while_training_alone(gan: GAN) -> None:
    d = gan.discriminator
    seen: list[Tensor] = []
    flatten = next(part for part in d.body if isinstance(part, nn.Flatten))
    flatten.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    for mode in (True, False):
        d.train(mode)
        d(images(200) + 0.1)
    hidden = (seen[0] == 0).double().mean()
    assert abs(float(hidden) - 0.3) < 0.01
    assert torch.equal(seen[1], images(200) + 0.1)


def test_noise_is_standard_normal_from_torchs_generator(gan: GAN) -> None:
    torch.manual_seed(3)
    z = gan.draw_noise(4000)
    assert z.shape == (4000, 5)
    assert abs(float(z.mean())) < 0.03 and abs(float(z.var()) - 1) < 0.05
    torch.manual_seed(3)
    assert torch.equal(z, gan.draw_noise(4000))
    assert not torch.equal(z, gan.draw_noise(4000))


def test_dropout_can_be_taken_away(gan: GAN) -> None:
    d = gan.discriminator
    assert not torch.equal(d(images()), d(images()))
    without_dropout(d)
    assert torch.equal(d(images()), d(images())) and len(d(images()).unique()) == 8


# what is left alone


def test_through_a_frozen_discriminator_gradients_reach_the_generator_alone(gan: GAN) -> None:
    g, d = gan.generator, gan.discriminator
    before = state(d)
    with frozen(d):
        d(g(gan.draw_noise(8))).sum().backward()
    assert same(state(d), before)
    assert all(p.grad is None for p in d.parameters())
    assert all(p.grad is not None for p in g.parameters())
    assert float(g.body[0].weight.grad.abs().sum()) > 0


def test_a_frozen_discriminator_goes_on_normalising_by_the_batch(gan: GAN) -> None:
    d = gan.discriminator
    torch.manual_seed(1)
    plain = deepcopy(d)(images())
    torch.manual_seed(1)
    with frozen(d):
        held = d(images())
    assert torch.equal(plain, held)
    assert not torch.allclose(plain, d.eval()(images()))


@pytest.mark.parametrize("held", [frozen, unmoved])
def test_statistics_stand_still_inside_and_move_again_behind(gan: GAN, held) -> None:
    d = gan.discriminator
    for part in d.modules():
        if isinstance(part, nn.BatchNorm1d):
            part.momentum = None  # a cumulative mean, which divides by the number of batches seen
    before = state(d)
    with held(d):
        d(images())
    assert same(state(d), before)
    d(images())
    moved = {key for key, value in d.state_dict().items() if not torch.equal(value, before[key])}
    assert moved == {key for key in before if key.rpartition(".")[2] in STATISTICS}


STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def test_everything_is_put_back_after_an_error(gan: GAN) -> None:
    d = gan.discriminator
    d.head.bias.requires_grad_(False)
    needed = [p.requires_grad for p in d.parameters()]
    with pytest.raises(RuntimeError), frozen(d):
        assert not any(p.requires_grad for p in d.parameters())
        d(torch.zeros(3, 1, 5, 5))
    assert [p.requires_grad for p in d.parameters()] == needed
    assert all(p.track_running_stats for p in d.modules() if isinstance(p, nn.BatchNorm1d))


def test_in_evaluation_mode_the_running_statistics_are_used_as_ever(gan: GAN) -> None:
    d = gan.discriminator
    d(3 * images())
    d.eval()
    plain = d(images())
    with unmoved(d):
        assert torch.equal(d(images()), plain)
