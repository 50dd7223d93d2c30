"""Reconstructions beside their originals and beside other images: by class, by pixel, by feature."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from chapters_lib.evaluation.likeness import likeness, shuffled, squared_error
from chapters_lib.models.classifier import Classifier


class Above(nn.Module):
    """Logits by hand: whether the feature is above a half."""

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat([0.5 - features, features - 0.5], 1)


class Brightness(Classifier):
    """A judge by hand: the feature is the mean grey level."""

    def __init__(self) -> None:
        super().__init__(width=1)
        self.head = Above()

    def features(self, x: Tensor) -> Tensor:
        return x.mean((1, 2, 3))[:, None]


LEVELS = torch.tensor([0, 51, 102, 204, 255, 255], dtype=torch.uint8)


def flat(levels: Tensor) -> Tensor:
    return levels.view(-1, 1, 1, 1).expand(-1, 1, 4, 4).contiguous()


def test_an_image_is_like_itself() -> None:
    found = likeness(Brightness(), flat(LEVELS), flat(LEVELS))
    assert found["agreement"] == 1
    assert found["test_mse"] == found["feature_distance"] == 0
    assert found["agreement_shuffled"] < 1
    assert found["test_mse_shuffled"] > 0.1 and found["feature_distance_shuffled"] > 0.1


def test_each_number_by_hand() -> None:
    """Reconstructions 51 levels darker, the first ones left: grey levels in [0, 1] a fifth apart."""
    again = LEVELS.clone()
    again[2:] -= 51  # classes: 204 → 153, 255 → 204 stay above a half
    again[3] = 0
    found = likeness(Brightness(), flat(LEVELS), flat(again))
    gaps = (LEVELS.double() - again.double()) / 255
    assert found["agreement"] == pytest.approx(5 / 6)
    assert found["test_mse"] == pytest.approx(float(gaps.square().mean()), rel=1e-5)
    assert found["feature_distance"] == pytest.approx(float(gaps.square().mean()), rel=1e-5)
    partner = shuffled(6)
    crossed = (LEVELS.double() - again[partner].double()) / 255
    assert found["test_mse_shuffled"] == pytest.approx(float(crossed.square().mean()), rel=1e-5)
    assert found["agreement_shuffled"] == pytest.approx(
        float(((LEVELS > 127) == (again[partner] > 127)).double().mean())
    )


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7, 1000])
def test_the_shuffled_pairing_keeps_no_pair(count: int) -> None:
    """A permutation, the same at every call, without fixed points; another seed gives another one."""
    partner = shuffled(count)
    assert sorted(partner.tolist()) == list(range(count))
    assert not (partner == torch.arange(count)).any()
    assert torch.equal(partner, shuffled(count))
    if count == 1000:
        assert not torch.equal(partner, shuffled(count, seed=1))


def test_squared_error_of_pairs() -> None:
    a, b = (
        flat(torch.tensor([0, 255], dtype=torch.uint8)),
        flat(torch.tensor([51, 255], dtype=torch.uint8)),
    )
    torch.testing.assert_close(squared_error(a, b), torch.tensor([0.04, 0.0]))
