"""The study beside the VAE-GANs: of γ, of the layer l, and what earlier models' reconstructions score."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor, nn

from chapters_lib import data, runs
from chapters_lib.evaluation.judge import scores
from chapters_lib.evaluation.likeness import likeness
from chapters_lib.experiments import autoencoder, vae, vae_gan
from chapters_lib.experiments.autoencoder_study import no_panels
from chapters_lib.experiments.base import Experiment, Metrics, Session
from chapters_lib.experiments.judge import load_judge
from chapters_lib.experiments.vae_config import VaeConfig
from chapters_lib.experiments.vae_config import build as build_vae
from chapters_lib.experiments.vae_gan_config import VaeGanConfig, split
from chapters_lib.models.vae import VAE
from chapters_lib.models.vae_gan import VAEGAN
from chapters_lib.training import History

EARLIER = {
    "ae": "ae-fashion-mnist",
    "normalised": "ae-normalized-fashion-mnist",
    "vae-2d": "vae-2d-fashion-mnist",
    "vae": "vae-fashion-mnist",
}


@dataclass(frozen=True)
class StudyConfig:
    """Trainings on a part of the train split that are compared on the rest of it."""

    dataset: str
    cases: tuple[tuple[str, VaeGanConfig], ...]


def gamma_name(gamma: float) -> str:
    """Return a case's name: ``gamma-0.01``."""
    return f"gamma-{gamma:g}"


def cases(
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


def build(config: StudyConfig) -> nn.ModuleDict:
    """Make one untrained model a case."""
    return nn.ModuleDict({_key(name): vae_gan.build(case) for name, case in config.cases})


def train(config: StudyConfig, models: nn.Module, session: Session) -> History:
    """Train the cases one after the other; rows carry the case's number."""
    assert isinstance(models, nn.ModuleDict)
    history = History()
    for number, (name, case) in enumerate(config.cases):
        part = session
        if session.checkpoint is not None:
            part = replace(session, checkpoint=session.checkpoint.part(name))
        for row in vae_gan.train(case, models[_key(name)], part):
            history.append({"case": number, **row})
    return history


def evaluate(config: StudyConfig, models: nn.Module) -> Metrics:
    """Measure samples and reconstructions of every case against the held-out training images.

    The test set is touched by ``agreement_…``, ``test_mse_…`` and ``feature_distance_…`` alone,
    which are of the first trainings of earlier chapters' models and choose nothing.
    """
    assert isinstance(models, nn.ModuleDict)
    judge, metrics = load_judge(config.dataset), Metrics()
    for name, case in config.cases:
        model = models[_key(name)]
        assert isinstance(model, VAEGAN)
        held = split(case)[1]
        assert held is not None
        found = likeness(judge, held.images, vae_gan.reconstruct(model, held.images))
        drawn = vae_gan.samples(case, model, len(held))
        found |= scores(judge, drawn, held.images)
        metrics |= {f"val_{key.removeprefix('test_')}_{name}": v for key, v in found.items()}
    test = data.load(config.dataset, "test")
    for name, run in EARLIER.items():
        found = likeness(judge, test.images, earlier(run, test.images, test.labels))
        metrics |= {f"{key}_{name}": value for key, value in found.items()}
    return metrics


def earlier(name: str, images: Tensor, labels: Tensor) -> Tensor:
    """Return the reconstructions of uint8 images by a recorded autoencoder or VAE, uint8."""
    run = runs.load(name)
    if name.startswith("vae"):
        config = VaeConfig(**run.config)
        model = run.restore(build_vae(config))
        assert isinstance(model, VAE)
        return vae.reconstruct(config, model, images, labels)
    coder = run.restore(autoencoder.build(autoencoder.AutoencoderConfig(**run.config)))
    return autoencoder.decode(coder, autoencoder.encode(coder, images))


def _key(name: str) -> str:
    """Return a case's name as a module's, which may hold no dot."""
    return name.replace(".", "_")


def study(config: StudyConfig, seeds: tuple[int, ...]) -> Experiment:
    """Make the study an experiment."""
    return Experiment(
        f"vaegan-study-{config.dataset}",
        "vae-gan",
        "short trainings: γ, the layer l, and what each term is for",
        config,
        build,
        train,
        evaluate,
        no_panels,
        seeds=seeds,
        needs=(f"judge-{config.dataset}", *EARLIER.values()),
        weights_stored=False,
    )
