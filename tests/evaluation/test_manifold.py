"""t-SNE maps: the same under the same seed, with neighbours kept."""

from __future__ import annotations

import torch

from chapters_lib.evaluation.manifold import tsne


def codes() -> tuple[torch.Tensor, torch.Tensor]:
    """Return 60 codes in three lumps far apart, and which lump each is of."""
    lump = torch.arange(60) % 3
    noise = torch.randn(60, 5, generator=torch.Generator().manual_seed(0))
    return 20 * torch.eye(5)[lump] + noise, lump


def test_maps_follow_their_seed_alone() -> None:
    x, _ = codes()
    state = torch.get_rng_state()
    placed, divergence = tsne(x, perplexity=8, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(5)
    again, same = tsne(x, perplexity=8, seed=1)
    assert torch.equal(placed, again) and divergence == same
    assert placed.shape == (60, 2) and bool(placed.isfinite().all()) and divergence > 0
    other, _ = tsne(x, perplexity=15, seed=1)
    assert not torch.equal(placed, other)


def test_neighbours_stay_neighbours() -> None:
    x, lump = codes()
    placed, _ = tsne(x, perplexity=8)
    nearest = (torch.cdist(placed, placed) + 1e9 * torch.eye(60)).argmin(1)
    assert torch.equal(lump[nearest], lump)
