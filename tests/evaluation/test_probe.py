"""What probes read of the class: all of it, none of it, never more than there is."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import silhouette_score
from torch import Tensor

from chapters_lib.evaluation import probe
from chapters_lib.evaluation.probe import (
    class_in_codes,
    class_information,
    linear_probe,
    nearest_neighbours,
)


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


def shapes(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Draw codes of ten classes with one centre, each spread along an axis of its own, and their labels."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 10, (count,), generator=draw)
    spread = 1 + 7 * torch.eye(10)[labels]
    return spread * torch.randn(count, 10, generator=draw), labels


def test_shapes_are_read_by_the_quadratic_classifier_alone() -> None:
    """Classes of one centre: the linear probe vouches for no information, whatever their covariances."""
    found = class_information(*shapes(6000), *shapes(3000, 1))
    assert found["class_information"] < 0.02
    assert found["quadratic_test_accuracy"] > 0.6
    assert 1 < found["quadratic_information"] <= math.log(10)


def test_the_silhouette_is_that_of_the_first_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "SILHOUETTE_SIZE", 60)
    x, y = lumps(200, 3.0)
    found = class_information(x, y, x, y)["silhouette"]
    assert found == pytest.approx(silhouette_score(x[:60].double().numpy(), y[:60].numpy()))


def test_a_sure_mistake_counts_in_full() -> None:
    """A class taken for another with probability e^-1600 costs 1600 nats, not as many as a double can tell from 0."""
    x = torch.tensor([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]).repeat(50, 1)
    draw = torch.Generator().manual_seed(0)
    near, far = (
        x + 0.01 * torch.randn(x.shape, generator=draw) + torch.tensor([shift, 0.0])
        for shift in (0.0, 40.0)
    )
    train, labels = torch.cat([near, far]), torch.tensor([0, 1]).repeat_interleave(200)
    test = torch.tensor([[0.0, 0.0], [0.0, 0.0], [40.0, 0.0], [40.0, 0.0]])
    found = class_information(train, labels, test, torch.tensor([0, 1, 1, 1]))
    assert -math.inf < found["class_information"] < math.log(2)
    variance = 0.5 * 200 / 199 * (1 - 1e-4)
    assert found["quadratic_information"] == pytest.approx(-(1600 / variance / 2) / 4, rel=0.05)


@pytest.mark.parametrize(("spread", "read"), [(0.09, False), (0.11, True)])
def test_active_units_are_those_the_likelihood_counts(spread: float, read: bool) -> None:
    """By the one threshold of a variance of 0.01; where none passes it, only the one that varies most is read."""
    draw = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (600,), generator=draw)
    loc = torch.randn(600, 2, generator=draw) * torch.tensor([0.095, 1e-3])
    loc[:, 1] += spread * (2.0 * labels - 1)
    loc[:, 0] *= 0.095 / loc[:, 0].std()
    if not read:  # unit 1 is the one below the other's variance
        loc[:, 1] *= 0.9
    made = (loc, torch.ones_like(loc)), labels
    found = class_in_codes(*made, *made)["active_probe_test_accuracy"]
    assert (found > 0.99) is read


@pytest.mark.parametrize("classes", [2, 3])
def test_the_linear_probe_is_scored_as_it_says(classes: int) -> None:
    """By its probabilities where they are none too small, and without end where one is."""
    (x, y), (test_x, test_y) = lumps(1500, 3.0), lumps(800, 3.0, 1)
    known, asked = y < classes, test_y < classes
    fitted = linear_probe(x[known], y[known])
    said = fitted.predict_proba(test_x[asked].double().numpy())
    right = torch.from_numpy(said)[torch.arange(len(said)), test_y[asked]].log().mean()
    share = torch.bincount(test_y[asked]).double() / len(said)
    expected = float(torch.special.entr(share).sum() + right)
    found = class_information(x[known], y[known], test_x[asked], test_y[asked])
    assert found["class_information"] == pytest.approx(expected, rel=1e-9)
    far = class_information(x[known], y[known], 1000 * test_x[asked], test_y[asked])
    assert -math.inf < far["class_information"] < -10


def codes(count: int, scale: float, seed: int = 0) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Make codes whose means are the class in ten units, and noise as wide as the means vary in one more."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 10, (count,), generator=draw)
    idle = 0.05 * torch.eye(10)[labels] + 0.005 * torch.randn(count, 10, generator=draw)
    loc = torch.cat([idle, torch.randn(count, 1, generator=draw)], 1)
    return (loc, torch.full_like(loc, scale)), labels


def test_class_below_the_noise() -> None:
    """Means of some hundredths spell the class: a probe reads them, but not from z nor from the active unit."""
    found = class_in_codes(*codes(3000, 1.0), *codes(1500, 1.0, 1))
    assert found["probe_test_accuracy"] > 0.99
    for key in ("z_probe_test_accuracy", "active_probe_test_accuracy"):
        assert found[key] == pytest.approx(0.1, abs=0.04)
    assert found["z_class_information"] < 0.02
    free = class_in_codes(*codes(3000, 1e-4), *codes(1500, 1e-4, 1))  # without noise, z is the mean
    assert free["z_probe_test_accuracy"] > 0.99


def test_codes_are_drawn_by_noise_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those read on by other noise than those fitted on: the same noise in both would say what was not learned."""
    seen: list[tuple[Tensor, Tensor]] = []
    original = probe.class_information

    def spy(train: Tensor, labels: Tensor, test: Tensor, test_labels: Tensor) -> dict[str, float]:
        seen.append((train, test))
        return original(train, labels, test, test_labels)

    monkeypatch.setattr(probe, "class_information", spy)
    made = codes(2000, 0.7)
    class_in_codes(*made, *made)
    (means, test_means), (z, test_z) = seen
    noise, test_noise = (z - means) / 0.7, (test_z - test_means) / 0.7
    for drawn in (noise, test_noise):
        assert float(drawn.std()) == pytest.approx(1, abs=0.02)
        assert float(drawn.mean()) == pytest.approx(0, abs=0.03)
    assert abs(float((noise * test_noise).mean())) < 5 / noise.numel() ** 0.5


def test_the_price_of_class_means_by_hand() -> None:
    """Codes about (3, 4) and about (0, 0): ½ · 25 for one half of them, 0 for the other."""
    about = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    loc = torch.cat([about + torch.tensor([3.0, 4.0]), about]).repeat(20, 1)
    labels = torch.tensor([0, 1]).repeat_interleave(4).repeat(20)
    made = (loc, torch.ones_like(loc)), labels
    assert class_in_codes(*made, *made)["class_means_nats"] == pytest.approx(6.25)
