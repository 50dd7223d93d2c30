"""What the page computes itself: the prices of two faults, and lines between codes of the digits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from chapters_lib import figures
from chapters_lib.evaluation.intervals import Interval
from chapters_lib.findings.verdicts import Verdict, both, shown
from chapters_lib.findings.words import signed
from chapters_lib.models.layers import count_parameters
from chapters_lib.pages import check
from chapters_lib.pages.comparison_answer import PAGE

Histogram = NDArray[np.float64]
Divergences = Callable[[Any, Any], tuple[float, ...]]  # KL, JSD and a third of two histograms
STEP = 0.02
X = np.linspace(-8, 8, 801)


def _normal(mean: float, width: float) -> Histogram:
    return np.exp(-((X - mean) ** 2) / (2 * width * width)) / (width * math.sqrt(2 * math.pi))


HEAPS = 0.7 * _normal(-2, 0.7) + 0.3 * _normal(2.5, 0.7)


@cache
def _best(divergences: Divergences) -> list[tuple[float, float]]:
    """Return mean and width of the normal density nearest to the heaps by each divergence."""
    means, widths = np.arange(-3, 3.01, 0.1), np.arange(0.4, 3.51, 0.1)
    fits = {
        (mean, width): divergences(HEAPS * STEP, _normal(mean, width) * STEP)
        for mean in means
        for width in widths
    }
    return [min(fits, key=lambda fit: fits[fit][i]) for i in range(2)]


def two_heaps(divergences: Divergences) -> Figure:
    """Draw two heaps, and the normal density that is nearest to them by each divergence."""
    by_kl, by_jsd = (_normal(*fit) for fit in _best(divergences))
    series = {"data": HEAPS, "lowest KL(p‖q)": by_kl, "lowest JSD(p, q)": by_jsd}
    return figures.functions(X, series, filled=["data"], xlabel="$x$", ylabel="density")


def prices(divergences: Divergences, p: Histogram, faulty: Mapping[str, Histogram]) -> None:
    """Check the prices of two faults of 5 %; glue what the likelihood's fit of two heaps wastes."""
    share = 0.05
    kl, jsd, pull = zip(*(divergences(p, q) for q in faulty.values()), strict=True)
    (mean, width), (js_mean, js_width) = _best(divergences)
    first, second = (float((HEAPS * X**power).sum() * STEP) for power in (1, 2))
    spread = math.sqrt(second - first**2)
    wasted = (_normal(mean, width) * (0.05 * HEAPS.max() > HEAPS)).sum() * STEP
    PAGE.keep(kl_wasted=100 * float(wasted))
    check("making up costs its share", abs(kl[0] + math.log(1 - share)) < 1e-9)
    check("leaving out costs without bound", kl[1] == math.inf)
    check("both cost alike by the other", np.allclose(jsd, share / 2 * math.log(2), 0, 1e-3))
    check("the third forbids to make up", pull[0] == math.inf)
    check("and charges little for leaving out", abs(pull[1] - share * (1 - math.log(2))) < 1e-3)
    check("the likelihood's fit has the data's mean", abs(mean - first) < 0.1)
    check("the likelihood's fit has the data's spread", abs(width - spread) < 0.1)
    check("the other is the larger heap", abs(js_mean + 2) < 0.15 and abs(js_width - 0.7) < 0.15)


def lines(
    trained: Mapping[str, Any],
    norms: tuple[Tensor, Tensor],
    draws: Tensor,
    middles: dict[str, Tensor],
) -> None:
    """Glue what is said of the digits' models: their sizes, norms and densities along lines."""
    vae, gan = (count_parameters(trained[name]) for name in ("vae-gaussian", "gan"))
    mean = {name: of.mean().item() for name, of in ({"draws": draws} | middles).items()}
    PAGE.of("digits").keep(**{name: signed(value) for name, value in mean.items()})
    told = f"{mean['z']:.1f} against {mean['draws']:.1f}"
    PAGE.own_claims(digits_middles=Verdict(mean["z"] > mean["draws"], told))
    as_foreseen = torch.allclose(*norms, 0.06, 0)
    check("digits: the mean squared norm is the formula's", as_foreseen)
    check("digits: of one size", 0.9 < gan / vae < 1.1)


def circles(gains: Mapping[str, Interval]) -> None:
    """Mark what is said of great circles if one VAE's middles do not gain by them, or the other's do not lose."""
    one, other = (gains[name] for name in ("VAE", "VAE, seed 1"))
    PAGE.own_claims(circles=both(shown(one, sign=1, digits=1), shown(other, sign=-1, digits=1)))


def pitfalls(changes: Mapping[str, float], apart: Mapping[str, float]) -> None:
    """Check that batch normalisation mixes images in training alone; mark it if means and draws score alike."""
    mixed, alone = (changes[mode] for mode in ("training", "evaluation"))
    check("digits: images depend on each other in training mode", mixed > 0.05)
    check("digits: they do not in evaluation mode", alone <= 0.05)
    told = ", ".join(f"{name} {distance:.2f}" for name, distance in apart.items())
    matters = max(apart.values()) > 1.3 * min(apart.values())
    PAGE.own_claims(means_or_draws=Verdict(matters, told))
