"""Samples of fixed noise that a model keeps while it is trained, and that are stored with its weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

SHOWN = 16  # images on the time line, always from the same codes
M = TypeVar("M", bound=nn.Module)


def with_timeline(model: M, times: int, image_shape: Sequence[int]) -> M:
    """Give a model the buffer ``timeline``, uint8 (times, 16, C, H, W); return the model."""
    kept = torch.zeros(times, SHOWN, *image_shape, dtype=torch.uint8)
    model.register_buffer("timeline", kept)
    return model


def keep(model: nn.Module, shown_epochs: Sequence[int], epoch: int, drawn: Tensor) -> None:
    """Put what was `drawn` after `epoch`, one of those shown, on the time line."""
    timeline = model.get_buffer("timeline")
    timeline[list(shown_epochs).index(epoch)] = drawn.to(timeline.device)
