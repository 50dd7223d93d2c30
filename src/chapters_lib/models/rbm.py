"""The Gaussian-Bernoulli restricted Boltzmann machine, and the Markov chain of its hidden units alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

JITTER = 1e-6  # of the trace of WᵀW, added to its diagonal: makes a rounded, singular matrix factor
TINY = 1e-12  # and this much where all weights are 0


def draw_bernoulli(
    probability: Float[Tensor, "*shape"],
    generator: torch.Generator | None = None,
) -> Float[Tensor, "*shape"]:
    """Return zeros and ones, 1 with the given probability: u < p for a uniform u (faster than `torch.bernoulli`)."""
    uniform = torch.rand(
        probability.shape,
        generator=generator,
        dtype=probability.dtype,
        device=probability.device,
    )
    return (uniform < probability).to(probability.dtype)


class GaussianBernoulliRBM(nn.Module):
    """The restricted Boltzmann machine of an energy E(v, h).

    E(v, h) = −(Σ_ij W_ij h_j v_i/σ_i − Σ_i (v_i − b_i)²/(2σ_i²)
    + Σ_j α_j h_j).
    Real visible units v, hidden units h of 0 and 1, no connection inside a
    layer (Welling, Rosen-Zvi and Hinton 2004; Hinton 2010, Eq. 17).

    `visible`, `hidden`: P and M, the numbers of units.
    `weight_sd`: standard deviation of the normal distribution that W starts
    from; both biases start at 0.
    `weight`, `visible_bias`, `hidden_bias`: W, shape (P, M); b, shape (P,);
    α, shape (M,).
    `scale`: σ, shape (P,), a buffer of ones: it is given, not learned.
    """

    scale: Tensor

    def __init__(
        self, *, visible: int, hidden: int, weight_sd: float = 0.01
    ):
        super().__init__()
        self.weight = nn.Parameter(weight_sd * torch.randn(visible, hidden))
        self.visible_bias = nn.Parameter(torch.zeros(visible))
        self.hidden_bias = nn.Parameter(torch.zeros(hidden))
        self.register_buffer("scale", torch.ones(visible))

    def energy(
        self, v: Float[Tensor, "*n d"], h: Float[Tensor, "*n m"]
    ) -> Float[Tensor, "*n"]:
        """Return E(v, h) of pairs of states."""
        bond = ((v / self.scale) @ self.weight * h).sum(-1)
        spring = ((v - self.visible_bias) / self.scale).square().sum(-1) / 2
        return -(bond - spring + h @ self.hidden_bias)

    def hidden_logits(
        self, v: Float[Tensor, "n d"]
    ) -> Float[Tensor, "n m"]:
        """Return α_j + Σ_i W_ij v_i/σ_i, the logits of p(h_j = 1 | v)."""
        return torch.addmm(self.hidden_bias, v / self.scale, self.weight)

    def hidden_probability(
        self, v: Float[Tensor, "n d"]
    ) -> Float[Tensor, "n m"]:
        """Return p(h_j = 1 | v), the logistic function of the logits."""
        return self.hidden_logits(v).sigmoid()

    def visible_mean(self, h: Float[Tensor, "n m"]) -> Float[Tensor, "n d"]:
        """Return b_i + σ_i Σ_j W_ij h_j, the mean of p(v_i | h)."""
        return self.visible_bias + self.scale * (h @ self.weight.T)

    def sample_hidden(
        self,
        v: Float[Tensor, "n d"],
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "n m"]:
        """Draw h from p(h | v)."""
        return draw_bernoulli(self.hidden_probability(v), generator)

    def sample_visible(
        self,
        h: Float[Tensor, "n m"],
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "n d"]:
        """Draw v from p(v | h)."""
        mean = self.visible_mean(h)
        noise = torch.randn(
            mean.shape, generator=generator, dtype=h.dtype, device=h.device
        )
        return mean + self.scale * noise

    def free_energy(self, v: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Return the free energy F(v).

        F(v) = Σ_i (v_i − b_i)²/(2σ_i²) − Σ_j log(1 + exp(logit_j)).
        """
        spring = ((v - self.visible_bias) / self.scale).square().sum(1) / 2
        return spring - F.softplus(self.hidden_logits(v)).sum(1)

    def reconstruct(self, v: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Return E[v | E[h | v]]: one pass up and down.

        In it each unit passes on its mean.
        """
        return self.visible_mean(self.hidden_probability(v))

    @torch.no_grad()
    def gibbs(
        self,
        v: Float[Tensor, "n d"],
        steps: int,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "n d"]:
        """Return v after `steps` rounds of h ~ p(h | v), v ~ p(v | h)."""
        for _ in range(steps):
            v = self.sample_visible(
                self.sample_hidden(v, generator), generator
            )
        return v


@dataclass(frozen=True)
class HiddenChain:
    """The machine with its visible units integrated out.

    log p*(h) = cᵀh + ½ hᵀQh + (P/2) log 2π + Σ_i log σ_i.
    Here c = α + Wᵀ(b/σ) and Q = WᵀW. A Gibbs step h → v → h′ has the logits
    α + Wᵀ(v/σ) with v = b + σ(Wh + ε), so they are c + Qh + Wᵀε with
    Wᵀε ~ N(0, Q). With a factor Q = LLᵀ the step is drawn exactly and never
    leaves the M hidden units, which saves the P-dimensional noise and, for
    M below P, most of the arithmetic.

    `bias`, `gram`, `root`: c, shape (M,); Q, shape (M, M); L, lower
    triangular, shape (M, M).
    `scale`: σ, shape (P,), of the visible units.
    """

    bias: Float[Tensor, " m"]
    gram: Float[Tensor, "m m"]
    root: Float[Tensor, "m m"]
    scale: Float[Tensor, " d"]

    @classmethod
    @torch.no_grad()
    def of(cls, rbm: GaussianBernoulliRBM) -> HiddenChain:
        """Integrate out `rbm`'s visible units, as its weights now are."""
        gram = rbm.weight.T @ rbm.weight
        padded = gram.to(torch.float64, copy=True)
        padded.diagonal().add_(JITTER * padded.trace() + TINY)
        # Unchecked: a GPU would wait for the answer. It fails only for
        # weights that are not finite, which the training notices itself.
        root = torch.linalg.cholesky_ex(padded).L
        return cls(
            bias=rbm.hidden_bias
            + (rbm.visible_bias / rbm.scale) @ rbm.weight,
            gram=gram,
            root=root.to(gram.dtype),
            scale=rbm.scale,
        )

    @property
    def log_volume(self) -> float:
        """(P/2) log 2π + Σ_i log σ_i: what integrating v out leaves."""
        volume = len(self.scale) / 2 * math.log(2 * math.pi)
        return volume + float(self.scale.log().sum())

    def log_weight(
        self, h: Float[Tensor, "n m"], beta: float = 1.0
    ) -> Float[Tensor, " n"]:
        """Return log p*(h) of the machine with W and α times `beta`."""
        quadratic = (h @ self.gram * h).sum(1) / 2
        return (
            beta * (h @ self.bias) + beta**2 * quadratic + self.log_volume
        )

    def step(
        self,
        h: Float[Tensor, "n m"],
        beta: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "n m"]:
        """Step h → v → h′ with W and α multiplied by `beta`; return h′."""
        noise = torch.randn(
            h.shape, generator=generator, dtype=h.dtype, device=h.device
        )
        logits = torch.addmm(
            self.bias, h, self.gram, beta=beta, alpha=beta**2
        )
        logits.addmm_(noise, self.root.T, alpha=beta)
        return draw_bernoulli(logits.sigmoid_(), generator)

    @torch.no_grad()
    def run(
        self,
        h: Float[Tensor, "n m"],
        steps: int,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "n m"]:
        """Return h after `steps` steps."""
        for _ in range(steps):
            h = self.step(h, generator=generator)
        return h
