"""How the chapters draw codes, and how they measure errors."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from chapters_lib import data
from chapters_lib.data import to_float
from chapters_lib.models.autoencoder import Autoencoder
from chapters_lib.recipes import autoencoder
from chapters_lib.recipes.autoencoder import (
    chosen_codes,
    code_box,
    fitted_normal_codes,
    reconstruction_mse,
    standard_normal_codes,
    uniform_codes,
)


def training_codes(n: int = 20_000) -> Tensor:
    """Codes far from standard normal: another mean, another scale, skewed."""
    draw = torch.Generator().manual_seed(5)
    z = torch.rand(n, 2, generator=draw).square() * torch.tensor([4.0, 30.0])
    return z + torch.tensor([-10.0, 3.0])


@pytest.mark.parametrize(
    "draw",
    [
        lambda seed: standard_normal_codes(300, 2, seed),
        lambda seed: uniform_codes(300, code_box(training_codes()), seed),
        lambda seed: fitted_normal_codes(300, training_codes(), seed),
        lambda seed: chosen_codes(300, training_codes(), seed),
    ],
)
def test_draws_follow_their_seed_alone(draw) -> None:
    state = torch.get_rng_state()
    first = draw(0)
    assert first.shape == (300, 2) and torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(7)
    assert torch.equal(draw(0), first) and not torch.equal(draw(1), first)


def test_standard_normal_codes() -> None:
    n = 10_000
    z = standard_normal_codes(n, 3).double()
    assert z.mean(0).abs().max() < 4 / math.sqrt(n)
    assert (z.var(0) - 1).abs().max() < 4 * math.sqrt(2 / n)


def test_box_holds_the_central_99_percent() -> None:
    codes = training_codes()
    box = code_box(codes)
    inside = (codes > box[0]) & (codes < box[1])
    assert inside.double().mean(0).tolist() == pytest.approx([0.99, 0.99], abs=2e-4)
    assert ((codes <= box[0]).double().mean(0) - 0.005).abs().max() < 2e-4


def test_uniform_codes_fill_the_box() -> None:
    n, box = 10_000, torch.tensor([[-10.0, 2.0], [-6.0, 5.0]])
    z = uniform_codes(n, box)
    assert (z >= box[0]).all() and (z < box[1]).all()
    share = ((z - box[0]) / (box[1] - box[0])).double()
    assert (share.mean(0) - 0.5).abs().max() < 4 / math.sqrt(12 * n)
    assert (share.var(0) - 1 / 12).abs().max() < 4 / math.sqrt(180 * n)


def test_fitted_normal_codes() -> None:
    n, codes = 10_000, training_codes()
    z = fitted_normal_codes(n, codes).double()
    scale = codes.double().std(0)
    assert ((z.mean(0) - codes.double().mean(0)) / scale).abs().max() < 4 / math.sqrt(n)
    assert (z.var(0) / scale.square() - 1).abs().max() < 4 * math.sqrt(2 / n)


def test_chosen_codes_are_training_codes() -> None:
    codes = training_codes(500)
    z = chosen_codes(400, codes)
    known = {tuple(row) for row in codes.tolist()}
    found = [tuple(row) for row in z.tolist()]
    assert set(found) <= known and len(set(found)) == 400  # without replacement
    assert found != [tuple(row) for row in codes[:400].tolist()]


@pytest.mark.parametrize("training", [True, False])
def test_error_over_a_whole_set(training: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean over all images, however they fall into parts, in evaluation mode; the mode is put back."""
    torch.manual_seed(0)
    model = Autoencoder(hidden=(16,), normalized=True, dropout=0.5).train(training)
    dataset = data.load("digits", "test")
    model.eval()
    with torch.no_grad():
        x = to_float(dataset.images)
        each = (x - model(x)).square().mean((1, 2, 3)).double()
    model.train(training)
    large = dataset.subset(torch.arange(len(dataset)).repeat(7)[:2300])  # two parts of unequal size
    expected = float(each.repeat(7)[:2300].mean())
    assert reconstruction_mse(model, large) == pytest.approx(expected, rel=1e-6)
    assert model.training is training
    torch.testing.assert_close(
        autoencoder.image_errors(model, large).double(), each.repeat(7)[:2300], rtol=1e-4, atol=1e-7
    )
