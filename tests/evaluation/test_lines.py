"""Twelve points on a line, the ends among them; and how evenly a way is walked."""

from __future__ import annotations

import pytest
import torch

from chapters_lib.evaluation.lines import largest_step, straight


def test_ten_points_lie_strictly_between_the_ends() -> None:
    torch.manual_seed(0)
    start, end = torch.randn(2, 5, 3).double()
    line = straight(start, end)
    assert line.shape == (5, 12, 3)
    assert torch.equal(line[:, 0], start) and torch.equal(line[:, -1], end)
    along = ((line - start[:, None]) * (end - start)[:, None]).sum(2)
    share = along / (end - start).square().sum(1, keepdim=True)
    torch.testing.assert_close(share, (torch.arange(12) / 11).double().expand(5, 12))
    torch.testing.assert_close(
        line, start[:, None] + share[:, :, None] * (end - start)[:, None]
    )  # and nowhere beside it


def test_other_numbers_of_points() -> None:
    middle = straight(torch.zeros(1, 2), torch.full((1, 2), 4.0), between=1)
    assert middle.tolist() == [[[0.0, 0.0], [2.0, 2.0], [4.0, 4.0]]]


def test_the_largest_step_of_a_way() -> None:
    """By its length, whatever its direction; not by the distance of the ends."""
    even = straight(torch.zeros(1, 2), torch.ones(1, 2), between=2)
    bent = torch.tensor([[[0.0, 0.0], [3.0, 4.0], [3.0, 3.0], [3.0, 7.0]]])
    there_and_back = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]])
    assert float(largest_step(even)) == pytest.approx(1 / 3)
    assert float(largest_step(bent)) == pytest.approx(0.5)
    assert float(largest_step(there_and_back)) == pytest.approx(0.5)
    assert largest_step(torch.cat([bent, there_and_back])).shape == (2,)
