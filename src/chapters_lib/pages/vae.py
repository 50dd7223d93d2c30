"""What the page of the variational autoencoder shows of a model that can be solved, of gradients, and of digits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.distributions import Normal
from torch.nn import functional as F

from chapters_lib import data, figures
from chapters_lib.data import to_float
from chapters_lib.evaluation import likelihood
from chapters_lib.models.vae import VAE
from chapters_lib.pages import Page, check, run
from chapters_lib.recipes import vae
from chapters_lib.recipes.vae import VaeConfig
from chapters_lib.reproducibility import generator
from chapters_lib.training import History

PAGE = Page("vae")


def config(name: str) -> VaeConfig:
    """Return the configuration that a run records."""
    recorded: dict[str, Any] = run(name).config
    return VaeConfig(**recorded | {"hidden": tuple(recorded["hidden"])})


def linear_gaussian(log_p: float, trials: Mapping[str, tuple[float, float]]) -> None:
    """Check the ELBO and the gap of each choice of q, nats, against log p(x)."""
    claims = {
        "the ELBO and its gap sum to log p(x)": all(
            abs(elbo + gap - log_p) < 1e-6 for elbo, gap in trials.values()
        ),
        "the bound is one": all(elbo <= log_p + 1e-9 for elbo, _ in trials.values()),
        "and is attained by the posterior": abs(trials["the posterior"][0] - log_p) < 1e-6,
    }
    check(claims)


def importance_bounds(w: Tensor, s: float, x: Tensor, log_p: float, elbo: float) -> Figure:
    """Draw the importance-weighted bound over the number of draws, with the prior for q."""
    draws = (1, 2, 4, 8, 16, 32, 64, 128, 256)
    z = torch.randn(4000, draws[-1], generator=generator(1)).double()
    log_w = Normal(z[..., None] * w, s).log_prob(x).sum(-1)  # q = p(z): w = p(x|z)
    bounds = [float((log_w[:, :k].logsumexp(1) - math.log(k)).mean()) for k in draws]
    logs = [float(log_w[:, :k].mean()) for k in draws]
    claims = {
        "the bound rises with K and stays below": bounds == sorted(bounds) and bounds[-1] < log_p,
        "K = 1 is the ELBO": abs(bounds[0] - elbo) < 0.2,
        "the weights' mean is p(x)": abs(log_w.exp().mean() / math.exp(log_p) - 1) < 0.02,
        "the figure says that it reaches it": log_p - bounds[-1] < 0.02,
    }
    check(claims)
    figure, (ax,) = figures.panels(width=5.0, height=2.8)
    series = {"log of the mean": bounds, "mean of the logs": logs}
    figures.lines(draws, series, xlabel="draws $K$", ylabel="nats", ax=ax)
    ax.set_xscale("log", base=2)
    ax.set_xticks(draws, [str(k) for k in draws])
    figures.reference_lines({"log p(x)": log_p}, ax=ax)
    return figure


def gradient_variance(gradients: Callable[[int], Mapping[str, Tensor]]) -> Figure:
    """Draw the variance of one draw of each estimator over the number of code units."""
    units = (1, 2, 4, 8, 16, 32)
    measured = {count: gradients(count) for count in units}
    errors = [
        (draws.mean() - 1) / (draws.std() / draws.numel() ** 0.5)
        for found in measured.values()
        for draws in found.values()
    ]
    variance = {
        name: [float(measured[count][name].var(0).mean()) for count in units]
        for name in measured[1]
    }
    score_function, without_mean, path = variance.values()
    ratios = [a / b for a, b in zip(score_function, path, strict=True)]
    centred = [a / b for a, b in zip(without_mean, path, strict=True)]
    PAGE.keep(ratio_two=ratios[1], ratio_many=ratios[-1])
    PAGE.keep(centred_two=centred[1], centred_many=centred[-1])
    claims = {
        "all three are unbiased": all(abs(error) < 5 for error in errors),
        "the ratios grow": ratios == sorted(ratios) and centred == sorted(centred),
        "removing the mean helps": all(a > b for a, b in zip(ratios, centred, strict=True)),
        "and is not enough": centred[0] > 1,
    }
    check(claims)
    figure, (ax,) = figures.panels(width=5.4, height=2.9)
    figures.lines(units, variance, xlabel="code units", ylabel="variance of one draw", ax=ax)
    ax.set(xscale="log", yscale="log")
    ax.set_xticks(units, [str(count) for count in units])
    ax.minorticks_off()
    return figure


# The run in the page, on digits. `terms` are those of the bound: reconstruction and KL.


def digits_loss(history: History, terms: Mapping[str, float], x_test: Tensor) -> Figure:
    """Draw minus the ELBO over the epochs, above the entropy of the grey pixels."""
    loss = sum(terms.values())
    entropy = F.binary_cross_entropy(x_test, x_test, reduction="none")
    floor = float(entropy.sum((1, 2, 3)).mean())
    PAGE.keep(digits_reconstruction=terms["reconstruction"], digits_kl=terms["kl"])
    PAGE.keep(digits_loss=loss, digits_floor=floor)
    check({"most of the loss is the floor": floor > 0.5 * loss})
    return figures.learning_curves(
        history,
        {"train": "train_eval_negative_elbo", "test": "test_negative_elbo"},
        marks={"entropy of the grey pixels": floor},
        ylabel="$-\\mathcal{L}$ in nats an image",
    )


def digits_rows(config: VaeConfig, network: VAE) -> Figure:
    """Show test digits, their reconstructions, and new images."""
    test = data.load("digits", "test").first(10)
    return figures.image_rows(
        {
            "existing": test.images,
            "reconstruction": vae.reconstruct(config, network, test.images, test.labels),
            "new": vae.samples(config, network, 10),
        }
    )


def digits_bounds(terms: Mapping[str, float], bounds: Mapping[int, float]) -> None:
    """Keep how far the importance-weighted bound moves, by its number of draws."""
    first, *_, last = bounds.values()
    PAGE.keep(digits_iwae_100=bounds[100], digits_gap=first - last)
    claims = {
        "the bound tightens with K": list(bounds.values()) == sorted(bounds.values(), reverse=True),
        "K = 1 is the ELBO": abs(first - sum(terms.values())) < 0.5,
        "some nats are the encoder's": first - last > 1,
    }
    check(claims)


def digits_averaged(
    config: VaeConfig,
    averaged: VAE,
    averaged_terms: Mapping[str, float],
    summed: VAE,
    summed_terms: Mapping[str, float],
) -> Figure:
    """Show what a network makes of test digits whose loss was averaged over pixels, and one whose was summed."""
    test = data.load("digits", "test")
    shown, x_test = test.first(10), to_float(test.images)
    blur, sharp = (
        vae.reconstruct(config, network, shown.images, shown.labels)
        for network in (averaged, summed)
    )
    none, some = (
        likelihood.active_units(likelihood.encode(network, x_test)[0])
        for network in (averaged, summed)
    )
    from_mean = to_float(blur) - to_float(data.load("digits", "train").images).mean(0)
    before, after = averaged_terms["reconstruction"], summed_terms["reconstruction"]
    PAGE.keep(averaged_kl=averaged_terms["kl"], averaged_reconstruction=before, summed_units=some)
    claims = {
        "the code is empty": averaged_terms["kl"] < 0.05 and none == 0,
        "all reconstructions are one image": float(blur.float().std(0).max()) < 3,
        "nearly the mean": float(from_mean.abs().mean()) < 0.06,
        "the cure": some >= 6 and after < before - 30,
    }
    check(claims)
    return figures.image_rows({"existing": shown.images, "averaged": blur, "summed": sharp})


def digits_mean_code(from_mean: float, from_draws: float, tighter: float) -> None:
    """Keep minus the ELBO as the mean code and drawn codes give it; `tighter` is by a hundred draws."""
    PAGE.keep(from_mean=from_mean, from_draws=from_draws)
    claims = {
        "the mean code looks better than it is": from_mean < from_draws - 2,
        "and beats a tighter bound": from_mean < tighter - 0.3,
    }
    check(claims)


def digits_logarithms(wrong: float, right: float, elbo: float, tighter: float) -> None:
    """Check the mean of the logarithms and the logarithm of the mean of the same hundred weights."""
    equal = likelihood.negative_log_mean(torch.full((7, 1), -3.0))
    claims = {
        "the mean of the logs is the ELBO": abs(wrong - elbo) < 0.3,
        "the log of the mean is the tighter bound": right < wrong - 1
        and abs(right - tighter) < 0.3,
        "equal weights return their value": abs(float(equal) - 3) < 1e-6,
    }
    check(claims)


def digits_square(loss: float, exponential: float) -> None:
    """Keep minus the ELBO of the network whose variances are squares."""
    PAGE.keep(square_loss=loss)
    check({"the two encoders end close together": abs(loss - exponential) < 4})


def digits_moved(
    new: Mapping[str, Tensor], near: Mapping[str, float], near_test: float, spread: float
) -> Figure:
    """Show new images by how their codes were drawn; `near` is each one's squared error to training images."""
    PAGE.keep(near_normal=near["N(0, I)"], near_moved=near["moved"], near_paid=near["with KL"])
    PAGE.keep(near_test=near_test, moved_spread=spread)
    claims = {
        "moving the draws repairs most": near["moved"] < near["N(0, I)"] / 2,
        "and is as good as the KL term": abs(near["moved"] / near["with KL"] - 1) < 0.15,
        "both are off": near_test < 0.8 * min(near.values()),
        "the codes are wide": spread > 2,
    }
    check(claims)
    return figures.image_rows({name: images[:10] for name, images in new.items()})
