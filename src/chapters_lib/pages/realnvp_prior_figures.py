"""The page on a flow as prior: its figures."""

from __future__ import annotations

from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torch.distributions import Distribution

from chapters_lib import figures
from chapters_lib.data import CLASSES
from chapters_lib.experiments import find
from chapters_lib.figures import schematics
from chapters_lib.pages import model, run
from chapters_lib.pages.realnvp_prior import GAUSSIAN, PLANES, REALNVP, VALIDATION
from chapters_lib.recipes import likelihood_vae
from chapters_lib.reproducibility import generator

GAUSSIAN_PLANE = PLANES["N(0, I)"]
SHOWN = 2000  # codes drawn in a plane


def drawing() -> Figure:
    """Return the drawing of the model."""
    return schematics.realnvp_prior()


def loss() -> Figure:
    """Return the bound over the epochs, on training and validation images, under both priors."""
    figure, axes = figures.panels(2, height=2.7, sharey=True)
    for ax, name, title in zip(axes, (GAUSSIAN, REALNVP), ("N(0, I)", "RealNVP"), strict=True):
        figures.learning_curves(
            run(name).history,
            {"train": "train_eval_negative_elbo", "validation": VALIDATION},
            ylabel="−ELBO in nats an image" if name == GAUSSIAN else "",
            title=title,
            legend=name == GAUSSIAN,
            ax=ax,
        )
    axes[0].set_ylim(top=125)
    return figure


def samples() -> Figure:
    """Return new images of both models, from the same noise."""
    rows = {"N(0, I)": GAUSSIAN, "RealNVP": REALNVP}
    return figures.image_rows(
        {
            title: likelihood_vae.samples(find(name).config, model(name), 10)
            for title, name in rows.items()
        }
    )


def timeline() -> Figure:
    """Return samples of fixed noise under the flow, over the epochs."""
    kept, epochs = model(REALNVP).timeline, run(REALNVP).config["shown_epochs"]
    return figures.image_rows({f"epoch {epoch}": kept[i][:10] for i, epoch in enumerate(epochs)})


def codes(name: str) -> tuple[Tensor, Tensor]:
    """Return one code drawn for each of the first test images of a run with two units, and the labels."""
    kept = {key: torch.from_numpy(array[:SHOWN]) for key, array in run(name).panels.items()}
    noise = torch.randn(SHOWN, 2, generator=generator(0))
    return kept["test_codes"] + kept["test_scales"].float() * noise, kept["test_labels"]


@torch.no_grad()
def _density(prior: Distribution, extent: list[float], cells: int = 120) -> Tensor:
    grid = torch.from_numpy(figures.plane_codes(extent, cells, cells)).float()
    return prior.log_prob(grid).exp().view(cells, cells)


def _plane(ax: Axes, title: str, name: str) -> None:
    """Draw codes over the density of their prior."""
    points, labels = codes(name)
    extent = figures.central_extent(points, share=0.995, margin=0.25)
    if name == GAUSSIAN_PLANE:
        reach = max(3.3, *(abs(side) for side in extent))
        extent = [-reach, reach, -reach, reach]
    shade = _density(model(name).prior(), extent).sqrt()  # so that the thin parts can be seen
    figures.density_plane(shade, extent, ax=ax)
    figures.code_plane(points, labels, (), extent=extent, size=2, title=title, legend=False, ax=ax)
    if name == GAUSSIAN_PLANE:
        figures.normal_circles(ax=ax)


def planes() -> Figure:
    """Return the codes of test images under both priors, with two units."""
    figure, axes = figures.panels(2, height=3.4)
    for ax, (title, name) in zip(axes, PLANES.items(), strict=True):
        _plane(ax, title, name)
    figures.class_legend(CLASSES["mnist"], ax=axes[0], columns=10, below=True)
    return figure


@torch.no_grad()
def stages() -> Figure:
    """Return the same codes on their way through the flow, from the base space on."""
    points, labels = codes(PLANES["RealNVP"])
    flow: Any = model(PLANES["RealNVP"]).prior
    found = flow.stages(flow.to_base(points))
    chosen = {"base $u$": 0, "after 2": 2, "after 4": 4, "code $z$": len(found) - 1}
    figure, axes = figures.panels(len(chosen), height=2.0)
    for ax, (title, stage) in zip(axes, chosen.items(), strict=True):
        figures.code_plane(found[stage], labels, (), size=1, title=title, legend=False, ax=ax)
        ax.set(xlabel="", ylabel="")
        ax.locator_params(nbins=4)
    figures.normal_circles(ax=axes[0])
    return figure
