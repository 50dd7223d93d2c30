"""Nearest neighbours against a search by hand, and generators that copy or do not."""

from __future__ import annotations

import torch

from chapters_lib.evaluation.nearest import held_out_share, nearest


def test_neighbours_are_those_of_a_search_by_hand() -> None:
    torch.manual_seed(0)
    points, others = torch.randn(600, 7), torch.randn(90, 7)
    apart = (points[:, None].double() - others.double()).square().sum(2)
    found = nearest(points, others)
    assert torch.equal(found.which, apart.argmin(1))
    torch.testing.assert_close(found.distance.double(), apart.amin(1), rtol=1e-5, atol=1e-6)


def test_a_copy_is_at_distance_nought() -> None:
    """Exactly, though the search rounds: far from the origin, too."""
    torch.manual_seed(0)
    others = torch.rand(50, 784) + 100
    found = nearest(others[[3, 30]], others)
    assert found.which.tolist() == [3, 30] and found.distance.tolist() == [0, 0]


def test_who_copies_is_found_and_who_blurs_is_not() -> None:
    """One in eleven for new draws and for means of many images; none for copies; less for a mixture."""
    torch.manual_seed(0)
    shares = []
    for _ in range(40):
        trained, held, new = torch.randn(300, 4), torch.randn(30, 4), torch.randn(400, 4)
        copies = trained[torch.randint(300, (400,))]
        half = torch.cat([new[:200], copies[:200]])
        shares.append([held_out_share(x, trained, held) for x in (new, 0.3 * new, copies, half)])
    shares = torch.tensor(shares)
    sem = shares.std(0) / 40**0.5
    expected = torch.tensor([1 / 11, 1 / 11, 0, 1 / 22])
    assert bool(((shares.mean(0) - expected).abs() <= 4 * sem).all())
    assert float(sem.max()) < 0.015


def test_the_share_counts_ties_half() -> None:
    one, other = torch.zeros(1, 2), torch.ones(1, 2)
    assert held_out_share(one, one, other) == 0
    assert held_out_share(other, one, other) == 1
    assert held_out_share(one, one, one) == 0.5
