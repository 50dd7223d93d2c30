"""The gallery: what each recorded model draws, beside real images, as one picture."""

from __future__ import annotations

from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor

from chapters_lib import figures
from chapters_lib.data import to_float
from chapters_lib.data.standardised import Standardised
from chapters_lib.errors import ChaptersError
from chapters_lib.evaluation.judge import to_bytes
from chapters_lib.experiments import find
from chapters_lib.models.gan import GAN
from chapters_lib.models.rbm import GaussianBernoulliRBM, HiddenChain
from chapters_lib.models.vae import VAE
from chapters_lib.models.vae_gan import VAEGAN
from chapters_lib.recipes import gan, vae, vae_gan
from chapters_lib.recipes import likelihood_vae as learned_prior
from chapters_lib.recipes.autoencoder import decode, encode, standard_normal_codes
from chapters_lib.recording import runs
from chapters_lib.reproducibility import generator

COLUMNS = 10
TITLES = {"fashion-mnist": "Fashion-MNIST", "mnist": "MNIST"}
VAES = {
    "VAE, two units": {"fashion-mnist": "vae-2d-fashion-mnist", "mnist": "vae-2d-mnist"},
    "VAE": {"fashion-mnist": "vae-fashion-mnist", "mnist": "vae-fc-mnist"},
}  # of each data set the run that a row shows
VAE_GAN = {"fashion-mnist": "vaegan-fashion-mnist", "mnist": "vaegan-mnist"}
MACHINE = "rbm-kmnist-256-updates"
ADVERSARIES = {
    "GAN": "gan-fc-mnist",
    "DCGAN,\nmin-max loss": "dcgan-mnist",
    "DCGAN, non-\nsaturating": "dcgan-mnist-nonsaturating",
}
LEARNED_PRIOR = ("VAE, flow\nas prior", "vae-realnvp-mnist")


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
    for title, of_set in VAES.items():
        if recorded.issuperset(of_set.values()):  # the rows of both sets, or of neither
            name = of_set[dataset]
            run, experiment = runs.load(name), find(name)
            machine = run.restore(experiment.build(experiment.config))
            assert isinstance(machine, VAE)
            shown[title] = vae.samples(experiment.config, machine, COLUMNS)
    if recorded.issuperset(VAE_GAN.values()):
        run, experiment = runs.load(VAE_GAN[dataset]), find(VAE_GAN[dataset])
        both = run.restore(experiment.build(experiment.config))
        assert isinstance(both, VAEGAN)
        shown["VAE-GAN,\ntwo units"] = vae_gan.samples(experiment.config, both, COLUMNS)
    return shown


@torch.no_grad()
def machine_rows() -> dict[str, Tensor]:
    """Return ten images a row of the restricted Boltzmann machine on KMNIST, if it is recorded."""
    if MACHINE not in runs.names():
        return {}
    run, experiment = runs.load(MACHINE), find(MACHINE)
    model = run.restore(experiment.build(experiment.config))
    assert isinstance(model, GaussianBernoulliRBM)
    kept = {key: torch.from_numpy(value) for key, value in run.panels.items()}
    real = Standardised(
        (to_float(kept["test_images"]).flatten(1) - kept["test_mean"]) / kept["test_sd"],
        kept["test_mean"],
        kept["test_sd"],
    )
    seeded, (mean, sd) = generator(0), kept["statistics"]
    hidden = model.sample_hidden(torch.randn(COLUMNS, len(model.scale), generator=seeded), seeded)
    hidden = HiddenChain.of(model).run(hidden, experiment.config.sample_steps, seeded)
    drawn = {
        "restricted\nBoltzmann machine": real.pixels(model.reconstruct(real.v)),
        "its chains\nfrom noise": (mean + sd * model.visible_mean(hidden)).clamp(0, 1),
    }
    return {"real": kept["test_images"]} | {
        title: to_bytes(images.unflatten(1, (1, 28, 28))) for title, images in drawn.items()
    }


def adversary_rows() -> dict[str, Tensor]:
    """Return ten new images a row of the generators on MNIST that are recorded."""
    shown: dict[str, Tensor] = {}
    for title, name in ADVERSARIES.items():
        if name in runs.names():
            run, experiment = runs.load(name), find(name)
            pair = run.restore(experiment.build(experiment.config))
            assert isinstance(pair, GAN)
            shown[title] = gan.samples(experiment.config, pair, COLUMNS)
    return shown


def flow_rows() -> dict[str, Tensor]:
    """Return ten new images of the VAE whose prior is a flow, if it is recorded."""
    title, name = LEARNED_PRIOR
    if name not in runs.names():
        return {}
    run, experiment = runs.load(name), find(name)
    model = run.restore(experiment.build(experiment.config))
    assert isinstance(model, VAE)
    return {title: learned_prior.samples(experiment.config, model, COLUMNS)}


def draw() -> Figure:
    """Draw the rows of every data set that has any, side by side.

    Raises
    ------
    ChaptersError
        if no run is recorded.
    """
    found = {TITLES[dataset]: rows(dataset) for dataset in TITLES}
    found |= {"KMNIST": machine_rows(), "MNIST, further models": adversary_rows() | flow_rows()}
    found = {title: of_set for title, of_set in found.items() if of_set}
    if not found:
        raise ChaptersError("no run is recorded to draw a gallery of: train one first")
    heights = [0.36 * len(of_set) + 0.35 for of_set in found.values()]
    tall, extra = max(heights[:2]), [max(heights[2:])] if heights[2:] else []
    figure, axes = figures.panels(
        min(2, len(found)),
        1 + bool(extra),
        width=figures.WIDTH * 1.3,
        height=(tall + sum(extra)) / (1 + bool(extra)),
        gridspec_kw={"height_ratios": [tall, *extra]},
    )
    for ax, (title, of_set) in zip(axes, found.items(), strict=False):
        figures.image_rows(of_set, ax=ax)
        ax.set_title(title)
    upper = list(found.values())[:2]
    if len(upper) > 1 and list(upper[0]) == list(upper[1]):
        axes[1].set_yticks([])  # the rows of the left
    for ax in axes[len(found) :]:
        ax.set_axis_off()
    return figure


def write(path: Path) -> None:
    """Save the gallery as a PNG for places where nothing runs, such as the README."""
    figures.use_style()
    try:
        draw().savefig(path, dpi=150, format="png")
    except OSError as error:
        raise ChaptersError(f"cannot write the gallery to {path} ({error.strerror})") from error
