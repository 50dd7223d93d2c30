"""A trained VAE's codes moved to where its prior lies, by its weights alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn


@torch.no_grad()
def move_codes(
    encoder: nn.Module, decoder: nn.Module, mean: Tensor, spread: Tensor
) -> None:
    """Map the codes of a VAE to (z − mean)/spread; no reconstruction changes.

    The encoder's last layer, which gives µ and log σ², and the decoder's first absorb the map.
    """
    units = len(mean)
    last = [
        part for part in encoder.modules() if isinstance(part, nn.Linear)
    ][-1]
    first = next(
        part for part in decoder.modules() if isinstance(part, nn.Linear)
    )
    last.weight[:units] /= spread[:, None]
    last.bias[:units] = (last.bias[:units] - mean) / spread
    last.bias[units:] -= 2 * spread.log()
    first.bias.add_(first.weight @ mean)
    first.weight *= spread
