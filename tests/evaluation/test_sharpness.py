"""Roughness against images drawn by hand."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from chapters_lib.evaluation.judge import to_bytes
from chapters_lib.evaluation.sharpness import roughness


def test_roughness_is_of_neighbours_in_both_directions() -> None:
    flat = torch.full((2, 3, 4, 4), 7, dtype=torch.uint8)
    stripes = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    stripes[..., ::2] = 255
    assert roughness(flat).tolist() == [0, 0]
    assert roughness(stripes).tolist() == roughness(stripes.transpose(2, 3)).tolist() == [0.5, 0.5]
    ramp = torch.arange(0, 255, 51, dtype=torch.uint8).expand(1, 1, 3, 5)
    assert roughness(ramp).item() == pytest.approx(0.2**2 / 2)


def test_it_is_of_each_image_and_blur_lowers_it() -> None:
    torch.manual_seed(0)
    images = torch.randint(0, 256, (5, 1, 12, 12), dtype=torch.uint8)
    assert torch.equal(roughness(images)[2:3], roughness(images[2:3]))
    blurred = to_bytes(F.avg_pool2d(images / 255, 3, 1, 1))
    assert (roughness(blurred) < 0.5 * roughness(images)).all()
