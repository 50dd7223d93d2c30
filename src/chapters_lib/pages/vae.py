"""The page *Variational autoencoder*: a model that can be solved, gradients, and digits; its siblings read records."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from chapters_lib import data, figures
from chapters_lib.data import to_float
from chapters_lib.evaluation import likelihood
from chapters_lib.figures import schematics
from chapters_lib.findings.words import in_words
from chapters_lib.models.vae import VAE
from chapters_lib.pages import Page, check, run
from chapters_lib.recipes import vae
from chapters_lib.recipes.vae import VaeConfig

PAGE = Page("vae")
drawing = schematics.vae


def config(name: str) -> VaeConfig:
    """Return the configuration that a run records."""
    return run(name).config_as(VaeConfig)


def trainings(name: str) -> str:
    """Return how many trainings a run holds, in words."""
    return in_words(run(name).trainings)


def gradient_variance(gradients: Callable[[int], Mapping[str, Tensor]]) -> Figure:
    """Draw the variance of one draw of each estimator over the number of code units."""
    units = (1, 2, 4, 8, 16, 32)
    measured = [gradients(count) for count in units]
    for found in measured:
        errors = [(g.mean() - 1) / (g.std() / g.numel() ** 0.5) for g in found.values()]
        check("all three are unbiased", all(abs(error) < 5 for error in errors))
    variance = {
        name: [float(found[name].var(0).mean()) for found in measured] for name in measured[0]
    }
    whole, centred, path = (values[-1] for values in variance.values())
    PAGE.keep(ratio_many=round(whole / path, -2), centred_many=round(centred / path, -1))
    figure, (ax,) = figures.panels(width=5.4, height=2.9)
    figures.lines(units, variance, xlabel="code units", ylabel="variance of one draw", ax=ax)
    ax.set(xscale="log", yscale="log")
    ax.set_xticks(units, [str(count) for count in units])
    ax.minorticks_off()
    return figure


# The run in the page, on digits. `terms` are those of the bound: reconstruction and KL.


def digits_loss(terms: Mapping[str, float], bounds: Mapping[int, float], x_test: Tensor) -> None:
    """Keep the terms of the bound, how far more draws move it, and the entropy of the grey pixels as coins."""
    entropy = F.binary_cross_entropy(x_test, x_test, reduction="none")
    PAGE.keep(digits_reconstruction=terms["reconstruction"], digits_kl=terms["kl"])
    PAGE.keep(digits_loss=sum(terms.values()), digits_floor=float(entropy.sum((1, 2, 3)).mean()))
    PAGE.keep(digits_gap=bounds[1] - bounds[100])


def digits_rows(config: VaeConfig, network: VAE) -> Figure:
    """Show test digits, their reconstructions, and new images."""
    test = data.load("digits", "test").first(10)
    again = vae.reconstruct(config, network, test.images, test.labels)
    new = vae.samples(config, network, 10)
    return figures.image_rows({"existing": test.images, "reconstruction": again, "new": new})


def digits_averaged(
    config: VaeConfig, averaged: VAE, averaged_terms: Mapping[str, float], summed: VAE
) -> Figure:
    """Show what a network makes of test digits whose loss was averaged over pixels, and one whose was summed."""
    test = data.load("digits", "test")
    shown, x_test = test.first(10), to_float(test.images)
    rows, units = {"existing": shown.images}, []
    for name, network in {"averaged": averaged, "summed": summed}.items():
        rows[name] = vae.reconstruct(config, network, shown.images, shown.labels)
        units.append(likelihood.active_units(likelihood.encode(network, x_test)[0]))
    PAGE.keep(averaged_kl=averaged_terms["kl"], averaged_units=units[0], summed_units=units[1])
    PAGE.keep(averaged_reconstruction=averaged_terms["reconstruction"])
    return figures.image_rows(rows)


def digits_moved(
    near: Mapping[str, float], nearest: Callable[[Tensor], float], length: float
) -> None:
    """Keep the squared errors to the nearest training image: of new images, test images and averages."""
    train, test = (data.load("digits", split) for split in ("train", "test"))
    of_class = [train.images[train.labels == c].float().mean(0) for c in range(10)]
    means = train.images.float().mean(0, keepdim=True), torch.stack(of_class)
    blob, kinds = (nearest(images.round().byte()) for images in means)
    real = nearest(test.images)
    check("averages beat real digits", kinds < real < blob)
    PAGE.keep(near_normal=near["N(0, I)"], near_moved=near["moved"], near_paid=near["with KL"])
    PAGE.keep(near_test=real, near_kinds=kinds, moved_length=length)
