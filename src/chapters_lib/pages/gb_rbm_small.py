"""The page on the Gaussian–Bernoulli RBM: conditionals, how wrong contrastive divergence is, the run on digits."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from chapters_lib import figures
from chapters_lib.data.standardised import Standardised
from chapters_lib.evaluation.ais import hidden_states
from chapters_lib.evaluation.intervals import paired
from chapters_lib.findings.verdicts import Verdict, shown
from chapters_lib.findings.words import signed
from chapters_lib.models.rbm import GaussianBernoulliRBM, HiddenChain
from chapters_lib.pages import check
from chapters_lib.pages.gb_rbm import PAGE
from chapters_lib.recipes.solved_machine import COMPARED, DRAWS, STEPS, measured
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


# Contrastive divergence in a machine that can be solved.

WEIGHTS = {"weights W": 1.0, "weights 3 W": 3.0}


def bias() -> Figure:
    """Draw the error of CD-n over n, and how far its direction is from being a gradient."""
    figure, (left, right) = figures.panels(2, height=2.6)
    errors = {name: np.median(measured(by).errors, 0) for name, by in WEIGHTS.items()}
    figures.lines(STEPS, errors, xlabel="steps $n$", ylabel="relative error of CD-$n$", ax=left)
    left.set_yscale("log")
    places = ((-0.18, figures.SERIES_COLOURS[0]), (0.18, figures.SERIES_COLOURS[1]))
    for (offset, colour), (name, by) in zip(places, WEIGHTS.items(), strict=True):
        asymmetry = np.median(measured(by).skews, 0)
        right.bar(np.arange(3) + offset, asymmetry, 0.34, color=colour, label=name)
    right.set_xticks(range(3), list(COMPARED))
    right.set(ylabel="asymmetry, median")
    right.legend()
    return figure


def numbers() -> None:
    """Give the text the errors of CD-1 and CD-5, and hold what it says of them against the draws."""
    weak, strong = (measured(by) for by in WEIGHTS.values())
    at = STEPS.index(5)
    for name, found in (("weak", weak), ("strong", strong)):
        one, five = (100 * np.median(found.errors[:, i]) for i in (0, at))
        PAGE.keep(**{f"bias_{name}_1": f"{one:.2g}", f"bias_{name}_5": f"{five:.2g}"})
        one, five, _ = np.median(found.skews, 0)
        PAGE.keep(**{f"skew_{name}_1": f"{one:.2g}", f"skew_{name}_5": f"{five:.2g}"})
    PAGE.keep(bias_draws=str(DRAWS))
    exact = max(found.skews[:, 2].max() for found in (weak, strong))
    check("the exact direction is a gradient", exact < 1e-4)
    grows = paired(np.log10(strong.errors[:, at]), np.log10(weak.errors[:, at]))
    asymmetric = Verdict(bool(min(weak.skews[:, 0].min(), strong.skews[:, 0].min()) > 0.1), "")
    PAGE.own_claims(bias_grows=shown(grows, sign=1), no_gradient=asymmetric)


def digits_run(measured: NDArray[np.float64], mean_image: float, normal: float) -> Figure:
    """Draw error and log-density over the page's training, and give the text its numbers.

    Rows of `measured` are update, test error, log-density; `normal` is that of one normal distribution.
    """
    updates, error, density = measured.T
    half = len(updates) // 2 - 1
    PAGE.keep(page_mse=error[-1], page_mean=mean_image, page_normal=signed(normal, 0))
    PAGE.keep(page_late_mse=100 * (1 - error[-1] / error[half]))
    PAGE.keep(page_density=signed(density[-1], 0))
    PAGE.keep(page_late_density=signed(density[-1] - density[half], 0))
    PAGE.keep(page_early_density=signed(density[half] - normal, 0))
    PAGE.own_claims(
        page_error=Verdict(bool(error[-1] < 0.5 * mean_image), f"{error[-1]:.3f}"),
        page_density=Verdict(bool(density[-1] > normal + 50), signed(density[-1], 0)),
    )
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


# Findings of the faults that the page provokes; five other seeds bore each of them out.


def always_on(idlest: float, cured: Tensor) -> None:
    """Hold the units of a machine whose b started at 0 against those of one that started at the mean image."""
    low, high = idlest, float(cured.max())
    PAGE.own_claims(always_on=Verdict(low > 0.99 and high < 0.95, f"{low:.2f}, {high:.2f}"))


def by_means(faulty: NDArray[np.float64], right: NDArray[np.float64]) -> None:
    """Hold a machine that was trained by a chain of means against one trained by states."""
    error, density = faulty[-1, 1] / right[-1, 1], right[-1, 2] - faulty[-1, 2]
    PAGE.keep(means_mse=faulty[-1, 1], means_cost=f"{density:.0f}")
    PAGE.own_claims(
        means_worse=Verdict(bool(density > 0), f"{density:.1f} nats"),
        means_hidden=Verdict(bool(error < 1), f"{error:.2f} times the error"),
    )


def learned_width(widths: NDArray[np.float64], train: Tensor, test: Tensor) -> None:
    """Hold the log-density with a learned σ against that of one normal distribution with its own widths."""
    sd = train.std(0).clamp(0.3, 2.0)
    alone = float(torch.distributions.Normal(train.mean(0), sd).log_prob(test).sum(1).mean())
    density, floor = widths[-1, 2], 100 * float((sd == 0.3).double().mean())
    PAGE.keep(width_density=signed(density, 0), width_normal=signed(alone, 0), width_floor=floor)
    PAGE.own_claims(width=Verdict(bool(density > alone + 50), f"{density:.0f} and {alone:.0f}"))
