"""The page *VAE-GAN*: its figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from chapters_lib import figures
from chapters_lib.figures import schematics
from chapters_lib.pages import check, run
from chapters_lib.pages.vae_gan import (
    CONV,
    DISL,
    JOINT,
    MNIST,
    PAPER,
    WARM,
    WARM_PAPER,
    config,
    gammas,
    hundred,
    layers,
    study,
)
from chapters_lib.recording.runs import Metric


def drawing() -> Figure:
    """Return the drawing of the model."""
    return schematics.vae_gan()


def samples() -> Figure:
    """Draw ten images from p(z) of every model of the page."""
    shown = {"basic,\njoint": JOINT, "basic,\npaper's": PAPER, "basic,\nMNIST": MNIST}
    shown |= {"full": DISL, "full,\nconvolutions": CONV}
    return figures.image_rows({label: run(name).panels["samples"] for label, name in shown.items()})


def fashion_reconstructions() -> Figure:
    """Draw ten test images, and what mean codes and drawn codes of the basic loss make of them."""
    rows = {"original": run(JOINT).panels["images"]}
    for label, name in {"joint": JOINT, "paper's": PAPER}.items():
        rows[f"{label},\nmean code"] = run(name).panels["reconstructions"]
        rows[f"{label},\ndrawn code"] = run(name).panels["drawn_reconstructions"]
    rows["full loss,\nmean code"] = run(DISL).panels["reconstructions"]
    others = [run(name).panels["images"] for name in (PAPER, DISL, CONV)]
    check({"the same images": all((images == rows["original"]).all() for images in others)})
    return figures.image_rows(rows)


def mnist_reconstructions() -> Figure:
    """Draw ten test digits, and what mean codes and drawn codes of the basic loss make of them."""
    panels = run(MNIST).panels
    rows = {"original": panels["images"], "joint,\nmean code": panels["reconstructions"]}
    return figures.image_rows(rows | {"joint,\ndrawn code": panels["drawn_reconstructions"]})


def convolutional_reconstructions() -> Figure:
    """Draw ten test images, and what both networks of the full loss make of them."""
    rows = {"original": run(CONV).panels["images"]}
    for label, name in {"fully\nconnected": DISL, "convolutions": CONV}.items():
        rows[label] = run(name).panels["reconstructions"]
    return figures.image_rows(rows)


def digits_rows(rows: Mapping[str, Tensor]) -> Figure:
    """Draw ten digits, and what the three models make of drawn codes."""
    labels = ("original", "basic,\npaper's", "basic,\njoint", "with the\nlikeness")
    return figures.image_rows(dict(zip(labels, rows.values(), strict=True)))


def pairs() -> Figure:
    """Draw images, each with its shifted copy and the nearest of another class, and which of these is nearer."""
    panels = run(CONV).panels
    shifted, _, _, other = panels["pairs"]
    nearer = panels["pairs_pixel"][0] < panels["pairs_pixel"][3]
    titles = ["shifted" if it else "other" for it in nearer[: len(shifted)]]
    rows = {"original": panels["paired"], "shifted": shifted, "other\nclass": other}
    return figures.image_rows(rows, titles)


def unlearning() -> Figure:
    """Draw agreement and L_prior over the images seen, from a trained VAE on, under both routings."""
    courses = {"joint": run(WARM).history, "paper's routing": run(WARM_PAPER).history}
    seen = courses["joint"].column("images").cumsum() / 1000
    figure, (left, right) = figures.panels(2, height=2.5)
    agreement = {label: 100 * h.column("train_agreement") for label, h in courses.items()}
    prior = {label: h.column("prior")[1:] for label, h in courses.items()}
    figures.functions(seen, agreement, ylabel="agreement, %", ax=left)
    figures.functions(seen[1:], prior, ylabel="nats", ax=right)
    left.set(ylim=(0, 100), title="Reconstructions", xlabel="images seen, thousands")
    right.set(title="$L_{prior}$", xlabel="images seen, thousands")
    figures.reference_lines({"chance": 10}, ax=left)
    return figure


def gamma_sweep() -> Figure:
    """Draw likeness and samples over γ."""
    figure, axes = _sweep(gammas(), "weight $\\gamma$")
    for ax in axes:
        ax.set_xscale("log")
        ax.axvline(config(DISL).gamma, color=figures.MUTED, linestyle=(0, (1, 1.5)), linewidth=1.2)
    return figure


def layer_sweep() -> Figure:
    """Draw likeness and samples over the layer l."""
    figure, axes = _sweep(layers(), "layer $l$")
    for ax in axes:
        ax.set_xticks(list(layers()))
    return figure


def _sweep(swept: Mapping[Any, str], xlabel: str) -> tuple[Figure, list[Axes]]:
    figure, axes = figures.panels(2, height=2.5)
    found: dict[str, list[Metric]] = {
        "agreement of reconstructions, %": [hundred(study("agreement", c)) for c in swept.values()],
        "distance of samples": [study("fid_judge", case) for case in swept.values()],
    }
    for ax, (title, metrics) in zip(axes, found.items(), strict=True):
        means, errors = [m.mean for m in metrics], [m.sem for m in metrics]
        figures.lines([*swept], {title: means}, {title: errors}, xlabel=xlabel, title=title, ax=ax)
        ax.legend().remove()
    return figure, axes
