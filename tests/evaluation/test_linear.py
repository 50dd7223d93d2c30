"""One linear layer: the minimum that it should find, at chance where there is nothing to find, whatever the units."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from chapters_lib.evaluation.linear import linear_layer, train_linear


def lumps(count: int, apart: float, seed: int = 0, classes: int = 10) -> tuple[Tensor, Tensor]:
    """Draw features of ten classes, each about a corner of its own, and their labels."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, classes, (count,), generator=draw)
    return apart * torch.eye(20)[labels] + torch.randn(count, 20, generator=draw), labels


def test_it_is_scikit_learns_minimum() -> None:
    """Mean cross-entropy + λ/2‖V‖² is C = 1/(λN) there, on features of mean 0 and deviation 1/√p."""
    x, y = lumps(400, 2.0)
    for decay in (1e-2, 1e-3):
        (layer,) = train_linear(x, y, [decay], steps=500)
        units = (x - x.mean(0)) / x.std(0, unbiased=False) / math.sqrt(20)
        other = LogisticRegression(C=1 / (decay * len(x)), tol=1e-8, max_iter=5000)
        other.fit(units.double().numpy(), y.numpy())
        ours, theirs = layer.logits(x).double(), other.decision_function(units.double().numpy())
        ours = ours - ours.mean(1, keepdim=True)
        np.testing.assert_allclose(ours.numpy(), theirs - theirs.mean(1, keepdims=True), atol=2e-2)


def test_a_path_ends_where_each_decay_alone_does() -> None:
    """A warm start changes how soon the minimum is reached, not which."""
    x, y = lumps(400, 2.0)
    path = train_linear(x, y, (1e-2, 1e-3), steps=500)
    (alone,) = train_linear(x, y, (1e-3,), steps=500)
    torch.testing.assert_close(path[1].logits(x), alone.logits(x), atol=2e-2, rtol=0)


def test_distinct_classes_are_read_and_units_do_not_matter() -> None:
    (x, y), (test_x, test_y) = lumps(1000, 6.0), lumps(500, 6.0, 1)
    units = torch.logspace(-2, 2, 20)
    plain, decay = linear_layer(x, y)
    scaled, same_decay = linear_layer(x * units + 3, y)
    assert plain.accuracy(test_x, test_y) > 0.97
    assert decay == same_decay
    assert scaled.accuracy(test_x * units + 3, test_y) == pytest.approx(
        plain.accuracy(test_x, test_y), abs=0.005
    )


def test_shuffled_labels_are_read_at_chance() -> None:
    """Fitted better than that where it was trained, and within four standard errors of a tenth elsewhere."""
    (x, y), (test_x, test_y) = lumps(1000, 6.0), lumps(2000, 6.0, 1)
    draw = torch.Generator().manual_seed(0)
    y, test_y = (
        y[torch.randperm(1000, generator=draw)],
        test_y[torch.randperm(2000, generator=draw)],
    )
    layer, _ = linear_layer(x, y)
    assert layer.accuracy(test_x, test_y) == pytest.approx(0.1, abs=4 * math.sqrt(0.09 / 2000))
    assert layer.accuracy(x, y) > 0.13


def test_the_decay_is_chosen_on_what_is_held_out() -> None:
    """Noise alone asks for the strongest decay; many clean examples for a weaker one."""
    draw = torch.Generator().manual_seed(0)
    noise, labels = (
        torch.randn(300, 200, generator=draw),
        torch.randint(0, 2, (300,), generator=draw),
    )
    noise[:, 0] += 2.0 * labels
    _, strong = linear_layer(noise, labels, decays=(1.0, 1e-1, 1e-2, 1e-6), classes=2)
    _, weak = linear_layer(*lumps(2000, 1.5), decays=(1e3, 1e-2))
    assert strong > 1e-6 and weak == 1e-2


def test_of_equally_accurate_decays_the_largest_is_taken() -> None:
    x = torch.linspace(8, 9, 40)[:, None]
    x, y = torch.cat([-x, x]), torch.tensor([0, 1]).repeat_interleave(40)
    layer, decay = linear_layer(x, y, decays=(1e-4, 1e-2, 1e-3), classes=2)
    (same,) = train_linear(x, y, (1e-2,), classes=2)
    assert decay == 1e-2 and torch.equal(layer.weight, same.weight)


def test_a_single_decay_is_taken_without_a_choice() -> None:
    """Nothing is held out for it: two examples, one a class, are enough."""
    x, y = torch.tensor([[-1.0, 2.0], [1.0, 2.0]]), torch.tensor([0, 1])
    layer, decay = linear_layer(x, y, decays=(1e-3,), classes=2)
    assert decay == 1e-3 and layer.accuracy(x, y) == 1


def test_features_that_never_change_get_no_weight() -> None:
    x, y = lumps(300, 6.0)
    x[:, 15] = 0.5
    (layer,) = train_linear(x, y, [1e-3])
    assert (layer.weight[:, 15] == 0).all() and layer.weight.isfinite().all()
