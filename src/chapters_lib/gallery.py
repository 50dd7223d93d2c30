"""The gallery: what each recorded model draws, beside real images, as one picture."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from PIL import Image
from torch import Tensor

from chapters_lib import explorers, figures
from chapters_lib.data import to_float
from chapters_lib.data.standardised import Standardised
from chapters_lib.errors import ChaptersError
from chapters_lib.evaluation.judge import to_bytes
from chapters_lib.experiments import find
from chapters_lib.explorers.dense import image_of
from chapters_lib.models.rbm import HiddenChain
from chapters_lib.pages import model, run
from chapters_lib.recipes.autoencoder import decode, encode
from chapters_lib.recording import runs
from chapters_lib.recording.data_used import superseded
from chapters_lib.reproducibility import generator

COLUMNS = 10
FURTHER = "MNIST, further models"
SETS = {"Fashion-MNIST": "fashion-mnist", "MNIST": "mnist"}
# The first that is recorded and not out of date.
MACHINES = ("rbm-kmnist-256-updates", "rbm-kmnist-256")
# What samples are shown, by panel and row; each page adds its own here.
SAMPLES = {
    "Fashion-MNIST": {
        "its decoder,\nrandom codes": "ae-fashion-mnist",
        "normalised\ncodes": "ae-normalized-fashion-mnist",
        "VAE, two units": "vae-2d-fashion-mnist",
        "VAE": "vae-fashion-mnist",
    },
    "MNIST": {
        "its decoder,\nrandom codes": "ae-mnist",
        "normalised\ncodes": "ae-normalized-mnist",
        "VAE, two units": "vae-2d-mnist",
        "VAE": "vae-fc-mnist",
    },
    FURTHER: {
        "GAN": "gan-fc-mnist",
        "DCGAN,\nmin-max loss": "dcgan-mnist",
        "DCGAN, non-\nsaturating": "dcgan-mnist-nonsaturating",
        "VAE, flow\nas prior": "vae-realnvp-mnist",
    },
}

# Whose samples stand on the cards of the first page, by name.
STRIPS = {
    "vae": "vae-fc-mnist",
    "c-vae": "cvae-fashion-mnist",
    "gan": "gan-fc-mnist",
    "dcgan": "dcgan-mnist-nonsaturating",
    "vae-gan": "vaegan-conv-fashion-mnist",
    "flow": "vae-realnvp-mnist",
}
SHOWN = 8  # images a strip, on the card
POSTER = "vae-2d-fashion-mnist"  # whose plane stands on the first page until the reader touches it
SIDE = 430  # pixels of the explorer's plane, and within them, left, right, above and below, of its axes' room
ROOM = (34, 8, 8, 24)


def rows(panel: str) -> dict[str, Tensor]:
    """Return ten images a row by label, uint8; rows whose runs are not recorded are left out."""
    recorded = set(runs.names())
    shown: dict[str, Tensor] = {}
    if panel in SETS and (name := f"ae-{SETS[panel]}") in recorded:
        real = torch.from_numpy(run(name).panels["images"])[:COLUMNS]
        shown |= {"real": real, "autoencoder": decode(model(name), encode(model(name), real))}
    for label, name in SAMPLES[panel].items():
        if name in recorded:
            experiment = find(name)
            (draw,) = experiment.samples.values()
            shown[label] = draw(experiment.config, model(name), COLUMNS)
    return shown


def strips() -> dict[str, Tensor]:
    """Return ten images of each model of the book by name, uint8; those not recorded are left out."""
    fashion, machine = rows("Fashion-MNIST"), machine_rows()
    shown = {
        "autoencoder": fashion.get("autoencoder"),
        "naive-generation": fashion.get("its decoder,\nrandom codes"),
        "gb-rbm": machine.get("its chains\nfrom noise"),
    }
    recorded = set(runs.names())
    for label, name in STRIPS.items():
        if name in recorded:
            (draw,) = find(name).samples.values()
            shown[label] = draw(find(name).config, model(name), COLUMNS)
    return {page: images for page, images in shown.items() if images is not None}


@torch.no_grad()
def machine_rows() -> dict[str, Tensor]:
    """Return ten images a row of the restricted Boltzmann machine on KMNIST, if it is recorded."""
    recorded = [name for name in MACHINES if name in runs.names() and not superseded(find(name))]
    if not recorded:
        return {}
    machine, steps = model(recorded[0]), find(recorded[0]).config.sample_steps
    kept = {key: torch.from_numpy(value) for key, value in run(recorded[0]).panels.items()}
    given, sd = kept["test_mean"], kept["test_sd"]
    real = Standardised((to_float(kept["test_images"]).flatten(1) - given) / sd, given, sd)
    seeded = generator(0)
    hidden = machine.sample_hidden(
        torch.randn(COLUMNS, len(machine.scale), generator=seeded), seeded
    )
    hidden = HiddenChain.of(machine).run(hidden, steps, seeded)
    mean, sd = kept["statistics"]
    drawn = {
        "restricted\nBoltzmann machine": real.pixels(machine.reconstruct(real.v)),
        "its chains\nfrom noise": (mean + sd * machine.visible_mean(hidden)).clamp(0, 1),
    }
    return {"real": kept["test_images"]} | {
        label: to_bytes(images.unflatten(1, (1, 28, 28))) for label, images in drawn.items()
    }


def draw() -> Figure:
    """Draw the rows of every panel that has any, side by side. Raises `ChaptersError` if no run is recorded."""
    found = {panel: rows(panel) for panel in SETS}
    found |= {"KMNIST": machine_rows(), FURTHER: rows(FURTHER)}
    found = {panel: of_panel for panel, of_panel in found.items() if of_panel}
    if not found:
        raise ChaptersError("no run is recorded to draw a gallery of: train one first")
    heights = [0.36 * len(of_panel) + 0.35 for of_panel in found.values()]
    tall, extra = max(heights[:2]), [max(heights[2:])] if heights[2:] else []
    figure, axes = figures.panels(
        min(2, len(found)),
        1 + bool(extra),
        width=figures.WIDTH * 1.3,
        height=(tall + sum(extra)) / (1 + bool(extra)),
        gridspec_kw={"height_ratios": [tall, *extra]},
    )
    for ax, (panel, of_panel) in zip(axes, found.items(), strict=False):
        figures.image_rows(of_panel, ax=ax)
        ax.set_title(panel)
    upper = list(found.values())[:2]
    if len(upper) > 1 and list(upper[0]) == list(upper[1]):
        axes[1].set_yticks([])  # the rows of the left
    for ax in axes[len(found) :]:
        ax.set_axis_off()
    return figure


def poster() -> tuple[Figure, Tensor]:
    """Return the plane of codes as its explorer shows it at first, and the image of the code it begins with, uint8."""
    kept, network = run(POSTER).panels, image_of(explorers.drawing(model(POSTER)))
    codes, labels = kept["test_codes"], kept["test_labels"]
    record = explorers.plane(network, codes, kept.get("code_box"))
    (left, bottom), (right, top) = view = record["view"]
    inside = np.flatnonzero(((codes >= view[0]) & (codes <= view[1])).all(1))
    chosen = np.random.default_rng(0).permutation(inside)[: explorers.POINTS]
    figure = plt.figure(figsize=(SIDE / 96, SIDE / 96), layout="none")
    room = [ROOM[0], ROOM[3], SIDE - ROOM[0] - ROOM[1], SIDE - ROOM[2] - ROOM[3]]
    ax = figure.add_axes((room[0] / SIDE, room[1] / SIDE, room[2] / SIDE, room[3] / SIDE))
    look: Any = {"extent": [left, right, bottom, top], "legend": False, "size": 7}
    figures.code_plane(codes[chosen], labels[chosen], "", ax=ax, **look)
    ax.set(xlabel="", ylabel="")
    for share in (0.5, 0.99):
        radius = float(np.sqrt(-2 * np.log(1 - share)))
        ax.add_patch(Circle((0, 0), radius, fill=False, color=figures.MUTED, linewidth=1))
    (x, y), (far, up) = record["box"]
    ax.add_patch(
        Rectangle((x, y), far - x, up - y, fill=False, color=figures.MUTED, linestyle="--")
    )
    ax.spines[["top", "right"]].set_visible(True)
    ax.plot(
        *codes[chosen[0]],
        "o",
        color=figures.SERIES_COLOURS[0],
        markeredgecolor="white",
        markersize=10,
    )
    ax.tick_params(length=0, labelsize=8, labelcolor=figures.MUTED)
    code = torch.from_numpy(codes[chosen[:1]]).float()
    with torch.no_grad():
        return figure, to_bytes(network(code).reshape(1, 1, 28, 28))


def write_poster(folder: Path) -> None:
    """Save the two pictures of the poster into a folder."""
    plane, image = poster()
    whole = BytesIO()
    plane.savefig(whole, dpi=144, format="png", transparent=True)
    plt.close(plane)
    few = Image.open(whole).convert("RGBA").quantize(64, Image.Quantize.FASTOCTREE)
    few.save(folder / "poster-plane.png", format="PNG", optimize=True)
    Image.fromarray(image[0, 0].numpy()).save(folder / "poster-image.png", optimize=True)


def write(path: Path) -> None:
    """Save the gallery as a PNG for places where nothing runs, such as the README, and beside it the strips."""
    figures.use_style()
    try:
        whole = BytesIO()
        draw().savefig(whole, dpi=150, format="png")
        Image.open(whole).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(
            path, format="PNG", optimize=True
        )
        folder = path.parent / "strips"
        folder.mkdir(exist_ok=True)
        for page, images in strips().items():
            row = figures.tile(images[:SHOWN], SHOWN, gap=1)
            Image.fromarray((row * 255).round().astype("uint8")).save(
                folder / f"{page}.png", optimize=True
            )
        if POSTER in runs.names():
            write_poster(folder)
    except OSError as error:
        raise ChaptersError(f"cannot write the gallery to {path} ({error.strerror})") from error
