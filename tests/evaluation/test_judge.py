"""The judge's verdict, on a classifier whose answers are known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from chapters_lib.evaluation.fid import frechet_distance, moments
from chapters_lib.evaluation.judge import (
    class_entropy,
    features_and_probabilities,
    scores,
    to_bytes,
    verdict,
)
from chapters_lib.models.classifier import Classifier


class Known(Classifier):
    """Reads an image's class from pixel 0 and its certainty from pixel 1; its features are pixels 2 and 3."""

    def __init__(self, classes: int = 4):
        nn.Module.__init__(self)
        self.classes = classes
        self.dropout = nn.Dropout(0.9)
        self.head = self._logits  # type: ignore[assignment]

    def features(self, x: Tensor) -> Tensor:
        return self.dropout((x * 255).flatten(1)[:, :4])

    def _logits(self, features: Tensor) -> Tensor:
        p = features[:, 1:2] / 255
        rest = ((1 - p) / (self.classes - 1)).expand(-1, self.classes).clone()
        return rest.scatter(1, features[:, :1].round().long(), p).log()


def images(labels: list[int], sure: list[int], features: Tensor | None = None) -> Tensor:
    x = torch.zeros(len(labels), 1, 2, 2, dtype=torch.uint8)
    x[:, 0, 0, 0] = torch.tensor(labels, dtype=torch.uint8)
    x[:, 0, 0, 1] = torch.tensor(sure, dtype=torch.uint8)
    if features is not None:
        x[:, 0, 1] = features
    return x


def test_recognisable_and_classes() -> None:
    """230/255 = 0.902 is sure enough, 229/255 = 0.898 is not."""
    x = images([0, 0, 1, 3, 3, 3], [255, 230, 229, 240, 200, 254])
    found = verdict(Known(), x, x)
    assert found.recognisable == pytest.approx(4 / 6)
    assert found.class_shares == pytest.approx((2 / 6, 1 / 6, 0, 3 / 6))
    expected = -sum(p * math.log(p) for p in (2 / 6, 1 / 6, 3 / 6)) / math.log(4)
    assert found.class_entropy == pytest.approx(expected)


def test_distance_is_that_of_the_features() -> None:
    draw = torch.Generator().manual_seed(0)
    a = images([0] * 90, [250] * 90, torch.randint(0, 200, (90, 2), generator=draw).to(torch.uint8))
    b = images([1] * 70, [240] * 70, torch.randint(50, 99, (70, 2), generator=draw).to(torch.uint8))
    features = [x.flatten(1).double() for x in (a, b)]
    expected = frechet_distance(*moments(features[0]), *moments(features[1]))
    assert verdict(Known(), a, b).fid_judge == pytest.approx(expected, rel=1e-4)
    assert verdict(Known(), a, a).fid_judge == pytest.approx(0, abs=1e-6 * expected)
    assert expected > 1


def test_scores_have_their_prefix() -> None:
    x = images([0, 1, 2, 3], [255, 255, 255, 0])
    found = scores(Known(), x, x, "code_box_")
    assert set(found) == {"code_box_recognisable", "code_box_class_entropy", "code_box_fid_judge"}
    assert found["code_box_recognisable"] == verdict(Known(), x, x).recognisable


def test_evaluation_mode_whatever_the_mode() -> None:
    """Dropout is off while judging, and the judge's mode is what it was."""
    x, judge = images([0, 1], [255, 240]), Known()
    for training in (True, False):
        judge.train(training)
        features, probabilities = features_and_probabilities(judge, x)
        assert judge.training is training
        assert torch.equal(features.round(), x.flatten(1).float())
        assert probabilities.sum(1).tolist() == pytest.approx([1, 1])


def test_batches_change_nothing() -> None:
    torch.manual_seed(0)
    judge = Classifier(width=4)
    x = torch.randint(0, 256, (25, 1, 28, 28), dtype=torch.uint8)
    whole, parts = (features_and_probabilities(judge, x, batch_size=size) for size in (25, 4))
    for a, b in zip(whole, parts, strict=True):
        assert len(a) == 25 and not a.requires_grad
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("histogram", "expected"),
    [
        ([5, 5, 5, 5], 1.0),
        ([0, 9, 0], 0.0),
        ([1, 1, 0, 0], 0.5),
        ([1, 3], -(0.25 * math.log2(0.25) + 0.75 * math.log2(0.75))),
        ([10] * 10, 1.0),
    ],
)
def test_class_entropy(histogram: list[int], expected: float) -> None:
    counts = torch.tensor(histogram, dtype=torch.float64)
    assert class_entropy(counts) == pytest.approx(expected, abs=1e-12)
    assert class_entropy(counts * 7) == pytest.approx(expected, abs=1e-12)
    assert class_entropy(counts.flip(0)) == pytest.approx(expected, abs=1e-12)


def test_to_bytes() -> None:
    """Rounded to the nearest grey level, cut off beyond the range, the inverse of division by 255."""
    levels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    assert torch.equal(to_bytes(levels.float() / 255), levels)
    x = torch.tensor([-0.1, 0.0, 0.4 / 255, 0.6 / 255, 1.0, 1.2]).reshape(1, 1, 2, 3)
    assert to_bytes(x).flatten().tolist() == [0, 0, 0, 1, 255, 255]
