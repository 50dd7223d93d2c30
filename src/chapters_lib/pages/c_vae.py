"""What the page of the conditional VAE shows of small models: on digits, and maps of noise."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from matplotlib.figure import Figure
from torch import Tensor

from chapters_lib import data, figures
from chapters_lib.evaluation import likelihood, manifold, probe
from chapters_lib.models.vae import VAE
from chapters_lib.pages import Page, check, run
from chapters_lib.pages.vae import config
from chapters_lib.recipes import vae
from chapters_lib.recipes.vae import VaeConfig
from chapters_lib.reproducibility import generator

PAGE = Page("cvae")
CVAE = "cvae-fashion-mnist"
Measured = Mapping[str, float]  # of a small model


def percent(**shares: float) -> None:
    """Give shares to the text in per cent, ``…-percent``."""
    PAGE.keep(**{f"{key}_percent": 100 * value for key, value in shares.items()})


def asked(config: VaeConfig, network: VAE, z: Tensor) -> Tensor:
    """Return every code decoded as every class, uint8 (classes, codes, 1, 28, 28)."""
    labels = torch.arange(10).repeat_interleave(len(z))
    return vae.decode(config, network, z.repeat(10, 1), labels).unflatten(0, (10, len(z)))


def class_means(loc: Tensor, labels: Tensor) -> Tensor:
    """Return the mean code of each class, shape (10, units)."""
    return torch.stack([loc[labels == y].mean(0) for y in range(10)])


def digits_measures(config: VaeConfig, network: VAE) -> dict[str, float]:
    """Return the bound of a small model, what classifiers read from its codes, and the price of class means."""
    training, test = data.load("digits", "train"), data.load("digits", "test")
    mu, z = [], []
    for part in (training, test):
        loc, scale = likelihood.encode(network, *vae.inputs(config, part))
        mu.append(loc)
        z.append(loc + scale * torch.randn(loc.shape, generator=generator(0)))
    in_mu = probe.class_information(mu[0], training.labels, mu[1], test.labels)
    in_z = probe.class_information(z[0], training.labels, z[1], test.labels)
    terms = vae.bound(config, network, test)
    means = class_means(mu[0], training.labels)
    return {
        "negative_elbo": sum(terms.values()),
        "kl": terms["kl"],
        "linear": in_mu["probe_test_accuracy"],
        "knn": in_mu["knn_test_accuracy"],
        "in_mu": in_mu["class_information"],
        "in_z": in_z["class_information"],
        "price": float(means[training.labels].square().sum(1).mean() / 2),
    }


def digits_found(found: Mapping[str, Measured]) -> None:
    """Keep what was measured of the VAE and of the conditional VAE on digits."""
    v, c = found["VAE"], found["C-VAE"]
    for short, values in (("v", v), ("c", c)):
        percent(**{f"digits_{short}_linear": values["linear"]})
        for key in ("negative_elbo", "in_mu", "in_z", "price"):
            PAGE.keep(**{f"digits_{short}_{key}": values[key]})
    claims = {
        "the class lowers the bound": c["negative_elbo"] < v["negative_elbo"],
        "and the KL": c["kl"] < v["kl"],
        "the probe reads less": c["linear"] < v["linear"] and c["in_mu"] < v["in_mu"],
        "in z as well": c["in_z"] < v["in_z"],
        "class means are cheaper, and not gone": 0.1 < c["price"] < 0.7 * v["price"],
    }
    check(claims)


def digits_trainings(
    small: VaeConfig, cheap: float, found: Measured, again: Mapping[tuple[str, str], Measured]
) -> None:
    """Keep what shorter and longer trainings give, and one at a `cheap` KL term; `found` is the conditional VAE's."""
    few, many, free = (again["C-VAE", name] for name in ("few", "many", "cheap"))
    v_few, v_many = (again["VAE", name] for name in ("few", "many"))
    epochs = small.epochs * 3
    PAGE.keep(digits_few=small.epochs // 4, digits_epochs=small.epochs, digits_many=epochs)
    PAGE.keep(digits_c_few_price=few["price"], digits_c_many_price=many["price"], cheap=str(cheap))
    percent(digits_c_few_linear=few["linear"], digits_c_many_linear=many["linear"])
    percent(digits_v_few_linear=v_few["linear"], digits_v_many_linear=v_many["linear"])
    percent(digits_cheap_linear=free["linear"])

    def falls(key: str) -> bool:
        return few[key] > found[key] > many[key]

    large, updates = config(CVAE), epochs * len(data.load("digits", "train")) / small.batch_size
    claims = {
        "the conditional VAE's class information falls with training": falls("in_mu"),
        "and the probe's accuracy": falls("linear"),
        "and the price": falls("price"),
        "the bound improves all the while": falls("negative_elbo"),
        "the VAE's class information does not fall": v_few["in_mu"] < v_many["in_mu"],
        "its probe is right to the end": v_many["linear"] > 0.9,
        "early on, the two hold about as much": abs(v_few["linear"] - few["linear"]) < 0.05,
        "above chance even so": many["linear"] > 0.15,
        "class information that costs nothing stays": free["linear"] > found["linear"] + 0.1
        and free["in_mu"] > found["in_mu"] + 0.3,
        "more updates on Fashion-MNIST": large.epochs * 48_000 / large.batch_size > updates,
        "and cheaper class means": run(CVAE)["class_means_nats"] < many["price"],
    }
    check(claims)


def digits_centred(before: Tensor, after: Tensor, saved: float, price: float, right: float) -> None:
    """Check what subtracting the class means does: to logits, to the KL, and to a linear probe."""
    claims = {
        "the same reconstructions": float((before - after).abs().max()) < 1e-3,
        "the price is what is saved": abs(saved - price) < 1e-4,
        "the probe is at chance": right < 0.15,
    }
    check(claims)


def digits_asked(config: VaeConfig, network: VAE) -> Figure:
    """Show a digit a row as asked for, from one code a column."""
    grid = asked(config, network, vae.prior_codes(config, 12, seed=1))
    return figures.image_rows(dict(zip("0123456789", grid, strict=True)), width=5.2)


def digits_deaf(config: VaeConfig, deaf: VAE, cured: VAE, found: Mapping[str, Measured]) -> None:
    """Keep the bound of the network whose decoder drops the class."""
    loss = sum(vae.bound(config, deaf, data.load("digits", "test")).values())
    z = vae.prior_codes(config, 20)
    same, different = (asked(config, network, z).float().std(0) for network in (deaf, cured))
    v, c = found["VAE"]["negative_elbo"], found["C-VAE"]["negative_elbo"]
    PAGE.keep(deaf_bound=loss)
    claims = {
        "ten times the same image": float(same.max()) < 1,
        "ten different images": float(different.mean()) > 5,
        "the class in the encoder is of no use": loss > c,
        "it is a VAE, but for its seed": abs(loss - v) < abs(loss - c),
    }
    check(claims)


def noise() -> Figure:
    """Draw t-SNE's maps of draws from one normal distribution at two perplexities."""
    drawn = torch.randn(400, 8, generator=generator(0))
    figure, axes = figures.panels(2, height=2.9)
    for ax, perplexity in zip(axes, (2, 50), strict=True):
        placed, kl = manifold.tsne(drawn, perplexity=perplexity)
        figures.code_plane(
            placed,
            torch.zeros(400),
            ("noise",),
            names=("", ""),
            title=f"perplexity {perplexity}, KL {kl:.2f} nats",
            legend=False,
            size=6,
            ax=ax,
        )
        ax.set(xticks=[], yticks=[])
    return figure


def gap_ratio(gaps: Mapping[int, float]) -> None:
    """Keep how much wider the map's gap is when two groups are ten times as far apart."""
    near, far = gaps.values()
    PAGE.keep(gap_ratio=far / near)
    check({"ten times the distance is not ten times the gap": far / near < 3})


def digits_classifier(
    right: Mapping[int, float],
    worth: Mapping[int, float],
    scores: Mapping[int, tuple[float, float]],
) -> None:
    """Keep how well the model classifies; `scores` are mean bounds under the own class and under the others."""
    (own_1, others_1), (own_20, others_20) = scores.values()
    percent(classifier=right[20])
    PAGE.keep(classifier_worth=worth[20])
    claims = {
        "a good classifier": right[20] > 0.9,
        "worth is bounded, and nearly the bound": 2 < worth[20] <= math.log(10),
        "the wrong classes' scores are raised by more": others_20 - others_1 > own_20 - own_1 > 0,
        "and the worth rises nevertheless": worth[20] > worth[1] and right[20] > right[1],
    }
    check(claims)
