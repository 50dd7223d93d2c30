"""Figures, tables and numbers of the page on the generative adversarial network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from torch import Tensor

from chapters_lib import figures
from chapters_lib.evaluation.judge import features_and_probabilities
from chapters_lib.experiments import find
from chapters_lib.objectives.adversarial import minmax_loss, nonsaturating_loss
from chapters_lib.pages import below, check, gan_curves, model, number, run, table
from chapters_lib.pages.gan_curves import CHANCE, COLLAPSE, MINMAX, OTHER, PAGE, TRAININGS
from chapters_lib.recipes import gan, vae
from chapters_lib.recording.judging import load_judge

VAE = "vae-fc-mnist"
BEFORE = {  # the models of earlier chapters: label, run, and prefix of its metrics
    "Autoencoder, `torch.randn`": ("ae-mnist", "standard_normal_"),
    "Autoencoder, normal codes with its moments": ("ae-mnist", "fitted_normal_"),
    "Autoencoder, normalised units": ("ae-normalized-mnist", ""),
    "VAE, two units": ("vae-2d-mnist", ""),
    "VAE, 784-200-32": (VAE, ""),
}
MARKS = {  # what was asked of the samples: metric, and the least that was asked
    "evenness of the classes, `class_entropy`": ("class_entropy", 0.97),
    "share that the judge recognises, `recognisable`": ("recognisable", 0.85),
    "share of the rarest digit": ("class_share_min", 0.04),
}


def numbers() -> None:
    """Set the book's look; glue what the text says of the records, and check it."""
    figures.use_style()
    _of_settings()
    _of_classes()
    _of_timeline()
    _of_scores()
    _of_strokes()
    gan_curves.numbers()


# The mathematics


def digits_ratio(learned: Tensor, exact: Tensor, off: Tensor) -> None:
    """Glue the trained discriminator's value beside the exact one; check the bound."""
    value, best = float(learned), float(exact)
    PAGE.keep(learned_value=value, exact_value=best, value_gap=best - value)
    PAGE.keep(off=float(off), jsd_1d=(best + math.log(4)) / 2)
    check(
        {
            "the trained value is below the exact one": value < best,
            "and within a hundredth": best - value < 0.01,
            "D is p/(p+q)": float(off) < 0.02,
        }
    )


def densities(x: Tensor, p: Tensor, q: Tensor, learned: Tensor, best: Tensor) -> Figure:
    """Draw two densities, and the trained discriminator beside the best one."""
    figure, (left, right) = figures.panels(2, height=2.5)
    inside = (x > -4) & (x < 5)
    x, both = x[inside], {"real, $p$": p[inside], "drawn, $q$": q[inside]}
    figures.functions(x, both, filled=list(both), xlabel="$x$", title="Two densities", ax=left)
    found, exact = {"trained $D(x)$": learned[inside], "$p/(p+q)$": best[inside]}, ["$p/(p+q)$"]
    figures.functions(x, found, dashed=exact, xlabel="$x$", title="The discriminator", ax=right)
    right.set_ylim(0, 1.05)
    return figure


def slopes() -> Figure:
    """Draw the generator's two losses over a sample's logit, and their slopes; check the slopes."""
    a = torch.linspace(-8, 8, 401, dtype=torch.float64, requires_grad=True)
    losses = {"min-max": minmax_loss, "non-saturating": nonsaturating_loss}
    values = {name: torch.stack([loss(v[None]) for v in a]) for name, loss in losses.items()}
    found = {name: torch.autograd.grad(value.sum(), a)[0] for name, value in values.items()}
    a = a.detach()
    derived = {"min-max": -a.sigmoid(), "non-saturating": -(-a).sigmoid()}
    at_six = [round(float(slope[int((a + 6).abs().argmin())]), 3) for slope in found.values()]
    agree = all(torch.allclose(found[name], derived[name], rtol=1e-7) for name in losses)
    check({"the slopes are those derived": agree, "those at -6": at_six == [-0.002, -0.998]})

    figure, (left, right) = figures.panels(2, height=2.5)
    axis, drawn = "logit $a$ of a sample", {name: v.detach() for name, v in values.items()}
    figures.functions(a, drawn, xlabel=axis, ylabel="nats", title="Loss", ax=left)
    figures.functions(a, found, xlabel=axis, title="Slope", ax=right)
    for expected in derived.values():
        right.plot(a, expected, color=figures.INK, linestyle=(0, (3, 4)), linewidth=1)
    right.legend().remove()
    return figure


# The small runs


def digits_algorithm(equal: Mapping[int, bool]) -> None:
    """Check that both ways of training end in the same weights, for each number of steps."""
    check({f"with k = {k} both are the same algorithm": same for k, same in equal.items()})


def ring(stages: Mapping[str, Mapping[str, Any]], centres: Tensor) -> Figure:
    """Draw the samples of each stage over the centres of the real points."""
    figure, axes = figures.panels(3, height=2.3)
    look: Any = {"marks": centres, "size": 4, "square": True, "legend": False}
    for ax, (name, stage) in zip(axes, stages.items(), strict=True):
        title = f"{name}: {stage['found']} of 8"
        figures.points({"samples": stage["samples"]}, title=title, ax=ax, **look)
        ax.set(xlim=(0, 1), ylim=(0, 1))
    return figure


def digits_ring(stages: Mapping[str, Mapping[str, Any]]) -> None:
    """Glue how many centres each stage finds, and the discriminator's loss."""
    found = {name: stage["found"] for name, stage in stages.items()}
    healthy, collapsed = stages["healthy"]["d_loss"], stages["collapsed"]["d_loss"]
    PAGE.keep(**{f"ring_{name}": count for name, count in found.items()}, chance_loss=CHANCE)
    PAGE.keep(ring_healthy_loss=healthy, ring_collapsed_loss=collapsed)
    check(
        {
            "the healthy pair finds nearly all": found["healthy"] >= 7,
            "the collapsed pair finds few": found["collapsed"] < found["healthy"] / 2,
            "the cure finds nearly all": found["cured"] >= 7,
            "the collapsed pair's loss is that of perfection": abs(collapsed - CHANCE) < 0.1,
            "and higher than the healthy pair's": collapsed > healthy,
        }
    )


def digits_won(loss: float, pull: Mapping[str, float]) -> None:
    """Glue the loss of a discriminator that has won, and what either loss leaves to learn from."""
    ratio = pull["non-saturating"] / pull["min-max"]
    PAGE.keep(won_loss=f"{loss:.1g}", pull_ratio=f"{ratio:,.0f}")
    check({"D has won": loss < 0.05, "the min-max gradient is next to nothing": ratio > 30})


def digits_logits(once: float, twice: float, slope: float) -> None:
    """Check what a sigmoid too many does to the loss, and a rounded probability to its slope."""
    check(
        {
            "a perfect discriminator's loss is nothing": once < 1e-9,
            "with a sigmoid twice it stays above one": 1.0 < twice < 1.01,
            "from a clamped logarithm no slope is left": slope == 0,
        }
    )


def digits_directions(apart: Mapping[str, float]) -> None:
    """Check that the losses' gradients are those of the divergences."""
    check({f"{name}: the gradients agree": gap < 1e-12 for name, gap in apart.items()})


# Results at full scale: the samples


@cache
def samples(training: str) -> Tensor:
    """Return the ten thousand judged samples of a training, by its label; uint8."""
    name = TRAININGS[training]
    config: Any = find(name).config
    return gan.samples(config, model(name), gan.SAMPLES)


@cache
def shares(training: str) -> list[float]:
    """Return the share of each digit in a training's samples, as the judge sees them."""
    labels = features_and_probabilities(load_judge("mnist"), samples(training))[1].argmax(1)
    return (torch.bincount(labels, minlength=10).double() / len(labels)).tolist()


def _of_settings() -> None:
    minmax, other, collapse = run(MINMAX), run(OTHER), run(COLLAPSE)
    config, rates = minmax.config, ("learning_rate", "discriminator_rate")
    fixed = {"smoothing": 0, "width": 256, "noise": 100, "dropout": 0.3}
    algorithm = {"saturating": True, "discriminator_steps": 1, "fresh_noise": True}
    seeds = [len(found.provenance["seeds"]) for found in (minmax, other)]
    check(
        {
            "Algorithm 1 with k = 1 and the min-max loss": algorithm.items() <= config.items(),
            "the settings of the text": fixed.items() <= config.items(),
            "the rates are equal and fall": config["decay"]
            and len({config[r] for r in rates}) == 1,
            "the other loss is all that differs": other.config == config | {"saturating": False},
            "three trainings and one": seeds == [3, 1],
        }
    )
    PAGE.keep(epochs=config["epochs"], batch=config["batch_size"])
    PAGE.keep(rate=f"{config['learning_rate']:g}", beta1=f"{config['beta1']:g}")
    speed = f"{round(minmax['images_per_second'], -2):,.0f}"
    PAGE.keep(minutes=minmax["train_seconds"] / 60, speed=speed)
    PAGE.keep(parameters=f"{minmax['parameters']:,.0f}", collapse_epochs=collapse.config["epochs"])
    quick, slow = (collapse.config[rate] for rate in rates)
    PAGE.keep(collapse_rates=f"{quick:g} and {slow:g}", collapse_ratio=quick / slow)


def new_images() -> Figure:
    """Draw the first forty samples of the min-max training."""
    return figures.image_grid(samples("min-max")[:40], columns=10)


def classes() -> Figure:
    """Draw which digit the judge takes the samples for, in each training."""
    figure, axes = figures.panels(3, height=2.7, sharey=True)
    for ax, name in zip(axes, TRAININGS, strict=True):
        percent = {str(digit): 100 * share for digit, share in enumerate(shares(name))}
        figures.bars(percent, form="{:.1f}", xlabel="per cent", title=name, ax=ax)
        ax.axvline(10, color=figures.MUTED, linestyle=(0, (1, 1.5)), linewidth=1.2)
    return figure


def _of_classes() -> None:
    drawn, collapsed = sorted(shares("min-max")), sorted(shares("collapsed"))
    PAGE.keep(seen_rarest=100 * drawn[0], seen_most=100 * drawn[-1])
    PAGE.keep(even_three=100 * sum(drawn[-3:]), collapsed_three=100 * sum(collapsed[-3:]))
    rarest = {label: run(name).metric("class_share_min") for label, name in TRAININGS.items()}
    gaps = [abs(min(shares(label)) - metric.values[0]) for label, metric in rarest.items()]
    all_ten = drawn[0] > 0 and min(rarest["min-max"].values) > 0
    check(
        {
            "the page's samples are the recorded ones": max(gaps) < 2e-3,
            "all ten digits are drawn, in every training": all_ten,
            "the collapsed generator leaves digits out": collapsed[0] < 0.01,
            "three digits have most of its samples": sum(collapsed[-3:]) > 0.7,
        }
    )


def table_asked() -> Markdown:
    """Glue how many marks are met; return what was asked of the samples beside what was measured."""
    rows = [["Of 10,000 samples", "asked", "min-max loss", "met", "non-saturating loss", "met"]]
    met = {MINMAX: 0, OTHER: 0}
    for label, (key, least) in MARKS.items():
        row = [label, f"at least {least:g}"]
        for name in met:
            reached = min(run(name).metric(key).values) >= least  # by each training
            met[name] += reached
            row += [number(run(name).metric(key)), "yes" if reached else "no"]
        rows.append(row)
    words = ("none", "one", "two", "all three")
    PAGE.keep(met_min_max=words[met[MINMAX]], met_non_saturating=words[met[OTHER]])
    return table(
        "What was asked of the samples and what was measured; min-max: mean ± standard error over "
        "three trainings, and met only if each training met it; non-saturating: one training.",
        "tab-gan-asked",
        "32 14 18 9 18 9",
        rows,
    )


def timeline() -> Figure:
    """Draw the samples of eight codes after more and more epochs."""
    shown = zip(run(MINMAX).config["shown_epochs"], model(MINMAX).timeline, strict=True)
    return figures.image_rows({f"{epoch}": images[:8] for epoch, images in shown}, width=4.2)


def _of_timeline() -> None:
    before, after = model(MINMAX).timeline[-2:].float()
    change = float((after - before).abs().mean())
    codes = samples("min-max")[: gan.SHOWN].float()  # of the time line's own codes
    between = float((codes[:-1] - codes[1:]).abs().mean())
    late_from, late_to = run(MINMAX).config["shown_epochs"][-2:]
    PAGE.keep(change_last=change, between=between, late_from=late_from, late_to=late_to)
    check({"a code's image still changes late in training": change > 0.15 * between})


def collapse() -> Figure:
    """Draw twenty samples of the collapsed training over twenty of the one with equal rates."""
    (a, b), (c, d) = (samples(name)[:20].split(10) for name in ("collapsed", "min-max"))
    return figures.image_rows({"collapsed": a, " ": b, "equal rates": c, "  ": d})


# The numbers, and the written answer


def table_board() -> Markdown:
    """Return how the judge scores the samples of every model so far."""
    models = {"Real test images": ("judge-mnist", ""), **BEFORE}
    models |= {"GAN, min-max loss": (MINMAX, ""), "GAN, non-saturating loss": (OTHER, "")}
    models["GAN, collapsed on purpose"] = (COLLAPSE, "")
    columns = {"recognisable": 3, "class_entropy": 3, "fid_judge": 2}
    rows = [["Samples", *(f"`{key}`" for key in columns)]]
    for label, (name, prefix) in models.items():
        metrics = {key: run(name).metric(prefix + key) for key in columns}
        rows.append([label, *(number(metrics[key], digits) for key, digits in columns.items())])
    return table(
        "MNIST: how the judge scores ten thousand samples of every model so far; mean ± standard "
        "error over trainings, where there are several. The first row is the yardstick, its "
        "distance taken to the training set.",
        "tab-gan-board",
        "37 21 21 21",
        rows,
    )


def _of_scores() -> None:
    """The pair beside the models before it, and one loss beside the other."""
    minmax, other, before = run(MINMAX), run(OTHER), run(VAE)
    distances = minmax.metric("fid_judge").values
    low, high, one = min(distances), max(distances), other["fid_judge"]
    nearest = min(run(name)[f"{prefix}fid_judge"] for name, prefix in BEFORE.values())
    sharpest = max(run(name)[f"{prefix}recognisable"] for name, prefix in BEFORE.values())
    PAGE.keep(min_max_fid_judge=minmax["fid_judge"], values_low=low, values_high=high, one=one)
    PAGE.keep(min_max_class_share_min=100 * minmax["class_share_min"])
    for label, found in (("min_max", minmax), ("non_saturating", other)):
        PAGE.keep(**{f"{label}_class_entropy": found["class_entropy"]})
        PAGE.keep(**{f"{label}_recognisable": 100 * found["recognisable"]})
    PAGE.keep(vae_fid=before["fid_judge"], vae_entropy=before["class_entropy"])
    PAGE.keep(vae_share=100 * before["recognisable"])
    PAGE.keep(nearest_before=nearest, sharpest_before=100 * sharpest)
    recognised, seldom = minmax.metric("recognisable"), before.metric("recognisable")
    uneven, even = before.metric("class_entropy"), minmax.metric("class_entropy")
    check(
        {
            "in every pair nearer than the VAE": high < min(before.metric("fid_judge").values),
            "recognised more often": below(seldom, recognised),
            "more even": below(uneven, even),
            "nearer than everything before it": high < nearest,
            "the other loss came out ahead, in its one training": one < low,
            "the autoencoder's draws are recognised more often": sharpest > max(recognised.values),
        }
    )


@cache
def _drawn() -> dict[str, Tensor]:
    """Real digits, the first eight of each class, and two thousand samples of either model."""
    real = torch.from_numpy(run("judge-mnist").panels["examples"])
    config: Any = find(VAE).config
    by_vae = vae.samples(config, model(VAE), 2000)
    return {"real": real, "GAN": samples("min-max")[:2000], "VAE": by_vae}


def beside() -> Figure:
    """Draw a real digit of each class over ten samples each of the GAN and of the VAE."""
    drawn = _drawn()
    return figures.image_rows(
        {"real": drawn["real"][:, 0], "GAN": drawn["GAN"][:10], "VAE": drawn["VAE"][:10]}
    )


def half_grey(images: Tensor) -> float:
    """Return how many per cent of the pixels with ink are neither dark nor light."""
    ink = images[images >= 32]
    return 100 * float(((ink >= 64) & (ink < 192)).double().mean())


def _of_strokes() -> None:
    real, by_gan, by_vae = (half_grey(images) for images in _drawn().values())
    PAGE.keep(grey_real=real, grey_gan=by_gan, grey_vae=by_vae)
    nearer = abs(by_gan - real) < abs(by_vae - real)
    check({"nearer to real strokes than the VAE's": nearer, "and sharper": by_gan < by_vae})
