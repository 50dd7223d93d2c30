"""Short VAE-GAN trainings compared on held-out images, and what earlier models' reconstructions score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.evaluation.judge import scores
from chapters_lib.evaluation.likeness import likeness
from chapters_lib.recipes import autoencoder, vae, vae_gan
from chapters_lib.recipes.vae_gan import VaeGanConfig, split
from chapters_lib.recording.experiment import Metrics
from chapters_lib.recording.judging import load_judge
from chapters_lib.recording.study import Case, trained

EARLIER = {
    "ae": "ae-fashion-mnist",
    "normalised": "ae-normalized-fashion-mnist",
    "vae-2d": "vae-2d-fashion-mnist",
    "vae": "vae-fashion-mnist",
}


@dataclass(frozen=True)
class VaeGanStudyConfig:
    """Trainings on a part of the train split that are compared on the rest of it."""

    dataset: str
    cases: tuple[tuple[str, VaeGanConfig], ...]


def gamma_name(gamma: float) -> str:
    """Return a case's name: ``gamma-0.01``."""
    return f"gamma-{gamma:g}"


def study_cases(
    base: VaeGanConfig,
    gammas: tuple[float, ...],
    layers: tuple[int, ...],
    others: dict[str, VaeGanConfig],
) -> tuple[tuple[str, VaeGanConfig], ...]:
    """Return the cases: γ over `gammas` at the base's layer, the layer over `layers` at its γ, and others."""
    whole = {
        **{gamma_name(g): replace(base, gamma=g) for g in gammas},
        **{f"layer-{n}": replace(base, layer=n) for n in layers},
        **others,
    }
    return tuple(
        (name, replace(case, validation=0.1, judged=False)) for name, case in whole.items()
    )


def evaluate(cases: Sequence[Case[VaeGanConfig]], models: nn.ModuleDict) -> Metrics:
    """Measure samples and reconstructions of every case against the held-out training images.

    The test set is touched by ``agreement_…``, ``test_mse_…`` and ``feature_distance_…`` alone,
    which are of the first trainings of earlier chapters' models and choose nothing.
    """
    dataset = cases[0].config.dataset
    judge, metrics = load_judge(dataset), Metrics()
    for name, case, model in trained(cases, models):
        _, held = split(case)
        found = likeness(judge, held.images, vae_gan.reconstruct(model, held.images))
        drawn = vae_gan.samples(case, model, len(held))
        found |= scores(judge, drawn, held.images)
        metrics |= {f"val_{key.removeprefix('test_')}_{name}": v for key, v in found.items()}
    test = data.load(dataset, "test")
    for name, run in EARLIER.items():
        found = likeness(judge, test.images, earlier(run, test.images, test.labels))
        metrics |= {f"{key}_{name}": value for key, value in found.items()}
    return metrics


def earlier(name: str, images: Tensor, labels: Tensor) -> Tensor:
    """Return the reconstructions of uint8 images by a recorded autoencoder or VAE, uint8."""
    if name.startswith("vae"):
        return vae.reconstruct(*vae.recorded(name), images, labels)
    _, coder = autoencoder.recorded(name)
    return autoencoder.decode(coder, autoencoder.encode(coder, images))
