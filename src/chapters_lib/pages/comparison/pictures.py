"""Figures of the recorded models."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from chapters_lib import figures
from chapters_lib.pages import run
from chapters_lib.pages.comparison import records
from chapters_lib.pages.comparison.records import AUTOENCODERS, PARTS, SAID, WAYS
from chapters_lib.recipes import comparing
from chapters_lib.recipes.comparing import MODELS
from chapters_lib.reproducibility import generator


def between(models: Mapping[str, comparing.Drawer], seed: int) -> Figure:
    """Draw the images along one line of each kind, between two draws."""
    start, end = torch.randn(2, 1, models["gan"].latent, generator=generator(seed))
    rows = {
        label: comparing.images_along(models[model], start, end, space)[0]
        for label, (model, space) in zip(
            ("VAE", "flow,\nin z", "flow,\nin base", "GAN"), WAYS, strict=True
        )
    }
    return figures.image_rows(rows)


def lines(part: str) -> Figure:
    """Draw the images of the recorded models along lines between the first two draws of a seed."""
    return between(records.drawers(part), seed=1)


def curves(part: str) -> Figure:
    """Draw the learning curves of the three models."""
    axes = figures.panels(3, height=2.5)[1]
    found, labels = records.of(part), {"vae-gaussian": "$-\\mathcal{L}$, nats", "gan": "$-V$, nats"}
    for ax, model in zip(axes, MODELS, strict=True):
        column = "discriminator_loss" if model == "gan" else "negative_elbo"
        figures.learning_curves(
            found[model].history,
            {"training": f"train_eval_{column}", "validation": f"val_{column}"},
            ylabel=labels.get(model, ""),
            title=SAID[model],
            legend=model == "vae-gaussian",
            ax=ax,
        )
    least = [found[model].history.column("val_negative_elbo").min() for model in AUTOENCODERS]
    low, high = min(least), max(least)
    for ax in axes[:2]:
        ax.set_ylim(low - 0.05 * abs(low), high + 0.35 * abs(high))
    return figures.reference_lines({"2 log 2": 2 * math.log(2)}, ax=axes[2])


def distances() -> Figure:
    """Draw the judge's distance of samples to training images over the epochs."""
    figure, axes = figures.panels(2, height=2.7)
    for ax, part in zip(axes, PARTS, strict=True):
        series, errors = {}, {}
        for model, record in records.of(part).items():
            histories = [record.history.where("seed", s) for s in record.provenance["seeds"]]
            found = np.stack([history.column("train_fid_judge") for history in histories])
            at = np.flatnonzero(np.isfinite(found[0]))
            series[SAID[model]] = found[:, at].mean(0)
            if len(found) > 1:
                errors[SAID[model]] = found[:, at].std(0, ddof=1) / math.sqrt(len(found))
        figures.lines(at + 1, series, errors, xlabel="epoch", title=records.title(part), ax=ax)
    axes[0].set(ylabel="distance in the judge's features", yscale="log")
    return figure


def timelines(part: str, columns: int = 5) -> Figure:
    """Draw samples of the same noise before training and after every ten epochs."""
    found = records.of(part)
    figure, axes = figures.panels(3, height=0.5 * len(found["gan"].config["shown_epochs"]) + 0.3)
    for ax, model in zip(axes, MODELS, strict=True):
        images = found[model].weights("model")["timeline"][:, :columns].flatten(0, 1)
        figures.image_grid(images, columns, title=SAID[model], ax=ax)
    return figure


def beside_real(part: str, columns: int = 12) -> Figure:
    """Draw test images above samples of the three models."""
    noise = torch.randn(columns, records.drawers(part)["gan"].latent, generator=generator(0))
    real = records.of(part)["vae-gaussian"].panels["images"][:columns]
    rows: dict[str, ArrayLike] = {"test images": real}
    for model, drawer in records.drawers(part).items():
        rows[SAID[model].replace(" with", "\nwith")] = drawer.decode(drawer.to_code(noise))
    return figures.image_rows(rows)


def density() -> Figure:
    """Draw the log-density along lines, and how often middles are recognised by their density."""
    figure, (left, right) = figures.panels(2, height=2.6)
    along = records.densities("mnist").along
    figures.lines(
        range(12),
        {"among codes": along["z"], "in the base space": along["base"]},
        xlabel="point of the line",
        ylabel="mean of $\\log p_\\lambda$, nats",
        title="MNIST",
        ax=left,
    )
    at = np.arange(len(records.CLASSES_OF_DENSITY))
    for shift, part, marker in zip((-0.06, 0.06), PARTS, "os", strict=True):
        found = records.densities(part)
        seen, errors = 100 * np.array(found.seen), 100 * np.array(found.errors)
        right.errorbar(at + shift, seen, errors, fmt=marker, label=records.title(part))
    right.set_xticks(at, list(records.CLASSES_OF_DENSITY))
    right.set(xlabel="draws less likely than the middle", ylabel="recognised, %", ylim=(0, 100))
    right.legend()
    return figure


def neighbours(part: str) -> Figure:
    """Draw samples above their nearest training images, by pixels and by the judge's features."""
    what = {"drawn": "sample", "pixel": "by pixels", "judge": "by features"}
    rows = {
        f"{SAID[model].removeprefix('VAE with ')}:\n{label}": records.side(part).panels[
            f"{model}_{key}"
        ]
        for model in MODELS
        for key, label in what.items()
    }
    return figures.image_rows(rows, width=5.2)


def specks() -> Figure:
    """Draw samples before and after specks are taken from them, or put onto them."""
    names = ("gan", "gan_swept", "vae-realnvp", "specked")
    labels = ("GAN", "specks removed", "with a flow", "specks added")
    found = run("specks-mnist").panels
    return figures.image_rows({k: found[name] for k, name in zip(labels, names, strict=True)})
