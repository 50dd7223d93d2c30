"""Figures, tables and numbers of the page on the generative adversarial network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from scipy import stats
from torch import Tensor
from torch.distributions import Distribution
from torch.nn.functional import softplus

from chapters_lib import figures
from chapters_lib.evaluation.intervals import Interval, paired, welch
from chapters_lib.experiments import find
from chapters_lib.figures import schematics
from chapters_lib.findings.verdicts import (
    Verdict,
    both,
    difference,
    greater,
    less,
    level,
    outcome,
    shown,
)
from chapters_lib.findings.words import in_words, interval, number, signed
from chapters_lib.models.gan import GAN, Discriminator
from chapters_lib.objectives.adversarial import minmax_loss, nonsaturating_loss
from chapters_lib.pages import Page, check, model, printed, run, table
from chapters_lib.recipes import gan, vae
from chapters_lib.recording.judging import class_shares
from chapters_lib.recording.runs import Run
from chapters_lib.reproducibility import generator
from chapters_lib.training import History

PAGE = Page("gan")
drawing = schematics.gan
CHANCE = 2 * math.log(2)  # the discriminator's loss where nobody can tell
MINMAX, OTHER, COLLAPSE = (f"gan-fc-mnist{end}" for end in ("", "-nonsaturating", "-collapse"))
TRAININGS = {"min-max": MINMAX, "non-saturating": OTHER, "collapsed": COLLAPSE}
VAE = "vae-fc-mnist"
BEFORE = {  # the models of earlier chapters: label, run, and prefix of its metrics
    "Autoencoder, `torch.randn`": ("ae-mnist", "standard_normal_"),
    "Autoencoder, normal codes with its moments": ("ae-mnist", "fitted_normal_"),
    "Autoencoder, normalised units": ("ae-normalized-mnist", ""),
    "VAE, two units": ("vae-2d-mnist", ""),
    "VAE, 784-200-32": (VAE, ""),
}
COLUMNS = {"recognisable": 3, "class_entropy": 4, "fid_judge": 2}
LATER = 30  # an epoch from which no change of the loss is shown, picked after looking
SURE = 0.1  # a discriminator is sure if its mean on samples is lower


def numbers() -> None:
    """Set the book's look; glue what the text says of the records."""
    figures.use_style()
    _of_settings()
    _of_samples()
    _of_scores()
    _of_curves()
    _of_collapse()
    _of_sureness()


# The mathematics


def densities(classifier: Discriminator, p: Distribution, q: Distribution) -> Figure:
    """Draw two densities, and the trained discriminator beside the best one; glue both values."""
    x = torch.linspace(-7, 7, 4001)
    step, (real, drawn) = float(x[1] - x[0]), (of.log_prob(x).double().exp() for of in (p, q))
    mixed, best = (real + drawn) / 2, real / (real + drawn)
    with torch.no_grad():
        logit = classifier(x[:, None]).double()
    value = -float((real * softplus(-logit) + drawn * softplus(logit)).sum()) * step
    divergences = real * (real / mixed).log() + drawn * (drawn / mixed).log()
    exact = float(divergences.sum()) * step - CHANCE
    check("the trained value is below the exact one", value < exact)
    off = float(((logit.sigmoid() - best).abs() * mixed).sum()) * step
    PAGE.keep(learned_value=signed(value, 4), exact_value=signed(exact, 4), off=off)

    figure, (left, right) = figures.panels(2, height=2.5)
    inside = (x > -4) & (x < 5)
    ends = logit.sigmoid()[inside][[0, -1]].tolist()
    PAGE.keep(off_left=ends[0], off_right=ends[1])
    wrong = Verdict(min(ends) > 0.05, f"{ends[0]:.2f} and {ends[1]:.2f}")
    PAGE.own_claims(tails=wrong)
    both = {"real, $p$": real[inside], "drawn, $q$": drawn[inside]}
    look: Any = {"xlabel": "$x$", "ax": left, "title": "Two densities", "filled": list(both)}
    figures.functions(x[inside], both, ylabel="density", **look)
    found = {"trained $D(x)$": logit.sigmoid()[inside], "$p/(p+q)$": best[inside]}
    look = {"xlabel": "$x$", "ax": right, "title": "The discriminator", "dashed": ["$p/(p+q)$"]}
    figures.functions(x[inside], found, ylabel="probability of real", **look)
    right.set_ylim(0, 1.05)
    return figure


def slopes() -> Figure:
    """Draw the generator's two losses over a sample's logit, and their slopes."""
    a = torch.linspace(-8, 8, 401, dtype=torch.float64, requires_grad=True)
    losses = {"min-max": minmax_loss, "non-saturating": nonsaturating_loss}
    values = {name: torch.stack([loss(v[None]) for v in a]) for name, loss in losses.items()}
    found = {name: torch.autograd.grad(value.sum(), a)[0] for name, value in values.items()}
    a = a.detach()
    figure, (left, right) = figures.panels(2, height=2.5)
    axis, drawn = "logit $a$ of a sample", {name: v.detach() for name, v in values.items()}
    figures.functions(a, drawn, xlabel=axis, ylabel="nats", title="Loss", ax=left)
    figures.functions(a, found, xlabel=axis, ylabel="nats per logit", title="Slope", ax=right)
    right.legend().remove()
    return figure


# The small runs


@torch.no_grad()
def found(pair: GAN, centres: Tensor, losses: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Return two thousand samples, around how many centres they lie, and D's mean loss of late."""
    samples = pair.generator(torch.randn(2000, 4, generator=generator(0))).view(-1, 2)
    distance, nearest = (samples[:, None] - centres).norm(dim=2).min(1)
    counts = torch.bincount(nearest[distance < 0.1], minlength=len(centres))
    enough = int((counts >= 0.2 * len(samples) / len(centres)).sum())
    loss = sum(of_d for of_d, _ in losses) / len(losses)
    near = float((distance < 0.1).double().mean())
    return {"samples": samples, "found": enough, "near": near, "d_loss": loss}


def ring(stages: Mapping[str, Mapping[str, Any]], centres: Tensor) -> Figure:
    """Draw the samples of each stage over the centres of the real points; glue what is found."""
    figure, axes = figures.panels(len(stages), height=1.9)
    look: Any = {"marks": centres, "size": 4, "square": True, "legend": False}
    for ax, (name, stage) in zip(axes, stages.items(), strict=True):
        title = f"{name}:\n{stage['found']} of 8, {100 * stage['near']:.0f} %"
        figures.points({"samples": stage["samples"]}, title=title, ax=ax, **look)
        ax.set(xlim=(0, 1), ylim=(0, 1))
    healthy, collapsed, cured, still = stages.values()
    for name, stage in stages.items():
        PAGE.keep(**{f"ring_{name.replace(' ', '_')}": str(stage["found"])})
    PAGE.keep(ring_healthy_loss=healthy["d_loss"], ring_collapsed_loss=collapsed["d_loss"])
    fewest = min(healthy["found"], cured["found"])
    gaps = [abs(stage["d_loss"] - CHANCE) for stage in (collapsed, healthy)]
    ends = f"{collapsed['d_loss']:.3f} and {healthy['d_loss']:.3f}"
    most = collapsed["found"]
    lost = Verdict(fewest >= 7 > still["found"] and most <= 4, f"{fewest}, {most}")
    PAGE.own_claims(ring=lost, ring_loss=Verdict(gaps[0] < gaps[1], ends))
    return figure


def digits_won(loss: float, pull: Mapping[str, float]) -> None:
    """Glue the loss of a discriminator that has won, and what either loss leaves to learn from."""
    ratio = pull["nonsaturating_loss"] / pull["minmax_loss"]
    PAGE.keep(won_loss=f"{loss:.1g}", pull_ratio=f"{ratio:,.0f}")
    PAGE.own_claims(won=Verdict(ratio > 10 and loss < 0.05, f"a factor of {ratio:.1f}"))


def digits_directions(apart: Mapping[str, float]) -> None:
    """Check that the losses' gradients are those of the divergences."""
    for name, gap in apart.items():
        check(f"{name}: the gradients agree", gap < 1e-12)


# Results at full scale: the samples


@cache
def samples(training: str) -> Tensor:
    """Return the ten thousand judged samples of a training, by its label; uint8."""
    name = TRAININGS[training]
    config: Any = find(name).config
    return gan.samples(config, model(name), gan.SAMPLES)


@cache
def shares(training: str) -> list[float]:
    """Return the share of each digit in a training's samples in per cent, as the judge sees them."""
    if training == "collapsed":  # its record keeps no weights
        return list(100 * run(COLLAPSE).panels["class_shares"])
    return list(100 * class_shares("mnist", samples(training)))


def _of_settings() -> None:
    minmax, collapse = run(MINMAX), run(COLLAPSE).config
    config, rates = minmax.config, ("learning_rate", "discriminator_rate")
    fixed = {"saturating": True, "discriminator_steps": 1, "fresh_noise": True, "smoothing": 0.0}
    fixed |= {"width": 256, "noise": 100, "dropout": 0.3, "decay": True}
    check("the settings of the text", fixed.items() <= config.items())
    check("one rate for both", len({config[rate] for rate in rates}) == 1)
    check("the other loss alone", run(OTHER).config == config | {"saturating": False})
    PAGE.keep(epochs=str(config["epochs"]), batch=str(config["batch_size"]), chance=CHANCE)
    PAGE.keep(rate=f"{config['learning_rate']:g}", beta1=f"{config['beta1']:g}")
    PAGE.keep(trainings=in_words(minmax.trainings), minutes=f"{minmax['train_seconds'] / 60:.0f}")
    PAGE.keep(parameters=f"{minmax['parameters']:,.0f}", collapse_epochs=str(collapse["epochs"]))
    quick, slow = (collapse[rate] for rate in rates)
    PAGE.keep(collapse_rates=f"{quick} and {slow:.5f}", collapse_ratio=quick / slow)


def new_images() -> Figure:
    """Draw the first forty samples of the min-max training."""
    return figures.image_grid(samples("min-max")[:40], columns=10)


def classes() -> Figure:
    """Draw which digit the judge takes the samples for, in each training."""
    figure, axes = figures.panels(3, height=2.7, sharey=True)
    for ax, name in zip(axes, TRAININGS, strict=True):
        bars = {str(digit): share for digit, share in enumerate(shares(name))}
        figures.bars(bars, form="{:.1f}", xlabel="per cent", title=name, ax=ax)
        ax.axvline(10, color=figures.MUTED, linestyle=(0, (1, 1.5)), linewidth=1.2, zorder=0)
        for label in ax.texts:
            label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.5})
    axes[0].set_ylabel("digit")
    return figure


def timeline() -> Figure:
    """Draw the samples of eight codes after more and more epochs."""
    kept = dict(zip(run(MINMAX).config["shown_epochs"], model(MINMAX).timeline, strict=True))
    rows = {f"{epoch}": kept[epoch][:8] for epoch in (0, 1, 10, 100)}
    figure = figures.image_rows(rows, width=4.2)
    figure.axes[0].set_ylabel("epochs")
    return figure


def _of_samples() -> None:
    drawn, collapsed = sorted(shares("min-max")), sorted(shares("collapsed"))
    PAGE.keep(seen_most=drawn[-1])
    PAGE.keep(even_three=sum(drawn[-3:]), collapsed_three=sum(collapsed[-3:]))
    grey = {name: half_grey(images) for name, images in _drawn().items()}
    PAGE.keep(**{f"grey_{name.lower()}": float(share.mean()) for name, share in grey.items()})
    PAGE.claims(sharper=shown(welch(grey["GAN"], grey["VAE"]), sign=-1))


@cache
def _drawn() -> dict[str, Tensor]:
    """Real digits, the first eight of each class, and two thousand samples of either model."""
    real = torch.from_numpy(run("judge-mnist").panels["examples"])
    config: Any = find(VAE).config
    by_vae = vae.samples(config, model(VAE), 2000)
    return {"real": real, "GAN": samples("min-max")[:2000], "VAE": by_vae}


def beside() -> Figure:
    """Draw a real digit of each class over ten samples each of the GAN, the VAE, a collapsed GAN."""
    drawn = _drawn()
    rows = {"real": drawn["real"][:, 0], "GAN": drawn["GAN"][:10], "VAE": drawn["VAE"][:10]}
    return figures.image_rows(
        rows | {"collapsed": torch.from_numpy(run(COLLAPSE).panels["samples"])}
    )


def half_grey(images: Tensor) -> Tensor:
    """Return how many per cent of an image's pixels with ink are neither dark nor light."""
    flat = images.reshape(-1, 784)
    grey = ((flat >= 64) & (flat < 192)).double().sum(1)
    return 100 * grey / (flat >= 32).sum(1).clamp(min=1)


# The scores, and the curves


def table_board() -> Markdown:
    """Return how the judge scores the samples of every model so far."""
    models = {"Real test images": ("judge-mnist", ""), **BEFORE}
    models |= {"GAN, min-max loss": (MINMAX, ""), "GAN, non-saturating loss": (OTHER, "")}
    models["GAN, collapsed on purpose"] = (COLLAPSE, "")
    rows = [["Samples", "recognised", "evenness", "distance"]]
    for label, (name, prefix) in models.items():
        rows.append([label, *printed(run(name), COLUMNS, prefix)])
    return table(
        "MNIST: how the judge scores ten thousand samples of the models so far; mean ± standard "
        "error over trainings, where there are several. The first row is the yardstick, its "
        "distance taken to the training set.",
        "tab-gan-board",
        "43 19 19 19",
        rows,
    )


def _of_scores() -> None:
    """The pair beside the models before it, and one loss beside the other."""
    minmax, other, before = run(MINMAX), run(OTHER), run(VAE)
    distance, seen = minmax.metric("fid_judge"), minmax.metric("recognisable").percent
    near, sharp = (
        sorted((run(n).metric(p + key) for n, p in BEFORE.values()), key=lambda m: m.mean)
        for key in ("fid_judge", "recognisable")
    )
    nearest, sharpest = near[0], sharp[-1].percent
    PAGE.keep(fid=number(distance, 2))
    PAGE.keep(recognisable_percent=number(seen, 1), nearest_before=number(nearest, 2))
    rarest = minmax.metric("class_share_min").percent
    *others, last = (f"{share:.1f}" for share in rarest.values)
    PAGE.keep(rarest_percent=number(rarest, 1), rarest_each=f"{', '.join(others)} and {last}")
    PAGE.keep(entropy=number(minmax.metric("class_entropy"), 4), other_fid=other["fid_judge"])
    PAGE.keep(sharpest_before_percent=number(sharpest, 1))
    seldom, far = before.metric("recognisable").percent, before.metric("fid_judge")
    PAGE.keep(recognised_more=interval(difference(seen, seldom), 1, bare=True))
    PAGE.keep(nearer=interval(difference(distance, far), 1, bare=True))
    one = other.metric("fid_judge")
    PAGE.keep(other_less=interval(difference(one, distance, distance), 2, bare=True))
    said = ("so it is the nearer", "so no difference is shown", "so it is the farther")
    PAGE.keep(other_said=outcome(one, distance, said, spread=distance))
    two, far_two = (run("vae-2d-mnist").metric(key) for key in ("recognisable", "fid_judge"))
    PAGE.keep(two_units_percent=number(two.percent, 1))
    PAGE.keep(two_units_times=far_two.mean / distance.mean)
    PAGE.claims(
        as_many=level(seen, two.percent, digits=1),
        recognised_more=greater(seen, seldom, digits=1),
        nearer=less(distance, far, digits=2),
        nearest=less(distance, nearest, digits=2),
        sharpest=less(seen, sharpest, digits=1),
    )


def curves() -> Figure:
    """Draw both losses, the means of D, and the distance of the samples over the epochs."""
    history = run(MINMAX).history
    figure, (left, middle, right) = figures.panels(3, height=2.6)
    losses = {"discriminator": "discriminator_loss", "generator": "generator_loss"}
    marks = {"": CHANCE, " ": -math.log(2)}  # what they are says the caption
    figures.learning_curves(history, losses, marks=marks, ylabel="nats", title="Losses", ax=left)
    left.set_ylim(top=2.6)
    left.legend(loc="upper right")
    seen = {"real": "real_probability", "samples": "fake_probability"}
    figures.learning_curves(history, seen, ylabel="probability", title="Mean of D", ax=middle)
    middle.set_ylim(0, 1)
    look: Any = {"log": True, "legend": False, "title": "Distance of samples"}
    distance = {"distance": "train_fid_judge"}
    figures.learning_curves(_measured(run(MINMAX)), distance, ylabel="distance", ax=right, **look)
    right.set_yticks([2, 5, 10], ["2", "5", "10"])
    right.minorticks_off()
    return figure


def loss_and_distance() -> Figure:
    """Draw each measured epoch of each training by its loss and the distance of its samples."""
    clouds = {
        label: [[row["discriminator_loss"], row["train_fid_judge"]] for row in _measured(run(name))]
        for label, name in TRAININGS.items()
    }
    figure, (ax,) = figures.panels(width=4.8, height=3.0)
    figures.points(clouds, size=16, ax=ax)
    ax.set(xlabel="discriminator's loss, nats", ylabel="distance of samples", yscale="log")
    ax.set_yticks([2, 5, 10, 20, 50], ["2", "5", "10", "20", "50"])
    ax.minorticks_off()
    ax.axvline(CHANCE, color=figures.MUTED, linestyle=(0, (1, 1.5)), linewidth=1.2)
    return figure


def _measured(record: Run) -> History:
    """The epochs at which samples were measured."""
    return History(row for row in record.history if "train_fid_judge" in row)


def _of_curves() -> None:
    """How loss and distance run in each min-max training, from its first measured epoch and a later one on."""
    record = run(MINMAX)
    parts = [_measured(record).where("seed", seed) for seed in record.provenance["seeds"]]
    columns = {"loss": "discriminator_loss", "fid": "train_fid_judge"}
    change: dict[str, Interval] = {}
    since: dict[str, Interval] = {}
    for key, column in columns.items():
        later = [part.where("epoch", LATER).column(column)[0] for part in parts]
        first, last = ([part.column(column)[i] for part in parts] for i in (0, -1))
        change[key], since[key] = paired(last, first), paired(last, later)
        if key == "fid":
            means = {"first": first, "later": later, "last": last}
            PAGE.keep(**{f"{when}_fid": sum(v) / len(v) for when, v in means.items()})
        else:
            moves = [b - a for a, b in zip(later, last, strict=True)]
            lower = f"lower in {sum(move < 0 for move in moves)} of {len(moves)} trainings"
            within = f"within {max(map(abs, moves)):.2f} nats of the one at epoch {LATER}"
            PAGE.keep(later_moves=f"{within}, {lower}")
    PAGE.keep(first_epoch=f"{parts[0].column('epoch')[0]:.0f}", later_epoch=str(LATER))
    PAGE.keep(loss_rise=interval(change["loss"], 2, bare=True))
    PAGE.keep(later_change=interval(since["loss"], 2, bare=True))
    _of_ranks(parts)
    falls = both(*(shown(found["fid"], sign=-1, digits=1) for found in (change, since)))
    PAGE.claims(distance_falls=falls, later_level=shown(since["loss"], sign=0, digits=2))
    PAGE.claims(loss_rises=shown(change["loss"], sign=1))
    courses = [record.history.where("seed", seed) for seed in record.provenance["seeds"]]
    after = [course.column("discriminator_loss")[LATER - 1 :] for course in courses]
    widest = max(after, key=lambda loss: float(np.ptp(loss)))
    PAGE.keep(later_range=f"down to {widest.min():.2f} and up to {widest.max():.2f}")
    _of_spike(courses)
    _of_directions()


def _of_ranks(parts: Sequence[History]) -> None:
    """How the ranks of either loss and of the distance correlate, over all measured epochs and over the later ones."""
    mixed = 0
    for key in ("discriminator", "generator"):
        for when, start in {"all": 0, "later": LATER}.items():
            rows = [History(row for row in part if row["epoch"] >= start) for part in parts]
            pairs = [[part.column(c) for c in (f"{key}_loss", "train_fid_judge")] for part in rows]
            found = [float(stats.spearmanr(*pair).statistic) for pair in pairs]
            PAGE.of(key).keep(**{f"ranks_{when}": ", ".join(signed(rho, 2) for rho in found)})
        mixed += min(found) < 0 < max(found)
    losses = ("neither loss", "one of the losses", "either loss")[mixed]
    PAGE.keep(ranks_said=f"for {losses} the sign changes from training to training")


def _of_spike(courses: Sequence[History]) -> None:
    """The measured epoch at which samples became worse by the largest factor; the loss's other sharp drops."""
    columns = ("epoch", "train_fid_judge", "discriminator_loss")
    steps = []
    for course in courses:
        rows = [[row[key] for key in columns] for row in course if columns[1] in row]
        steps += [(course, *three) for three in zip(rows, rows[1:], rows[2:], strict=False)]
    course, before, at, after = max(steps, key=lambda step: step[2][1] / step[1][1])
    PAGE.keep(spike_epoch=f"{at[0]:.0f}", spike_loss=at[2], spike_before=before[1], spike_fid=at[1])
    lowest = max(at[2] / before[2], at[2] / after[2], before[1] / at[1], after[1] / at[1])
    PAGE.claims(spike=Verdict(lowest < 0.7, f"losses {before[2]:.2f}, {at[2]:.2f}, {after[2]:.2f}"))

    later, fids = [], []
    for one in courses:
        measured = [row for row in one if columns[1] in row]
        for last, row in pairwise(one):
            sharp = row["discriminator_loss"] < 2 / 3 * last["discriminator_loss"]
            if sharp and columns[1] not in row:
                following = next(m for m in measured if m["epoch"] > row["epoch"])
                previous = [m for m in measured if m["epoch"] < row["epoch"]][-1]
                later.append(following["epoch"] - row["epoch"])
                fids.append((following[columns[1]], previous[columns[1]]))
    *most, final = (f"{then:.1f} ({earlier:.1f})" for then, earlier in fids)
    told = f"{', '.join(most)} and {final}"
    PAGE.keep(again_count=in_words(len(fids)), again_fids=told)
    PAGE.keep(again_later=f"{in_words(int(min(later)))} to {in_words(int(max(later)))}")
    worse = [then > 1.1 * earlier for then, earlier in fids]
    PAGE.claims(again=Verdict(0 < sum(worse) < len(worse), told))


def _of_directions() -> None:
    """How D's loss runs in two trainings of the next chapter from the end of the one's dropout on; both draw better."""
    start = find("dcgan-mnist").config.dropout_epochs  # the row of the first epoch without it
    losses, better = [], []
    for name in ("dcgan-mnist", "dcgan-mnist-batch-128"):
        loss, distance = (
            run(name).history.column(c)[start:] for c in ("discriminator_loss", "train_fid_judge")
        )
        losses.append(loss)
        better.append(bool(distance[-1] < distance[0]))
    falling, staying = losses
    PAGE.keep(directions_from=str(start + 1))
    PAGE.keep(falling_loss=f"{falling[0]:.2f} to {falling[-1]:.2f}", staying_end=staying[-1])
    PAGE.keep(staying_loss=f"{staying.min():.2f} and {staying.max():.2f}")
    holds = all(better) and bool((np.diff(falling) < 0).all()) and np.ptp(staying) < 0.05
    told = f"{falling[0]:.2f} to {falling[-1]:.2f}, {staying.min():.2f} to {staying.max():.2f}"
    PAGE.claims(no_direction=Verdict(holds, told))


def _of_collapse() -> None:
    minmax, collapsed = run(MINMAX), run(COLLAPSE)
    ends = minmax.history.where("epoch", minmax.config["epochs"]).column("discriminator_loss")
    staying = float(run("dcgan-mnist-batch-128").history.column("discriminator_loss")[-1])
    losses = collapsed.history.column("discriminator_loss")
    PAGE.keep(collapse_first=float(losses[0]), collapse_end=float(losses[-1]))
    near = collapsed.history.column("train_fid_judge")
    PAGE.keep(collapse_nearest=float(near.min()), collapse_farthest=float(near.max()))
    nearest = int(abs(losses - CHANCE).argmin())
    PAGE.keep(collapse_within=float(abs(losses[nearest] - CHANCE)))
    PAGE.keep(collapse_at_nearest=float(near[nearest]))
    seen = collapsed.metric("discriminator_accuracy")
    PAGE.keep(collapse_accuracy=100 * seen.mean)
    PAGE.keep(collapse_recognised=100 * collapsed["recognisable"])
    final = float(ends.mean())
    PAGE.keep(final_loss=final, bound=(CHANCE - final) / 2)
    distance = minmax.metric("fid_judge")
    far = greater(collapsed.metric("fid_judge"), distance, spread=distance, digits=1)
    crosses = Verdict(bool(losses[0] > CHANCE > losses[-1]), f"{losses[0]:.2f} to {losses[-1]:.2f}")
    passing = [row["epoch"] for row in minmax.history if row["discriminator_loss"] > CHANCE]
    epochs = ", ".join(f"{epoch:.0f}" for epoch in passing)
    PAGE.keep(passing_epoch=epochs)
    known = minmax.metric("discriminator_accuracy")
    healthy = [r["discriminator_loss"] for n in (MINMAX, OTHER) for r in _measured(run(n))]
    apart = f"{max(healthy):.2f} and {losses.min():.2f}"
    among = Verdict(
        bool(losses.min() < staying < losses.max()),
        f"{staying:.2f}; {losses.min():.2f} to {losses.max():.2f}",
    )
    PAGE.claims(
        collapse_apart=Verdict(bool(max(healthy) < losses.min()), apart),
        staying_among=among,
        passes=Verdict(len(passing) == 1, f"epochs {epochs or 'none'}"),
        collapse_far=far,
        collapse_crosses=crosses,
        collapse_seen=Verdict(
            seen.mean > max(known.values), f"{seen.mean:.2f} and {max(known.values):.2f}"
        ),
    )


def _of_sureness() -> None:
    """How often the discriminator knows a sample for what it is, in training and in evaluation mode."""
    record = run(MINMAX)
    seen = record.history.column("fake_probability")
    last, first = (record.history.where("epoch", e) for e in (record.config["epochs"], 1))
    PAGE.keep(epoch_one=float(first.column("fake_probability").mean()), sure_bound=SURE)
    PAGE.keep(epochs_sure=str(int((seen < SURE).sum())), epochs_of_all=str(len(seen)))
    trained, alone = last.column("fake_probability"), record.metric("fake_probability")
    PAGE.keep(train_fake=float(trained.mean()), eval_fake=alone.mean)
    PAGE.keep(eval_real=record["real_probability"])
    PAGE.keep(eval_accuracy=100 * record["discriminator_accuracy"])
    PAGE.claims(eval_mode=shown(paired(alone.values, trained), sign=1))
