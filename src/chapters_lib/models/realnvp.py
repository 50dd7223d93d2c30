"""RealNVP: an invertible network of coupling layers that turns N(0, I) into a density with exact values."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.distributions import Distribution

from chapters_lib.models.layers import mlp
from chapters_lib.models.vae import StandardNormal


class Coupling(nn.Module):
    """z_A = u_A and z_B = u_B ⊙ exp s(u_A) + t(u_A).

    One part decides how the other is moved. A network gives t and a number
    r, and s = c ⊙ tanh r with one learned c a unit, so that no unit is
    stretched by more than exp |c|. The network's last layer starts at zero:
    at first the layer is the identity. Dinh, Sohl-Dickstein and Bengio
    (2017), Eqs. 4 to 8.

    `moved`: shape (k,): True for the units of B; both parts need at least
    one.
    `hidden`: widths of the network's hidden layers.
    """

    kept: Tensor
    moved: Tensor
    back: Tensor

    def __init__(
        self, moved: Bool[Tensor, " k"], hidden: Sequence[int] = (128, 128)
    ):
        super().__init__()
        a, b = (~moved).nonzero().squeeze(1), moved.nonzero().squeeze(1)
        if not len(a) or not len(b):
            raise ValueError(
                "a coupling keeps some units and moves others: "
                f"{moved.tolist()}"
            )
        for name, places in (
            ("kept", a),
            ("moved", b),
            ("back", torch.cat([a, b]).argsort()),
        ):
            self.register_buffer(name, places, persistent=False)
        self.net = mlp([len(a), *hidden, 2 * len(b)])
        for weight in self.net[-1].parameters():
            nn.init.zeros_(weight)
        self.bound = nn.Parameter(torch.ones(len(b)))

    def scale_and_shift(
        self, kept: Float[Tensor, "*batch a"]
    ) -> tuple[Float[Tensor, "*batch b"], Float[Tensor, "*batch b"]]:
        """Return log-scales s and shifts t of moved units by the others."""
        r, t = self.net(kept).to(kept.dtype).chunk(2, -1)
        return self.bound * r.tanh(), t

    def forward(
        self, u: Float[Tensor, "*batch k"]
    ) -> tuple[Float[Tensor, "*batch k"], Float[Tensor, "*batch"]]:
        """Return z, and log |det ∂z/∂u| = Σ_j s_j.

        The matrix is triangular, with exp s in it.
        """
        a, b = u[..., self.kept], u[..., self.moved]
        s, t = self.scale_and_shift(a)
        z = torch.cat([a, b * s.exp() + t], -1)[..., self.back]
        return z, s.sum(-1)

    def inverse(
        self, z: Float[Tensor, "*batch k"]
    ) -> tuple[Float[Tensor, "*batch k"], Float[Tensor, "*batch"]]:
        """Return u, and log |det ∂u/∂z| = −Σ_j s_j.

        Here u_B = (z_B − t(z_A)) ⊙ exp −s(z_A).
        """
        a, b = z[..., self.kept], z[..., self.moved]
        s, t = self.scale_and_shift(a)
        u = torch.cat([a, (b - t) * (-s).exp()], -1)[..., self.back]
        return u, -s.sum(-1)


class FlowDistribution(Distribution):
    """What becomes of a base density whose draws go through couplings.

    They go through one after the other.
    """

    arg_constraints = {}  # noqa: RUF012
    has_rsample = True

    def __init__(self, base: Distribution, couplings: Sequence[Coupling]):
        super().__init__(
            base.batch_shape, base.event_shape, validate_args=False
        )
        self.base = base
        self.couplings = couplings

    def expand(
        self,
        batch_shape: Sequence[int],
        _instance: Distribution | None = None,
    ) -> FlowDistribution:
        """Return the same density for a batch of that shape."""
        return FlowDistribution(
            self.base.expand(torch.Size(batch_shape)), self.couplings
        )

    def log_prob(
        self, value: Float[Tensor, "*batch k"]
    ) -> Float[Tensor, "*batch"]:
        """Return log p(z) = log p₀(u) + Σ log |det|, in nats.

        The sum is over the steps from z back to u.
        """
        total = torch.zeros_like(value[..., 0])
        for coupling in reversed(self.couplings):
            value, log_abs_det = coupling.inverse(value)
            total = total + log_abs_det
        return self.base.log_prob(value) + total

    def rsample(
        self, sample_shape: Sequence[int] = ()
    ) -> Float[Tensor, "*batch k"]:
        """Draw u from the base and return the z it becomes.

        Gradients reach the couplings.
        """
        value = self.base.rsample(torch.Size(sample_shape))
        for coupling in self.couplings:
            value, _ = coupling(value)
        return value


class RealNVP(nn.Module):
    """p_λ(z): N(0, I) over k units, sent through couplings. As a prior it is learned with the rest.

    `features`: k, at least 2.
    `couplings`: how many layers; `splits` says which units each moves.
    `hidden`: widths of the hidden layers of each coupling's network.
    """

    def __init__(
        self,
        features: int,
        couplings: int = 8,
        hidden: Sequence[int] = (128, 128),
    ):
        super().__init__()
        self.base = StandardNormal(features)
        self.couplings = nn.ModuleList(
            Coupling(moved, hidden) for moved in splits(features, couplings)
        )

    def forward(self) -> FlowDistribution:
        """Return p_λ(z); event shape (k,)."""
        return FlowDistribution(self.base(), self.layers())

    def stages(
        self, u: Float[Tensor, "*batch k"]
    ) -> list[Float[Tensor, "*batch k"]]:
        """Return u, then what it has become after each coupling; the last is z."""
        found = [u]
        for coupling in self.layers():
            found.append(coupling(found[-1])[0])
        return found

    def to_code(
        self, u: Float[Tensor, "*batch k"]
    ) -> Float[Tensor, "*batch k"]:
        """Return the code z that a base point u becomes."""
        return self.stages(u)[-1]

    def to_base(
        self, z: Float[Tensor, "*batch k"]
    ) -> Float[Tensor, "*batch k"]:
        """Return the base point u that becomes z."""
        for coupling in reversed(self.layers()):
            z, _ = coupling.inverse(z)
        return z

    def layers(self) -> list[Coupling]:
        """Return the couplings in their order, from u to z."""
        return list(self.couplings)  # type: ignore[arg-type]


def splits(features: int, count: int) -> list[Bool[Tensor, " k"]]:
    """Return which units each of `count` couplings moves, shape (k,) each, in pairs that complement each other.

    Pair i goes by bit i of the unit's number: every other unit, then every other two, every
    other four, and from the beginning once the bits are used up. So two couplings move every
    unit once, and of any two units one is sooner or later kept while the other is moved.
    """
    if features < 2:
        raise ValueError(
            f"a coupling needs at least 2 units, not {features}"
        )
    number = torch.arange(features)
    bits = (features - 1).bit_length()
    return [
        (number >> (i // 2 % bits)) % 2 == (i + 1) % 2 for i in range(count)
    ]
