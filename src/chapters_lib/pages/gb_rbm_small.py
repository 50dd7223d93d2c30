"""The page on the Gaussian–Bernoulli RBM: conditionals, how wrong contrastive divergence is, the run on digits."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import softplus

from chapters_lib import figures
from chapters_lib.data.standardised import Standardised
from chapters_lib.evaluation.ais import hidden_states
from chapters_lib.models.rbm import GaussianBernoulliRBM, HiddenChain
from chapters_lib.pages import check
from chapters_lib.pages.gb_rbm import PAGE
from chapters_lib.reproducibility import generator


def conditionals(
    small: GaussianBernoulliRBM, line: Tensor, integrated: Tensor, enumerated: Tensor
) -> Figure:
    """Draw p(v_1 | h) and p(h_j = 1 | v) of the small machine, by the formulas and by sums over a grid.

    The grid has `line` on both axes; `integrated` is p(v_1 | h) of all eight h, `enumerated` p(h_j = 1 | v).
    """
    figure, (left, right) = figures.panels(2, height=2.5)
    near = (line > -3) & (line < 4)
    dots = torch.arange(len(line))[near][::6]
    states = hidden_states(3, torch.float64)
    means = small.visible_mean(states)[:, 0]
    by_formula = torch.distributions.Normal(means, small.scale[0]).log_prob(line[:, None]).exp()
    for state, colour in zip((0, 1, 5), figures.SERIES_COLOURS, strict=False):
        h = "".join(str(int(unit)) for unit in states[state])
        left.plot(line[near], by_formula[near, state], color=colour, label=f"h = {h}")
        left.plot(line[dots], integrated[dots, state], ".", color=figures.INK, markersize=3)
    mirrored = torch.distributions.Normal(2 * small.visible_bias[0] - means[5], small.scale[0])
    wrong = mirrored.log_prob(line).exp()[near]
    left.plot(line[near], wrong, "--", color=figures.MUTED, linewidth=1.1, label="wrong sign")
    left.set(xlabel="$x$", ylabel="$p(v_1 = x \\mid h)$", xlim=(-3, 6))
    row = int((line - 1).abs().argmin())
    along = small.hidden_probability(torch.stack([line, line[row].expand(len(line))], 1))
    for unit, colour in zip(range(3), figures.SERIES_COLOURS, strict=False):
        right.plot(line[near], along[near, unit], color=colour, label=f"j = {unit + 1}")
        right.plot(line[dots], enumerated[dots, row, unit], ".", color=figures.INK, markersize=3)
    right.set(xlabel="$v_1$", ylabel="$p(h_j = 1 \\mid v)$", ylim=(0, 1))
    for ax in (left, right):
        ax.legend()
    return figure


# Contrastive divergence with two visible and two hidden units, σ = 1; θ holds W, then b, then α, flat.
STATES = hidden_states(2, torch.float64)
x, w = np.polynomial.hermite_e.hermegauss(24)
NODES = torch.cartesian_prod(torch.tensor(x), torch.tensor(x))
MASS = torch.tensor(np.outer(w, w).ravel() / w.sum() ** 2)
STEPS = (1, 2, 3, 5, 7, 10, 15, 20)
COMPARED = {"CD-1": 1, "CD-5": 5, "exact": None}


def parts(theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return W, b and α."""
    return theta[:4].reshape(2, 2), theta[4:6], theta[6:]


def statistics(v: Tensor, theta: Tensor) -> Tensor:
    """Return −∂F/∂θ of states v, flat."""
    W, b, a = parts(theta)
    p = (v @ W + a).sigmoid()
    return torch.cat([(v[..., :, None] * p[..., None, :]).flatten(-2), v - b, p], -1)


def posterior(v: Tensor, theta: Tensor) -> Tensor:
    """Return p(h | v) of each of the four hidden states."""
    W, _, a = parts(theta)
    logits = v @ W + a
    return (logits @ STATES.T - softplus(logits).sum(-1, keepdim=True)).exp()


def log_weights(theta: Tensor) -> Tensor:
    """Return the hidden states' log p*(h), but for a constant."""
    W, b, a = parts(theta)
    return STATES @ (a + b @ W) + (STATES @ W.T).square().sum(1) / 2


def direction(theta: Tensor, points: Tensor, k: int | None) -> Tensor:
    """Return CD-k's expected direction; the gradient where k is None."""
    W, b, _ = parts(theta)
    v = (b + STATES @ W.T)[:, None] + NODES  # nodes of p(v | h) for each h
    if k is None:
        pi = log_weights(theta).softmax(0)
    else:
        onward = posterior(v, theta)  # h → v → h'
        transition = torch.einsum("q,sqr->sr", MASS, onward)
        pi = posterior(points, theta).mean(0)
        for _ in range(k - 1):
            pi = pi @ transition
    of_chain = statistics(v, theta)
    negative = torch.einsum("s,q,sqp->p", pi, MASS, of_chain)
    return statistics(points, theta).mean(0) - negative


@cache
def data() -> Tensor:
    """Return the sixty points, around three corners."""
    corners = torch.tensor([[-3.0, -2.0], [3.0, -2.0], [0.0, 3.0]], dtype=torch.float64)
    noise = torch.randn(60, 2, dtype=torch.float64, generator=generator(0))
    return corners[torch.arange(60) % 3] + noise


@cache
def measured() -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Return relative errors of CD-k over STEPS, and the asymmetry of what is COMPARED, by the weights' size."""
    weak = torch.randn(8, dtype=torch.float64, generator=generator(0))
    strong = torch.cat([3 * weak[:4], weak[4:]])  # W three times as large, the same biases
    errors: dict[str, list[float]] = {}
    skews: dict[str, list[float]] = {}
    for name, theta in (("weights W", weak), ("weights 3 W", strong)):
        exact = direction(theta, data(), None)
        off = [direction(theta, data(), k) - exact for k in STEPS]
        errors[name] = [float(rest.norm() / exact.norm()) for rest in off]
        skews[name] = []
        for k in COMPARED.values():
            j = torch.autograd.functional.jacobian(partial(direction, points=data(), k=k), theta)
            skews[name].append(float((j - j.T).norm() / j.norm()))
    return errors, skews


def bias() -> Figure:
    """Draw the error of CD-k over k, and how far its direction is from being a gradient."""
    errors, skews = measured()
    figure, (left, right) = figures.panels(2, height=2.6)
    figures.lines(STEPS, errors, xlabel="$k$", ylabel="relative error of CD-$k$", ax=left)
    left.set_yscale("log")
    places = ((-0.18, figures.SERIES_COLOURS[0]), (0.18, figures.SERIES_COLOURS[1]))
    for (offset, colour), (name, values) in zip(places, skews.items(), strict=True):
        right.bar(np.arange(3) + offset, values, 0.34, color=colour, label=name)
    right.set_xticks(range(3), list(COMPARED))
    right.set(ylabel="asymmetry")
    right.legend()
    return figure


def log_likelihood(theta: Tensor) -> float:
    """Return the mean log-likelihood of the points, in nats."""
    W, b, a = parts(theta)
    free = (data() - b).square().sum(1) / 2 - softplus(data() @ W + a).sum(1)
    return float(-free.mean() - log_weights(theta).logsumexp(0) - np.log(2 * np.pi))


def follow(k: int | None, updates: int = 700) -> Tensor:
    """Follow a direction to where it vanishes; return that point."""
    start = 0.1 * torch.randn(8, dtype=torch.float64, generator=generator(1))
    theta = start.requires_grad_()
    optimizer = torch.optim.Adam([theta], 0.2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, updates)
    for _ in range(updates):
        theta.grad = -direction(theta.detach(), data(), k)
        optimizer.step()
        schedule.step()
    return theta.detach()


def numbers() -> None:
    """Give the text the errors of CD-1 and CD-5 and where each ends, and check what it says of them."""
    (weak, strong), (weak_skew, strong_skew) = (found.values() for found in measured())
    PAGE.keep(bias_weak_1=100 * weak[0], bias_weak_5=100 * weak[3])
    PAGE.keep(bias_strong_1=100 * strong[0], bias_strong_5=100 * strong[3])
    ends = {name: follow(k) for name, k in COMPARED.items()}
    one, five, exact = (log_likelihood(theta) for theta in ends.values())
    PAGE.keep(fixed_1=one, fixed_5=five, fixed_exact=exact)
    claims = {
        "the error falls with k": all(e[0] > e[3] > e[-1] for e in (weak, strong)),
        "slower where weights are large": strong[3] > 10 * weak[3],
        "CD-1 is no gradient": min(weak_skew[0], strong_skew[0]) > 0.1,
        "the exact direction is one": max(weak_skew[2], strong_skew[2]) < 1e-4,
        "weak weights: less asymmetric with more steps": weak_skew[0] > weak_skew[1],
        "strong weights: more so": strong_skew[1] > strong_skew[0],
        "the fixed points are ordered": one < five < exact,
        "all have arrived": all(
            float(direction(ends[name], data(), k).norm()) < 1e-3 for name, k in COMPARED.items()
        ),
    }
    check(claims)


def digits_run(measured: NDArray[np.float64], mean_image: float, normal: float) -> Figure:
    """Draw error and log-density over the page's training; give the text its numbers, and check what it says.

    Rows of `measured` are update, test error, log-density; `normal` is that of one normal distribution.
    """
    updates, error, density = measured.T
    best = int(density.argmax())
    PAGE.keep(page_mse=error[-1], page_mean=mean_image, page_normal=normal)
    PAGE.keep(
        page_density=density[-1], page_best=density[best], page_best_at=f"{updates[best]:.0f}"
    )
    claims = {
        "far better than the mean image": error[-1] < 0.5 * mean_image,
        "far better than one normal distribution": density[-1] > normal + 50,
        "the reconstruction error falls to the end": error[-1] == error.min(),
        "the log-density does not rise to the end": best < len(density) - 1,
    }
    check(claims)
    figure, (left, right) = figures.panels(2, height=2.5)
    left.plot(updates, error, marker="o", markersize=3)
    left.set(xlabel="update", ylabel="test MSE, standardised", ylim=(0, None))
    right.plot(updates, density, marker="o", markersize=3)
    figures.reference_lines({"one normal distribution": normal}, ax=right)
    right.set(xlabel="update", ylabel="test log-density, nats")
    return figure


def digits_pairs(rbm: GaussianBernoulliRBM, test: Standardised) -> Figure:
    """Draw ten test digits, their reconstructions, and the ends of ten chains from noise."""
    start = rbm.sample_hidden(torch.randn(10, 784, generator=generator(0)), generator(1))
    shown = {
        "original": test.v[:10],
        "reconstruction": rbm.reconstruct(test.v[:10]),
        "chain from noise": rbm.visible_mean(HiddenChain.of(rbm).run(start, 500, generator(2))),
    }
    first = Standardised(test.v[:1], test.mean[0], test.sd[0])
    pixels = {label: first.pixels(v).reshape(-1, 28, 28).numpy() for label, v in shown.items()}
    return figures.image_rows(pixels)
