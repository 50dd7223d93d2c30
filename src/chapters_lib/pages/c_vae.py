"""The page *Conditional VAE*: small models on digits, and a map of noise; its siblings read records."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from matplotlib.figure import Figure
from torch import Tensor

from chapters_lib import data, figures
from chapters_lib.evaluation import likelihood, manifold, probe
from chapters_lib.figures import schematics
from chapters_lib.findings.verdicts import Verdict
from chapters_lib.models.vae import VAE
from chapters_lib.pages import Page, check
from chapters_lib.recipes import vae
from chapters_lib.recipes.vae import VaeConfig
from chapters_lib.reproducibility import generator

PAGE = Page("cvae")
drawing = schematics.c_vae
CVAE = "cvae-fashion-mnist"
Measured = Mapping[str, float]  # of a small model


def percent(**shares: float) -> None:
    """Give shares to the text in per cent, ``…-percent``."""
    PAGE.keep(**{f"{key}_percent": 100 * value for key, value in shares.items()})


def asked(config: VaeConfig, network: VAE, z: Tensor) -> Tensor:
    """Return every code decoded as every class, uint8 (classes, codes, 1, 28, 28)."""
    labels = torch.arange(10).repeat_interleave(len(z))
    return vae.decode(config, network, z.repeat(10, 1), labels).unflatten(0, (10, len(z)))


def digits_measures(config: VaeConfig, network: VAE) -> dict[str, float]:
    """Return the bound of a small model, what a linear probe reads from its codes, and the price of class means."""
    training, test = data.load("digits", "train"), data.load("digits", "test")
    mu, z = [], []
    for part in (training, test):
        loc, scale = likelihood.encode(network, *vae.inputs(config, part))
        mu.append(loc)
        z.append(loc + scale * torch.randn(loc.shape, generator=generator(0)))
    in_mu, in_z = (
        probe.linear_information(codes[0], training.labels, codes[1], test.labels)
        for codes in (mu, z)
    )
    terms = vae.bound(config, network, test)
    means = torch.stack([mu[0][training.labels == c].mean(0) for c in range(10)])
    return {
        "-ELBO": sum(terms.values()),
        "KL": terms["kl"],
        "probe, mu": in_mu["probe_test_accuracy"],
        "probe, z": in_z["probe_test_accuracy"],
        "price": float(means[training.labels].square().sum(1).mean() / 2),
    }


def digits_found(found: Mapping[str, Measured]) -> None:
    """Keep what was measured of the small models."""
    v, c, _, cheap = found.values()
    for short, values in (("v", v), ("c", c)):
        PAGE.of(f"digits_{short}").keep(price=values["price"], bound=values["-ELBO"])
    percent(
        digits_v_z=v["probe, z"],
        **{f"digits_{s}_mu": of["probe, mu"] for s, of in (("v", v), ("c", c), ("cheap", cheap))},
    )


def digits_centred(before: Tensor, after: Tensor, saved: float, price: float, right: float) -> None:
    """Check what subtracting the class means does: to logits, to the KL, and to a linear probe."""
    percent(centred=right)
    check("the same reconstructions", float((before - after).abs().max()) < 1e-3)
    check("the price is what is saved", abs(saved - price) < 1e-4)


def digits_deaf(config: VaeConfig, deaf: VAE, cured: VAE, plain: Measured) -> None:
    """Keep bound and probe of the network whose decoder drops the class, and how much its images vary over classes."""
    z = vae.prior_codes(config, 20)
    found = digits_measures(config, deaf)
    read = found["probe, z"]
    PAGE.of("deaf").keep(bound=found["-ELBO"], z_percent=100 * read)
    kept = Verdict(read > plain["probe, z"] - 0.03, f"{read:.2f} against {plain['probe, z']:.2f}")
    PAGE.own_claims(deaf=kept)
    for short, network in (("deaf", deaf), ("cured", cured)):
        spread = asked(config, network, z).float().std(0).mean()
        PAGE.of(short).keep(spread=float(spread))


def noise() -> Figure:
    """Draw t-SNE's maps of draws from one normal distribution at two perplexities."""
    drawn = torch.randn(400, 8, generator=generator(0))
    figure, axes = figures.panels(2, height=2.9)
    for ax, perplexity in zip(axes, (2, 50), strict=True):
        placed, kl = manifold.tsne(drawn, perplexity=perplexity)
        title = f"perplexity {perplexity}, KL {kl:.2f} nats"
        figures.code_map(placed, torch.zeros(400), ("noise",), title=title, size=6, ax=ax)
    return figure


Scores = Mapping[int, tuple[float, float]]


def digits_classifier(
    right: Mapping[int, float], worth: Mapping[int, float], scores: Scores
) -> None:
    """Keep how well the model classifies; `scores` are mean bounds under the own class and under the others."""
    (own_1, others_1), (own_20, others_20) = scores.values()
    percent(classifier_one=right[1], classifier=right[20])
    PAGE.keep(classifier_worth_one=worth[1], classifier_worth=worth[20])
    PAGE.keep(own_raised=own_20 - own_1, others_raised=others_20 - others_1)
