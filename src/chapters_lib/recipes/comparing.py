"""Three recorded models of one data set side by side: lines between codes, and the nearest training images."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.data import Dataset, to_float
from chapters_lib.evaluation.judge import SURE, features_and_probabilities
from chapters_lib.evaluation.likelihood import encode
from chapters_lib.evaluation.lines import largest_step, straight
from chapters_lib.evaluation.nearest import held_out_share, nearest
from chapters_lib.evaluation.sharpness import roughness
from chapters_lib.models.classifier import Classifier
from chapters_lib.models.gan import GAN
from chapters_lib.models.realnvp import FlowDistribution, RealNVP
from chapters_lib.models.vae import VAE
from chapters_lib.recipes import gan, likelihood_vae
from chapters_lib.recipes.gan import GanConfig
from chapters_lib.recipes.likelihood_vae import PriorConfig
from chapters_lib.recording.experiment import Metrics, Panels
from chapters_lib.recording.judging import load_judge
from chapters_lib.reproducibility import generator

VALIDATION = 1 / 12  # what all three held out of training
MODELS = ("vae-gaussian", "vae-realnvp", "gan")
SHOWN = 8  # samples of each model whose nearest images are kept
UNLIKELY = 0.01  # share of a prior's own draws that lie lower than what is called unlikely
MIDDLE = slice(5, 7)  # of the twelve points of a line the two in its middle
ENDS = slice(None, None, 11)


@dataclass(frozen=True)
class ComparedModelsConfig:
    """How much of three recorded models is looked at."""

    dataset: str
    lines: int = 1000
    images: int = 2000  # samples of each model whose nearest images are looked for
    seed: int = 1  # of the lines' ends
    real_lines: int = 0  # lines between codes of two test images that are kept, of each VAE


def needs(dataset: str) -> tuple[str, ...]:
    """Return the recorded runs that a look at the three models of a data set uses: its judge, and these."""
    return (f"judge-{dataset}", *(f"{model}-{dataset}" for model in MODELS))


@dataclass(frozen=True)
class Drawer:
    """A model as what makes images of standard normal noise: first a code, then an image."""

    latent: int
    to_code: Callable[[Tensor], Tensor]
    decode: Callable[[Tensor], Tensor]  # to uint8 images
    prior: FlowDistribution | None = None  # where codes are not the noise itself

    @property
    def spaces(self) -> tuple[str, ...]:
        """Where a line can be straight: among codes, and with a flow in its base space."""
        return ("z", "base") if self.prior else ("z",)


def gan_drawer(config: GanConfig, model: GAN) -> Drawer:
    """Return a trained GAN as a `Drawer`: its codes are the noise itself."""
    return Drawer(config.noise, lambda u: u, partial(gan.decode, model))


def vae_drawer(config: PriorConfig, model: VAE) -> Drawer:
    """Return a trained VAE as a `Drawer`: its codes are what the prior makes of the noise."""
    prior = model.prior() if isinstance(model.prior, RealNVP) else None
    to_code = partial(likelihood_vae.prior_codes, model)
    return Drawer(config.latent, to_code, partial(likelihood_vae.decode, model), prior)


def recorded(dataset: str) -> dict[str, Drawer]:
    """Return the recorded models of a data set, those of the first seeds, by the names of `MODELS`."""
    return {
        name: gan_drawer(*gan.recorded(f"{name}-{dataset}"))
        if name == "gan"
        else vae_drawer(*likelihood_vae.recorded(f"{name}-{dataset}"))
        for name in MODELS
    }


@torch.no_grad()
def codes_along(
    model: Drawer,
    start: Tensor,
    end: Tensor,
    space: str = "z",
) -> Tensor:
    """Return the codes of each line's twelve points, shape (n, 12, latent).

    The ends are given as noise, shape (n, latent). The line is straight
    among the codes that the noise becomes (``z``), or from noise to noise
    before they become codes (``base``).
    """
    if space == "base":
        points = straight(start, end)
        return model.to_code(points.flatten(0, 1)).view_as(points)
    return straight(model.to_code(start), model.to_code(end))


def images_along(model: Drawer, start: Tensor, end: Tensor, space: str = "z") -> Tensor:
    """Return the images of the twelve points of each line, uint8 (n, 12, C, H, W)."""
    codes = codes_along(model, start, end, space)
    return model.decode(codes.flatten(0, 1)).unflatten(0, codes.shape[:2])


def share(found: Tensor) -> tuple[float, float]:
    """Return the mean of numbers of independent lines, shape (n, …), and its standard error over the lines."""
    of_each = found.double().flatten(1).mean(1)
    return float(of_each.mean()), float(of_each.std() / len(of_each) ** 0.5)


@torch.no_grad()
def along_lines(config: ComparedModelsConfig, model: Drawer, judge: Classifier) -> Metrics:
    """Measure what the judge makes of the images along lines between drawn codes.

    ``ends_recognisable`` and ``middle_recognisable`` are shares of the end points, and of the two
    points in the middle, to which it gives a class with at least 0.9; ``largest_step`` the mean
    share of a way through its features that the longest of the eleven steps takes, of ways along
    which something changes. With a flow
    ``middle_unlikely`` is the share of middle points whose density under the prior is lower than
    that of 99 in 100 of its own draws.
    """
    start, end = torch.randn(2, config.lines, model.latent, generator=generator(config.seed))
    metrics: Metrics = {}
    for space in model.spaces:
        images = images_along(model, start, end, space)
        features, probabilities = features_and_probabilities(judge, images.flatten(0, 1))
        steps = largest_step(features.view(*images.shape[:2], -1))
        sure = (probabilities.amax(1) >= SURE).view(images.shape[:2])
        found = {
            "ends_recognisable": share(sure[:, [0, -1]]),
            "middle_recognisable": share(sure[:, MIDDLE]),
            "largest_step": share(steps[steps.isfinite()][:, None]),
        }
        if model.prior:
            drawn = model.prior.log_prob(model.to_code(torch.cat([start, end])))
            low = drawn.quantile(UNLIKELY)
            codes = codes_along(model, start, end, space)[:, MIDDLE]
            found["middle_unlikely"] = share(model.prior.log_prob(codes) < low)
        for key, (mean, sem) in found.items():
            metrics |= {f"{space}_{key}": mean, f"{space}_{key}_sem": sem}
    return metrics


class Seen(NamedTuple):
    """What the judge recognises of points, by class of density."""

    share: list[float]
    errors: list[float]  # two standard errors of it
    counts: list[int]


class Densities(NamedTuple):
    """What a flow's prior says of lines between draws."""

    along: dict[str, list[float]]  # by space the mean log-density at the twelve points
    middles: Seen
    ends: Seen


@torch.no_grad()
def densities(
    config: ComparedModelsConfig, model: Drawer, judge: Classifier, ranks: Sequence[float]
) -> Densities:
    """Return how likely the points of lines are, and how often middles and ends are recognised by their density.

    The classes of density begin at these ranks among the prior's own draws, the first at 0.
    """
    prior: Any = model.prior
    start, end = torch.randn(2, config.lines, model.latent, generator=generator(config.seed))
    codes = {space: codes_along(model, start, end, space) for space in model.spaces}
    log_p = {space: prior.log_prob(of) for space, of in codes.items()}
    edges = log_p["z"][:, ENDS].flatten().quantile(torch.tensor(ranks[1:]))
    seen = []
    for points in (MIDDLE, ENDS):
        images = model.decode(codes["z"][:, points].flatten(0, 1))
        sure = features_and_probabilities(judge, images)[1].amax(1) >= SURE
        found = torch.bucketize(log_p["z"][:, points].flatten(), edges)
        seen.append(_by_class([sure[found == i].double() for i in range(len(ranks))]))
    return Densities({space: of.mean(0).tolist() for space, of in log_p.items()}, *seen)


def _by_class(parts: list[Tensor]) -> Seen:
    shares, counts = [float(part.mean()) for part in parts], [len(part) for part in parts]
    errors = [
        2 * math.sqrt(share * (1 - share) / n) if n else math.nan
        for share, n in zip(shares, counts, strict=True)
    ]
    return Seen(shares, errors, counts)


def spaces_of(dataset: Dataset, judge: Classifier) -> dict[str, Tensor]:
    """Return what distances are measured in, by name: pixels in [0, 1], and the judge's features; (N, d) each."""
    features, _ = features_and_probabilities(judge, dataset.images)
    return {"pixel": to_float(dataset.images).flatten(1), "judge": features}


def beside_trained(
    images: dict[str, Tensor], trained: dict[str, Tensor], held: dict[str, Tensor]
) -> Metrics:
    """Measure how near images are to those trained on, in both spaces of `spaces_of`.

    ``…_nearest`` is the mean squared distance to the nearest of all of them (per pixel value, in
    pixels); ``…_held`` the share whose nearest image of all is one that was held out.
    """
    metrics: Metrics = {}
    for space, points in images.items():
        scale = points.shape[1] if space == "pixel" else 1
        distance = nearest(points, trained[space]).distance
        metrics[f"{space}_nearest"] = float(distance.double().mean()) / scale
        metrics[f"{space}_held"] = held_out_share(points, trained[space], held[space])
    return metrics


def evaluate(config: ComparedModelsConfig, _: nn.Module) -> Metrics:
    """Measure `along_lines`, `beside_trained` and `roughness` of each model; the last two also of test images."""
    judge = load_judge(config.dataset)
    training, held = data.training_split(config.dataset, VALIDATION)
    trained, held_out = spaces_of(training, judge), spaces_of(held, judge)
    models = recorded(config.dataset)
    sets = {name: drawn_by(model, config) for name, model in models.items()}
    sets["test"] = data.load(config.dataset, "test").first(config.images)
    metrics: Metrics = {}
    for name, part in sets.items():
        found = beside_trained(spaces_of(part, judge), trained, held_out)
        found["roughness"] = float(roughness(part.images).mean())
        if name in models:
            found |= along_lines(config, models[name], judge)
        metrics |= {f"{name}_{key}": value for key, value in found.items()}
    return metrics


def drawn_by(model: Drawer, config: ComparedModelsConfig) -> Dataset:
    """Return new images of a model, as a data set whose labels say nothing."""
    noise = torch.randn(config.images, model.latent, generator=generator(0))
    images = model.decode(model.to_code(noise))
    return Dataset(config.dataset, "drawn", images, torch.zeros(len(images), dtype=torch.long))


def panels(config: ComparedModelsConfig, _: nn.Module) -> Panels:
    """Keep the first samples of each model, and the nearest images trained on, in both spaces: uint8 (8, C, H, W)."""
    judge = load_judge(config.dataset)
    training, _held = data.training_split(config.dataset, VALIDATION)
    trained = spaces_of(training, judge)
    found = {}
    for name, model in recorded(config.dataset).items():
        drawn = drawn_by(model, config).first(SHOWN)
        found[f"{name}_drawn"] = drawn.images.numpy()
        for space, points in spaces_of(drawn, judge).items():
            index = nearest(points, trained[space]).which
            found[f"{name}_{space}"] = training.images[index].numpy()
    return found | real_lines(config) if config.real_lines else found


@torch.no_grad()
def real_lines(config: ComparedModelsConfig) -> Panels:
    """Keep the way from one test image to another, by a straight line between their codes' means, of each VAE.

    ``real_ends`` are the images themselves, uint8 (lines, 2, C, H, W), ``…_real_line`` the twelve
    images of each line, its ends decoded like the others.
    """
    test = data.load(config.dataset, "test")
    chosen = torch.randperm(len(test), generator=generator(config.seed))[: 2 * config.real_lines]
    found = {"real_ends": test.images[chosen].unflatten(0, (-1, 2)).numpy()}
    for name in MODELS[:2]:
        settings, model = likelihood_vae.recorded(f"{name}-{config.dataset}")
        codes, _ = encode(model, likelihood_vae.observed(settings, test.subset(chosen)))
        start, end = codes.unflatten(0, (-1, 2)).unbind(1)
        images = likelihood_vae.decode(model, straight(start, end).flatten(0, 1))
        found[f"{name}_real_line"] = images.unflatten(0, (config.real_lines, -1)).numpy()
    return found
