"""The flow: its inverse, its log-determinants against autograd, its density, and how it starts."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.autograd.functional import jacobian

from chapters_lib.models.layers import count_parameters
from chapters_lib.models.realnvp import Coupling, RealNVP, splits
from chapters_lib.models.vae import fully_connected
from chapters_lib.objectives.elbo import elbo, negative_elbo

SIZES = [2, 3, 4, 7]


def flow(features: int, couplings: int = 4, spread: float = 0.5, seed: int = 0) -> RealNVP:
    """Return a flow in float64 whose every weight was moved: it bends and stretches."""
    torch.manual_seed(seed)
    model = RealNVP(features, couplings, (8, 8)).double()
    with torch.no_grad():
        for weight in model.parameters():
            weight += spread * torch.randn_like(weight)
    return model


def points(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


# the map


@torch.no_grad()
def every_way(model: RealNVP, u: Tensor) -> list[tuple[Tensor, Tensor, Tensor, Tensor, Tensor]]:
    """Return of each coupling: u, z, both log-determinants, and u again."""
    found = []
    for coupling in model.couplings:
        z, forth = coupling(u)
        again, back = coupling.inverse(z)
        found.append((u, z, forth, back, again))
    return found


@pytest.mark.parametrize("features", SIZES)
def test_round_trips(features: int) -> None:
    """Both ways, layer by layer and in whole, over leading dimensions."""
    model, u = flow(features), points(5, 6, features)
    for before, z, forth, back, again in every_way(model, u):
        torch.testing.assert_close(again, before, rtol=0, atol=1e-8)
        torch.testing.assert_close(back, -forth, rtol=0, atol=1e-8)
        assert float((z - before).abs().max()) > 0.1 and float(forth.abs().max()) > 0.1
    torch.testing.assert_close(model.to_base(model.to_code(u)), u, rtol=0, atol=1e-8)
    torch.testing.assert_close(model.to_code(model.to_base(u)), u, rtol=0, atol=1e-8)
    stages = model.stages(u)
    assert len(stages) == 5 and torch.equal(stages[0], u)
    assert torch.equal(stages[-1], model.to_code(u))


@pytest.mark.parametrize("features", SIZES)
def test_log_determinants_are_those_of_the_jacobian(features: int) -> None:
    """Of each coupling, both ways, and of the whole; none of them is 0 by chance."""
    model, z = flow(features), points(features)
    total = 0.0
    for coupling in reversed(model.couplings):
        matrix = jacobian(lambda v, c=coupling: c.inverse(v)[0], z)
        u, log_abs_det = coupling.inverse(z)
        torch.testing.assert_close(log_abs_det, matrix.slogdet()[1], rtol=0, atol=1e-8)
        forth = jacobian(lambda v, c=coupling: c(v)[0], u)
        torch.testing.assert_close(coupling(u)[1], forth.slogdet()[1], rtol=0, atol=1e-8)
        assert abs(float(log_abs_det.detach())) > 1e-3
        total, z = total + log_abs_det, u
    z = points(features)
    whole = jacobian(model.to_base, z).slogdet()[1]
    torch.testing.assert_close(total, whole, rtol=0, atol=1e-8)
    base = -(model.to_base(z).square().sum() + features * math.log(2 * math.pi)) / 2
    torch.testing.assert_close(model().log_prob(z), base + whole, rtol=0, atol=1e-8)


def test_the_jacobian_is_triangular() -> None:
    """Kept units stand still; a moved one depends on itself and on kept ones alone."""
    coupling = flow(5).couplings[0]
    matrix = jacobian(lambda v: coupling(v)[0], points(5))
    kept, moved = coupling.kept, coupling.moved
    assert torch.equal(matrix[kept][:, kept], torch.eye(len(kept)).double())
    assert not matrix[kept][:, moved].any()
    block = matrix[moved][:, moved]
    assert torch.equal(block, block.diag().diag()) and bool((block.diag() > 0).all())
    assert bool(matrix[moved][:, kept].any())


@pytest.mark.parametrize("features", [2, 3, 4, 7, 40])
def test_two_couplings_move_every_unit_once(features: int) -> None:
    """And any two units are sooner or later on different sides."""
    masks = splits(features, 2 * (features - 1).bit_length())
    for one, other in zip(masks[::2], masks[1::2], strict=True):
        assert torch.equal(one, ~other) and bool(one.any()) and bool(other.any())
    stack = torch.stack(masks)
    apart = (stack[:, :, None] != stack[:, None, :]).any(0)
    assert bool((apart | torch.eye(features).bool()).all())
    assert torch.equal(splits(features, 40)[2 * (features - 1).bit_length()], masks[0])


def test_every_unit_is_moved() -> None:
    model, u = flow(7, couplings=2), points(50, 7)
    assert bool(((model.to_code(u) - u).abs().amax(0) > 0.1).all())


@pytest.mark.parametrize("moved", [[True, True], [False, False, False]])
def test_a_coupling_needs_both_parts(moved: list[bool]) -> None:
    with pytest.raises(ValueError, match="keeps some units and moves others"):
        Coupling(torch.tensor(moved))
    with pytest.raises(ValueError, match="at least 2"):
        RealNVP(1)


def test_stretching_is_bounded() -> None:
    """However far a point lies: no unit by more than exp of its learned bound."""
    coupling = flow(4, spread=2.0).couplings[0]
    with torch.no_grad():
        _, log_abs_det = coupling(1e6 * points(100, 4))
        assert float(log_abs_det.abs().max()) <= float(coupling.bound.abs().sum()) + 1e-9
    assert float(log_abs_det.abs().max()) > 0.1


# the density


def test_density_integrates_to_one() -> None:
    """In the plane, on a grid beyond which no mass is left."""
    model = flow(2, couplings=4, spread=0.3)
    side = torch.linspace(-15, 15, 1001, dtype=torch.float64)
    cells = torch.cartesian_prod(side, side)
    with torch.no_grad():
        density = torch.cat([model().log_prob(part).exp() for part in cells.split(100_000)])
    mass = float(density.sum()) * float(side[1] - side[0]) ** 2
    assert mass == pytest.approx(1, abs=1e-3)
    assert float(density.max()) != pytest.approx(1 / (2 * math.pi), rel=0.1)


def test_draws_have_the_density() -> None:
    """The share of draws in each of sixteen boxes is the density's mass there."""
    torch.manual_seed(3)
    model, count = flow(2, couplings=4, spread=0.4), 100_000
    drawn = model().sample((count,))
    assert not drawn.requires_grad
    edges = drawn.quantile(torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9]).double(), dim=0)
    for i in range(4):
        for j in range(4):
            low, high = edges[[i, j], [0, 1]], edges[[i + 1, j + 1], [0, 1]]
            share = ((drawn > low) & (drawn < high)).all(1).double().mean()
            step = torch.linspace(0, 1, 101, dtype=torch.float64)[:-1] + 1 / 200
            cells = low + torch.cartesian_prod(step, step) * (high - low)
            mass = model().log_prob(cells).exp().mean().detach() * (high - low).prod()
            assert abs(float(share - mass)) < 5 * math.sqrt(float(mass) / count) + 1e-4


def test_shapes() -> None:
    p = flow(3)()
    assert p.event_shape == (3,) and p.batch_shape == ()
    assert p.sample().shape == (3,) and p.rsample((4, 5)).shape == (4, 5, 3)
    assert p.log_prob(points(4, 5, 3)).shape == (4, 5)


# learning


def test_it_starts_as_the_standard_normal() -> None:
    model = RealNVP(5, 6).double()
    z = points(9, 5)
    assert torch.equal(model.to_code(z), z)
    expected = -(z.square().sum(1) + 5 * math.log(2 * math.pi)) / 2
    torch.testing.assert_close(model().log_prob(z), expected)


@pytest.mark.parametrize("features", SIZES)
def test_every_weight_is_followed_by_a_gradient(features: int) -> None:
    """Of the density, and through draws; no column or row of a matrix is dead."""
    losses = {
        "density": lambda p: -p.log_prob(points(64, features)).mean(),
        "draws": lambda p: p.rsample((64,)).square().sum(),
    }
    for name, loss in losses.items():
        model = flow(features, couplings=4)
        loss(model()).backward()
        for key, weight in model.named_parameters():
            assert weight.grad is not None, (name, key)
            gradient = weight.grad if weight.ndim == 1 else weight.grad.abs().sum(0)
            assert bool(gradient.any() if weight.ndim == 1 else gradient.all()), (name, key)


def test_the_elbo_reaches_encoder_decoder_and_flow() -> None:
    torch.manual_seed(0)
    model = fully_connected(hidden=(8,), latent=4)
    model.prior = RealNVP(4, 4, (8,))
    with torch.no_grad():
        for weight in model.prior.parameters():
            weight += 0.3 * torch.randn_like(weight)
    negative_elbo(elbo(model, torch.rand(16, 1, 28, 28).round())).backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None and bool(weight.grad.any()), name


def test_a_flow_learns_what_a_normal_cannot() -> None:
    """Two moons' worth of a ring: its likelihood rises far beyond the best normal's."""
    torch.manual_seed(0)
    angle = 2 * math.pi * torch.rand(512)
    ring = torch.stack([angle.cos(), angle.sin()], 1) * 2 + 0.1 * torch.randn(512, 2)
    model = RealNVP(2, 6, (32, 32))
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    for _ in range(200):
        loss = -model().log_prob(ring).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    normal = torch.distributions.MultivariateNormal(ring.mean(0), torch.cov(ring.T))
    assert float(loss.detach()) < -float(normal.log_prob(ring).mean()) - 0.5


def test_weights_are_counted() -> None:
    """Each coupling: its network from kept units to twice the moved ones, and a bound for these."""
    one = 20 * 128 + 128 + 128 * 128 + 128 + 128 * 40 + 40 + 20
    model = RealNVP(40, 2)
    assert count_parameters(model) == 2 * one
    assert all("kept" not in key and "back" not in key for key in model.state_dict())


def test_it_expands_to_a_batch() -> None:
    """The same density, as many times as asked for."""
    p = flow(3)()
    batch = p.expand((4, 5))
    assert batch.batch_shape == (4, 5) and batch.event_shape == (3,)
    z = points(4, 5, 3)
    torch.testing.assert_close(batch.log_prob(z), p.log_prob(z), rtol=0, atol=0)
    assert batch.sample((2,)).shape == (2, 4, 5, 3)
    assert batch.expand((6, 4, 5)).rsample().shape == (6, 4, 5, 3)
