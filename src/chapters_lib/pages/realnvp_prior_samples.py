"""The page on a flow as prior: what the recorded models draw, and the codes of those with two units."""

from __future__ import annotations

import torch
from IPython.display import Markdown
from matplotlib.figure import Figure

from chapters_lib import figures
from chapters_lib.data import CLASSES
from chapters_lib.experiments import find
from chapters_lib.pages import below, check, model, number, run, table
from chapters_lib.pages.realnvp_prior import (
    GAUSSIAN,
    LIMIT,
    PAGE,
    REALNVP,
    REFITTED,
    compared,
    first,
)
from chapters_lib.pages.realnvp_prior_digits import draw_plane
from chapters_lib.recipes import likelihood_vae
from chapters_lib.reproducibility import generator

PLANES = {"N(0, I)": "vae-gaussian-2d-mnist", "RealNVP": "vae-realnvp-2d-mnist"}


def numbers() -> None:
    """Give the text what it says of samples and of two units, and hold its claims against the record."""
    _judged()
    _two_units()


def samples() -> Figure:
    """Return new images of both models, from the same noise."""
    rows = {"N(0, I)": GAUSSIAN, "RealNVP": REALNVP}
    return figures.image_rows(
        {
            title: likelihood_vae.samples(find(name).config, model(name), 12)
            for title, name in rows.items()
        }
    )


def timeline() -> Figure:
    """Return samples of fixed noise under the flow, over the epochs."""
    kept, epochs = model(REALNVP).timeline, run(REALNVP).config["shown_epochs"]
    return figures.image_rows({f"epoch {epoch}": kept[i][:10] for i, epoch in enumerate(epochs)})


def _judged() -> None:
    normal, flow, refitted = run(GAUSSIAN), run(REALNVP), run(REFITTED)
    distance, share = (first(normal, key) for key in ("fid_judge", "recognisable"))
    brought = distance - refitted["fid_judge"]
    PAGE.keep(gaussian_share=100 * normal["recognisable"], realnvp_share=100 * flow["recognisable"])
    PAGE.keep(first_share=100 * share, refit_share=100 * refitted["recognisable"])
    PAGE.keep(first_fid=distance, refit_fid=refitted["fid_judge"])
    PAGE.keep(refit_part=100 * brought / (distance - first(flow, "fid_judge")))
    check(
        {
            "nearer to real images than the normal's, in every pair of seeds": below(
                flow.metric("fid_judge"), normal.metric("fid_judge")
            ),
            "recognised more often": below(
                normal.metric("recognisable"), flow.metric("recognisable")
            ),
            "a flow fitted afterwards brings samples nearer too": (
                brought > 0 and refitted["recognisable"] > share
            ),
        }
    )


def table_board() -> Markdown:
    """Return what the judge says of the samples."""
    found = {"real test images": run("judge-mnist"), **compared()}
    found["a flow fitted to the first"] = run(REFITTED)
    digits = {"recognisable": 3, "class_entropy": 4, "fid_judge": 2}
    rows = [["Samples", *(f"`{key}`" for key in digits)]]
    for name, of in found.items():
        rows.append([name, *(number(of.metric(key), places) for key, places in digits.items())])
    return table(
        "Ten thousand samples before the judge (the scores of the [notation](notation.md)), mean ± standard error "
        "over three seeds (the wider one, and the flow that was fitted to the first: one). The first row's distance "
        "is to the training set.",
        "tab-flow-board",
        "34 22 22 22",
        rows,
    )


def planes() -> Figure:
    """Return the codes of 2,000 test images under both priors, with two units."""
    figure, axes = figures.panels(2, height=3.4)
    noise = torch.randn(2000, 2, generator=generator(0)).numpy()
    for ax, (title, name) in zip(axes, PLANES.items(), strict=True):
        kept = {key: array[:2000] for key, array in run(name).panels.items()}
        codes = kept["test_codes"] + kept["test_scales"].astype("float32") * noise
        draw_plane(ax, model(name), codes, kept["test_labels"], title, size=2)
    figures.class_legend(CLASSES["mnist"], ax=axes[0], columns=10, below=True)
    return figure


def _two_units() -> None:
    normal, flow = (run(name) for name in PLANES.values())
    for name, of in (("normal", normal), ("flow", flow)):
        keys = ("nll", "marginal_kl", "mutual_information")
        PAGE.keep(**{f"two_{name}_{key}": of[f"test_{key}"] for key in keys})
    PAGE.keep(two_normal_nll_sem=normal["test_nll_sem"])
    information = max(of["test_mutual_information"] for of in (normal, flow))
    check(
        {
            "two units: the misfit is smaller under the flow": (
                flow["test_marginal_kl"] < normal["test_marginal_kl"]
            ),
            "two units: one likelihood beside the other, within the error over images": (
                abs(flow["test_nll"] - normal["test_nll"]) < normal["test_nll_sem"]
            ),
            "two units: information well below its limit": information < 0.9 * LIMIT,
            "two units: plain layers, and the whole gradient": not any(
                of.config.get(key) for of in (normal, flow) for key in ("residual", "path_gradient")
            ),
        }
    )
