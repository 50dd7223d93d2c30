"""The page on a flow as prior: what it says and draws of the small trainings on digits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from torch import Tensor
from torch.distributions import Distribution

from chapters_lib import figures
from chapters_lib.data import CLASSES
from chapters_lib.evaluation import likelihood
from chapters_lib.evaluation.aggregate import KlParts
from chapters_lib.models.vae import VAE, StandardNormal
from chapters_lib.pages import Page, check
from chapters_lib.recipes.likelihood_vae import PriorConfig, split
from chapters_lib.reproducibility import generator

PAGE = Page("flow")


def trained(found: Mapping[str, Mapping[str, Any]], config: PriorConfig) -> None:
    """Keep the bounds and likelihoods of the two trainings."""
    normal, flow = found["N(0, I)"], found["RealNVP"]
    worse = flow["reconstruction"] - normal["reconstruction"]
    cheaper = normal["kl"] - flow["kl"]
    PAGE.keep(digits_normal_nll=normal["nll"], digits_learned_nll=flow["nll"])
    images = len(split(config)[0])
    PAGE.keep(digits_images=images)
    PAGE.keep(digits_updates=config.epochs * (images // config.batch_size))
    PAGE.keep(digits_kl_by=abs(cheaper), digits_reconstruction_by=abs(worse))
    PAGE.keep(digits_reconstructs="better" if worse < 0 else "worse")
    check({"digits: the flow's KL is lower": cheaper > 0})
    check({"digits: the likelihoods lie close": abs(normal["nll"] - flow["nll"]) < 3})


def noise(found: Mapping[str, tuple[float, float]]) -> None:
    """Keep which share of the whole gradient's variance the path alone has."""
    share = {name: 100 * path / whole for name, (whole, path) in found.items()}
    untrained, normal, flow = share["untrained"], share["N(0, I)"], share["RealNVP"]
    PAGE.keep(noise_untrained=untrained, noise_normal=normal, noise_flow=flow)
    check(
        {
            "after training the path alone has less than half of the variance": normal < 50,
            "and the smaller share of it under the flow": flow < normal,
            "before training it has no less": untrained > 95,
        }
    )


@torch.no_grad()
def codes_of(model: VAE, images: Tensor) -> Tensor:
    """Return one code for each image, always from the same noise."""
    loc, scale = likelihood.encode(model, images)
    return loc + scale * torch.randn(loc.shape, generator=generator(0))


@torch.no_grad()
def _density(prior: Distribution, extent: Sequence[float], cells: int) -> Tensor:
    """Return a density at the centres of a grid's cells, from the top left."""
    grid = torch.from_numpy(figures.plane_codes(extent, cells, cells)).float()
    return prior.log_prob(grid).exp().view(cells, cells)


def integral(prior: Distribution, around: Tensor, cells: int = 600) -> float:
    """Return the integral of a density of two units, over a box well beyond these codes."""
    left, right, bottom, top = extent = figures.central_extent(around, share=1.0, margin=1.5)
    return float(_density(prior, extent, cells).sum()) * (right - left) * (top - bottom) / cells**2


def draw_plane(
    ax: Axes, model: VAE, codes: ArrayLike, labels: ArrayLike, title: str, size: float = 5
) -> None:
    """Draw codes over the density of their prior; the standard normal with its circles."""
    circles = isinstance(model.prior, StandardNormal)
    extent = figures.central_extent(codes, share=0.995, margin=0.25)
    if circles:
        reach = max(3.3, *(abs(side) for side in extent))
        extent = [-reach, reach, -reach, reach]
    figures.density_plane(_density(model.prior(), extent, 120), extent, ax=ax)
    figures.code_plane(
        codes, labels, (), extent=extent, size=size, title=title, legend=False, ax=ax
    )
    if circles:
        figures.normal_circles(ax=ax)


def planes(models: Mapping[str, VAE], images: Tensor, labels: Tensor) -> Figure:
    """Return the codes of images under both priors, with two units."""
    figure, axes = figures.panels(2, height=3.3)
    for ax, (name, model) in zip(axes, models.items(), strict=True):
        draw_plane(ax, model, codes_of(model, images), labels, name)
    figures.class_legend(CLASSES["digits"], ax=axes[0], columns=10, below=True)
    return figure


@torch.no_grad()
def stages(model: Any, images: Tensor, labels: Tensor) -> Figure:
    """Return the codes on their way through the flow, from the base space on."""
    flow, there = model.prior, codes_of(model, images)
    found = flow.stages(flow.to_base(there))[::2]
    titles = ["base $u$", *(f"after {2 * i}" for i in range(1, len(found) - 1)), "code $z$"]
    figure, axes = figures.panels(len(found), height=1.9)
    for ax, points, title in zip(axes, found, titles, strict=True):
        figures.code_plane(points, labels, (), size=2, title=title, legend=False, ax=ax)
        ax.set(xlabel="", ylabel="")
        ax.tick_params(labelsize=6)
    figures.normal_circles(ax=axes[0])
    base = found[0]
    check(
        {
            "in the base space the codes have the normal's mean and spread": bool(
                base.mean(0).abs().max() < 0.3 and (base.std(0) - 1).abs().max() < 0.3
            ),
            "the flow moves them": bool((base - there).norm(dim=1).mean() > 0.1),
            "the density integrates to one": abs(integral(flow(), there) - 1) < 0.02,
        }
    )
    return figure


def fitted(
    parts: Mapping[str, KlParts], model: VAE, flow: Any, images: Tensor, nll_before: float
) -> None:
    """Keep what a flow gains that was fitted to the codes of a trained model."""
    before, after = parts["N(0, I)"], parts["fitted afterwards"]
    refitted = VAE(model.encoder, model.decoder, flow)
    nll = float(likelihood.negative_iwae(refitted, images, num_samples=500).mean())
    gain, limit = before.marginal_kl - after.marginal_kl, math.log(len(images))
    cheaper = before.prior_cross_entropy - after.prior_cross_entropy
    PAGE.keep(information=before.mutual_information, digits_limit=limit, after_nll=nll)
    PAGE.keep(misfit_before=before.marginal_kl, misfit_after=after.marginal_kl, gain_after=gain)
    check(
        {
            "the information is the encoder's": (
                before.mutual_information == after.mutual_information
            ),
            "and near its limit": 0.95 * limit < before.mutual_information < limit,
            "the misfit falls": gain > 0,
            "nat for nat with the cross-entropy": abs(gain - cheaper) < 1e-4,
            "no more than the whole misfit": gain <= before.marginal_kl + 0.05,
            "the likelihood gains": nll < nll_before,
        }
    )


def pitfalls(
    integrals: Mapping[str, float],
    still: Mapping[str, Sequence[int]],
    gradients: Mapping[str, int],
) -> None:
    """Hold what the provoked faults show against the text."""
    right, wrong = (abs(integrals[name] - 1) < 0.02 for name in ("right", "wrong sign"))
    check(
        {
            "the wrong sign's density does not integrate to one": right and not wrong,
            "units stand still where every coupling keeps the same part": (
                bool(still["same part"]) and not still["alternating"]
            ),
            "the closed form gives the flow no gradient": (
                gradients["closed form"] == 0 < gradients["at the sample"]
            ),
        }
    )


def list_as_prior(terms: Mapping[str, tuple[float, float]], training: int) -> None:
    """Keep the KL terms, on training and test images, under the list of the training images."""
    spread = {name: test - train for name, (train, test) in terms.items()}
    (train, test), limit = terms["list"], math.log(training)
    PAGE.keep(list_train=train, list_test=test, list_limit=limit, list_spread=spread["list"])
    PAGE.keep(plain_test=terms["N(0, I)"][1], fitted_spread=spread["fitted"])
    check(
        {
            "the list is the best on training images": train == min(t for t, _ in terms.values()),
            "on test images it is worse than the standard normal": test > terms["N(0, I)"][1],
            "within its limit": train <= limit,
            "and loses the most on test images": spread["list"] == max(spread.values()),
        }
    )
