"""How far codes are from a standard normal: known cases, tolerances from their standard errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from chapters_lib.evaluation import codes


def normal(n: int, units: int = 2, seed: int = 0) -> Tensor:
    return torch.randn(n, units, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def ring(n: int) -> Tensor:
    """Codes at a distance of about 1.5 from 0, in every direction: unit variance, but a hole."""
    angle = torch.linspace(0, 2 * math.pi, n, dtype=torch.float64)
    radius = math.sqrt(2) + 0.05 * normal(n, 1)[:, 0]
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1)


# Kolmogorov's distance


def test_one_point() -> None:
    """F̂ jumps from 0 to 1 at t: the distance is max(Φ(t), 1 − Φ(t))."""
    for t in (-1.0, 0.0, 0.7):
        expected = max(stats.norm.cdf(t), 1 - stats.norm.cdf(t))
        assert float(codes.kolmogorov_distance(torch.tensor([[t]]))[0]) == pytest.approx(
            expected, abs=1e-7
        )


def test_quantiles_are_nearest() -> None:
    """The n mid-quantiles of the normal have the smallest possible distance, 1/(2n)."""
    n = 50
    z = torch.from_numpy(stats.norm.ppf((np.arange(n) + 0.5) / n))[:, None]
    assert float(codes.kolmogorov_distance(z)[0]) == pytest.approx(1 / (2 * n), rel=1e-9)


@pytest.mark.parametrize(("shift", "scale"), [(0.5, 1.0), (0.0, 2.0), (-1.0, 0.5)])
def test_shifted_and_scaled(shift: float, scale: float) -> None:
    """For n codes from N(shift, scale²) it is near sup |Φ((t − shift)/scale) − Φ(t)|, by the DKW bound."""
    n = 20_000
    t = np.linspace(-8, 8, 100_001)
    exact = np.abs(stats.norm.cdf((t - shift) / scale) - stats.norm.cdf(t)).max()
    found = float(codes.kolmogorov_distance(normal(n, 1) * scale + shift)[0])
    assert found == pytest.approx(exact, abs=2.2 / math.sqrt(n))  # exceeded once in 10,000 draws


def test_each_unit_on_its_own() -> None:
    z = normal(5000, 3)
    z[:, 1] += 3
    found = codes.kolmogorov_distance(z)
    assert found.shape == (3,) and found[[0, 2]].max() < 1.95 / math.sqrt(5000) < 0.8 < found[1]


def test_correlation() -> None:
    z, n, rho = normal(20_000), 20_000, 0.6
    mixed = torch.stack([z[:, 0], rho * z[:, 0] + math.sqrt(1 - rho**2) * z[:, 1]], 1)
    assert codes.correlation(z) == pytest.approx(0, abs=4 / math.sqrt(n))
    assert codes.correlation(mixed) == pytest.approx(rho, abs=4 * (1 - rho**2) / math.sqrt(n))
    assert codes.correlation(torch.stack([z[:, 0], -2 * z[:, 0] + 1], 1)) == pytest.approx(-1)


# cells of equal probability


def test_a_code_lies_in_its_cell() -> None:
    """On a grid of 4 by 4 the borders are the quartiles of the normal: −0.674, 0, 0.674."""
    z = torch.tensor([[-3.0, -0.1], [0.1, 0.7], [-0.6, 9.0], [40.0, -40.0]])
    shares = codes.cell_shares(z, 4)
    filled = {(int(i), int(j)) for i, j in shares.nonzero()}
    assert filled == {(0, 1), (2, 3), (1, 3), (3, 0)}
    assert shares.sum() == 1 and shares.max() == 0.25


def test_normal_codes_fill_every_cell_alike() -> None:
    n, cells = 100_000, 10
    shares = codes.cell_shares(normal(n), cells)
    p = 1 / cells**2
    assert shares.shape == (cells, cells) and float(shares.sum()) == pytest.approx(1)
    assert float((shares - p).abs().max()) < 5 * math.sqrt(p * (1 - p) / n)
    assert codes.empty_mass(normal(n), cells) == 0


def test_empty_mass_of_few_normal_codes() -> None:
    """Of K cells, each is empty with probability (1 − 1/K)^n."""
    n, cells = 400, 20
    p = (1 - 1 / cells**2) ** n  # 0.37
    found = [codes.empty_mass(normal(n, seed=s), cells) for s in range(40)]
    standard_error = math.sqrt(p * (1 - p) / cells**2 / 40)
    assert np.mean(found) == pytest.approx(p, abs=4 * standard_error)


def test_empty_mass_of_a_ring() -> None:
    """The hole and the outside: N(0, I) puts 1 − exp(−r²/2) within the radius r."""
    empty = codes.empty_mass(ring(20_000))
    within = 1 - math.exp(-(1.1**2) / 2)
    beyond = math.exp(-(1.75**2) / 2)
    assert 0.6 * (within + beyond) < empty < within + beyond + 0.1
    # though either unit alone has mean 0 and variance 1
    assert ring(20_000).mean(0).abs().max() < 0.01 and (ring(20_000).var(0) - 1).abs().max() < 0.02


def test_empty_mass_of_one_code() -> None:
    assert codes.empty_mass(torch.zeros(7, 2), 10) == pytest.approx(0.99)


def test_there_are_400_cells_where_no_number_is_given() -> None:
    one = torch.zeros(7, 2)
    assert codes.cell_shares(one).shape == (20, 20) and codes.cell_index(one).tolist() == [210] * 7
    for measure in (codes.empty_mass, codes.cell_total_variation):
        assert measure(one) == pytest.approx(1 - 1 / 400)


def test_empty_mass_is_what_normal_draws_hit() -> None:
    """The definition, by drawing: the share of normal codes in cells without a code."""
    z, draws = ring(3000), normal(20_000, seed=9)
    empty = codes.cell_shares(z, 10) == 0
    place = (torch.special.ndtr(draws) * 10).long()
    share = float(empty[place[:, 0], place[:, 1]].double().mean())
    p = codes.empty_mass(z, 10)
    assert share == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / 20_000))


def test_cell_total_variation() -> None:
    """0 for equal shares, 1 − 1/K where one cell of K holds all; about cells/√(2πn) for n normal codes."""
    quantiles = torch.from_numpy(stats.norm.ppf((np.arange(10) + 0.5) / 10))
    even = torch.cartesian_prod(quantiles, quantiles)
    assert codes.cell_total_variation(even, 10) == pytest.approx(0, abs=1e-12)
    assert codes.cell_total_variation(torch.zeros(5, 2), 10) == pytest.approx(0.99)
    n, cells = 50_000, 20
    expected = cells / math.sqrt(2 * math.pi * n)
    assert codes.cell_total_variation(normal(n), cells) == pytest.approx(expected, rel=0.15)
    assert codes.cell_total_variation(ring(n), cells) > 10 * expected


# Draws in gaps


@pytest.mark.parametrize("scale", [1.0, 50.0])
def test_one_draw_in_a_hundred_of_the_codes_own_distribution_is_in_a_gap(scale: float) -> None:
    """However wide the cloud is: draws have as far to the next code as codes have."""
    found = codes.share_in_gaps(scale * normal(4000, seed=1), scale * normal(4000))
    assert found == pytest.approx(0.01, abs=0.006)  # four standard errors


def test_draws_inside_the_ring_are_in_its_gap() -> None:
    assert codes.share_in_gaps(0.1 * normal(100), ring(4000)) == 1
