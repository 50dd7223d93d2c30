"""The classifier behind the judge."""

from __future__ import annotations

import pytest
import torch

from chapters_lib.models.classifier import Classifier


@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 32)])
def test_shapes(channels: int, size: int) -> None:
    judge = Classifier(channels=channels, width=4).eval()
    x = torch.rand(5, channels, size, size)
    features = judge.features(x)
    assert features.shape == (5, 16) and (features >= 0).all()
    assert judge(x).shape == (5, 10)
    torch.testing.assert_close(judge(x), judge.head[1](features))


def test_alone_equals_in_a_batch() -> None:
    torch.manual_seed(0)
    judge = Classifier(width=4).eval()
    x = torch.rand(8, 1, 28, 28)
    torch.testing.assert_close(judge(x[:1]), judge(x)[:1], rtol=1e-4, atol=1e-5)


def test_memory_layout_changes_nothing() -> None:
    torch.manual_seed(0)
    judge = Classifier(channels=3, width=4).eval()
    x = torch.rand(4, 3, 32, 32)
    torch.testing.assert_close(
        judge(x.contiguous(memory_format=torch.channels_last)), judge(x), rtol=1e-4, atol=1e-5
    )


def test_a_fifth_of_the_pooled_features_is_dropped_while_training() -> None:
    """Within four standard errors; those kept are scaled up by 1/0.8."""
    torch.manual_seed(0)
    head = Classifier(width=4).head
    head[1] = torch.nn.Identity()
    features = torch.ones(1000, 16)
    values, counts = head(features).unique(return_counts=True)
    assert values.tolist() == pytest.approx([0, 1.25])
    assert float(counts[0]) / 16_000 == pytest.approx(0.2, abs=4 * (0.16 / 16_000) ** 0.5)
    assert torch.equal(head.eval()(features), features)
