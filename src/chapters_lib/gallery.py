"""The gallery: what each recorded model draws, beside real images, as one picture."""

from __future__ import annotations

from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor

from chapters_lib import figures, runs
from chapters_lib.errors import ChaptersError
from chapters_lib.experiments import find
from chapters_lib.experiments.autoencoder import decode, encode, standard_normal_codes

COLUMNS = 10
TITLES = {"fashion-mnist": "Fashion-MNIST", "mnist": "MNIST"}


def rows(dataset: str) -> dict[str, Tensor]:
    """Return ten images a row by label, uint8: real ones, then one row a recorded model.

    Each chapter adds its rows here. Rows whose runs are not recorded are left out.
    """
    recorded = set(runs.names())
    shown: dict[str, Tensor] = {}
    if (name := f"ae-{dataset}") in recorded:
        run, experiment = runs.load(name), find(name)
        model = run.restore(experiment.build(experiment.config))
        real = torch.from_numpy(run.panels["images"])[:COLUMNS]
        shown["real"] = real
        shown["autoencoder"] = decode(model, encode(model, real))
        shown["its decoder,\nrandom codes"] = decode(model, standard_normal_codes(COLUMNS, 2))
    if (name := f"ae-normalized-{dataset}") in recorded:
        run, experiment = runs.load(name), find(name)
        model = run.restore(experiment.build(experiment.config))
        shown["normalised\ncodes"] = decode(model, standard_normal_codes(COLUMNS, 2))
    return shown


def draw() -> Figure:
    """Draw the rows of every data set that has any, side by side.

    Raises
    ------
    ChaptersError
        if no run is recorded.
    """
    found = {dataset: rows(dataset) for dataset in TITLES}
    found = {dataset: of_set for dataset, of_set in found.items() if of_set}
    if not found:
        raise ChaptersError("no run is recorded to draw a gallery of: train one first")
    height = 0.36 * max(len(of_set) for of_set in found.values()) + 0.3
    figure, axes = figures.panels(len(found), width=figures.WIDTH * 1.3, height=height)
    for ax, (dataset, of_set) in zip(axes, found.items(), strict=True):
        figures.image_rows(of_set, ax=ax)
        ax.set_title(TITLES[dataset])
        if ax is not axes[0]:
            ax.set_yticks([])
    return figure


def write(path: Path) -> None:
    """Save the gallery as a PNG for places where nothing runs, such as the README."""
    figures.use_style()
    try:
        draw().savefig(path, dpi=150)
    except OSError as error:
        raise ChaptersError(f"cannot write the gallery to {path} ({error.strerror})") from error
