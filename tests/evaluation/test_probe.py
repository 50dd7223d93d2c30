"""What probes read of the class: all of it, none of it, never more than there is."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from chapters_lib.evaluation.probe import class_information, linear_probe, nearest_neighbours


def lumps(count: int, apart: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Draw codes of ten classes, each about a corner of its own, and their labels."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 10, (count,), generator=draw)
    return apart * torch.eye(10)[labels] + torch.randn(count, 10, generator=draw), labels


def shuffled(labels: Tensor, seed: int = 0) -> Tensor:
    return labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))]


def test_distinct_classes_are_read() -> None:
    """Nearly log 10 nats of them, and not more."""
    found = class_information(*lumps(1500, 12.0), *lumps(800, 12.0, 1))
    assert found["probe_train_accuracy"] == found["knn_test_accuracy"] == 1
    assert found["probe_test_accuracy"] == 1
    assert math.log(10) - 0.05 < found["class_information"] <= math.log(10)
    assert found["silhouette"] > 0.5


def test_shuffled_labels_are_read_at_chance() -> None:
    """Codes that hold the class, labels that do not: each accuracy within 4 standard errors of a tenth."""
    (x, y), (test_x, test_y) = lumps(3000, 6.0), lumps(1500, 6.0, 1)
    found = class_information(x, shuffled(y), test_x, shuffled(test_y))
    for key in ("probe_test_accuracy", "knn_test_accuracy"):
        assert found[key] == pytest.approx(0.1, abs=4 * math.sqrt(0.09 / 1500))
    assert -0.1 < found["class_information"] < 0.01
    assert abs(found["silhouette"]) < 0.1


def test_more_of_the_class_is_more_information() -> None:
    values = [
        class_information(*lumps(1500, apart), *lumps(800, apart, 1)) for apart in (0.0, 2.0, 5.0)
    ]
    for key in ("class_information", "probe_test_accuracy", "knn_test_accuracy", "silhouette"):
        assert values[0][key] < values[1][key] < values[2][key] <= math.log(10)


def test_information_counts_from_the_entropy_of_the_test_labels() -> None:
    """Among two classes there are log 2 nats to read, though the probe knows ten."""
    x, y = lumps(1500, 12.0)
    test_x, test_y = lumps(800, 12.0, 1)
    two = test_y < 2
    found = class_information(x, y, test_x[two], test_y[two])
    assert found["class_information"] == pytest.approx(math.log(2), abs=0.05)


def test_the_probe_does_not_mind_units() -> None:
    """A unit measured in thousandths weighs as much: the features are standardised."""
    (x, y), (test_x, test_y) = lumps(1000, 3.0), lumps(500, 3.0, 1)
    units = torch.tensor([1e-3, 1e3] * 5)
    plain, scaled = linear_probe(x, y), linear_probe(x * units, y)
    test = test_x.double().numpy(), (test_x * units).double().numpy()
    assert plain.score(test[0], test_y.numpy()) == pytest.approx(
        scaled.score(test[1], test_y.numpy()), abs=0.005
    )
    assert nearest_neighbours(x, y).n_neighbors == 10
